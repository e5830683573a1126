"""What a message can speak of: a booking, a slot, a venue's day or a link, read as it is now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Load, Session, joinedload

from booking.errors import BookingNotFound
from booking.links import token_of
from booking.transactions import reading
from booking.views import TakenLine, slots_of
from models import (
    Booking,
    BookingSlot,
    BulkItem,
    BulkJob,
    CountedIn,
    Deed,
    Kind,
    MessageText,
    Notice,
    Notification,
    OneTimeLink,
    Slot,
    Status,
    Venue,
)

MOST_IN_A_DIGEST = 50
_TOLD_WITH_DEED = {str(Notice.CANCELLED): str(Deed.CANCEL), str(Notice.CHANGED): str(Deed.MOVE)}


@dataclass(frozen=True, slots=True)
class Sender:
    """The venue that a message comes from: its name and look, and where it reads its own mail."""

    id: int
    slug: str
    name: str
    kind: Kind
    time_zone: str
    language: str
    colour: str
    email: str | None
    fullness_percent: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A booking that a message is about. `starts_at` and `ends_at` span all of its slots."""

    id: UUID
    reference: str
    status: Status
    reason: str | None
    revision: int
    access_version: int
    language: str | None
    resource_name: str
    counted_in: CountedIn
    starts_at: datetime
    ends_at: datetime
    quantity: int
    guests: int | None
    total: Decimal
    currency: str
    email: str | None
    full_name: str | None
    phone: str | None
    special_requests: str | None
    expires_at: datetime | None
    updated_at: datetime
    request_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class FillingSlot:
    """A slot that is nearly full."""

    resource_name: str
    starts_at: datetime
    capacity: int
    taken: int


@dataclass(frozen=True, slots=True)
class Day:
    """What happened at a venue on one of its days, the newest first."""

    on: date
    new: tuple[Subject, ...]
    cancelled: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link, with the address that it leads to and its token."""

    email: str
    path: str
    token: str
    language: str | None
    expires_at: datetime
    is_used: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """A message that is owed: about exactly one of booking, slot, day and link.

    `words` are the venue's own for its kind, by language. `announcement` is what the venue says to
    all whose bookings it changes together.
    """

    id: int
    kind: Notice
    version: int
    attempts: int
    created_at: datetime
    sender: Sender | None
    booking: Subject | None = None
    slot: FillingSlot | None = None
    day: Day | None = None
    link: Link | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    announcement: str | None = None

    @property
    def is_for_venue(self) -> bool:
        """Whether the venue itself is told."""
        return self.kind.startswith(("venue_", "slot_"))

    @property
    def recipient(self) -> str | None:
        """The one address that it goes to, as it was given."""
        if self.link:
            return self.link.email
        if self.is_for_venue:
            return self.sender.email if self.sender else None
        return self.booking.email if self.booking else None

    @property
    def languages(self) -> tuple[str | None, ...]:
        """The languages that are wanted, the most wanted first."""
        own = self.sender.language if self.sender else None
        if self.is_for_venue:
            return (own,)
        theirs = self.booking or self.link
        return (theirs.language if theirs else None, own)


def read_owed(tx: Session, notification_id: int) -> Owed:
    """Return a message with all that it needs, as it is now. Raises LookupError."""
    return read_many_owed(tx, [notification_id])[notification_id]


def read_many_owed(tx: Session, notification_ids: Sequence[int]) -> dict[int, Owed]:
    """Return messages with all that they need, in a handful of statements for all of them."""
    rows = tx.scalars(_SELECT_OWED, {"ids": list(notification_ids)}).unique().all()
    words = _read_words(tx, {row.venue_id for row in rows if row.booking_id is not None})
    said = _read_announcements(tx, rows)
    return {
        row.id: _owed(tx, row, words.get((row.venue_id, row.kind), {}), said.get(row.id))
        for row in rows
    }


def sender(venue: Venue) -> Sender:
    """Return a venue as the sender of messages."""
    return Sender(
        id=venue.id,
        slug=venue.slug,
        name=venue.name,
        kind=Kind(venue.kind),
        time_zone=venue.time_zone,
        language=venue.language,
        colour=venue.colour,
        email=venue.contact_email,
        fullness_percent=venue.fullness_percent,
    )


def read_subject(booking_id: UUID) -> tuple[Sender, Subject]:
    """Return a booking and its venue. Raises BookingNotFound."""
    with reading() as tx:
        booking = tx.get(Booking, booking_id)
        if booking is None:
            raise BookingNotFound
        return sender(booking.venue), read_subjects(tx, Booking.id == booking_id, limit=1)[0]


def read_subjects(
    tx: Session, *criteria: ColumnElement[bool], limit: int, newest_first: bool = True
) -> tuple[Subject, ...]:
    """Return the bookings that the criteria name, by their arrival."""
    order = Booking.seq.desc() if newest_first else Booking.seq
    rows = tx.scalars(_SELECT_BOOKINGS.where(*criteria).order_by(order).limit(limit))
    return tuple(_subject(row) for row in rows)


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which a day of a zone begins and ends."""
    tz = ZoneInfo(zone)
    return (
        datetime.combine(day, time(), tz),
        datetime.combine(day + timedelta(days=1), time(), tz),
    )


def _owed(
    tx: Session, row: Notification, words: Mapping[str, str], announcement: str | None
) -> Owed:
    venue = row.venue
    return Owed(
        id=row.id,
        kind=Notice(row.kind),
        version=row.version,
        attempts=row.attempts,
        created_at=row.created_at,
        sender=sender(venue) if venue else None,
        booking=_subject(row.booking) if row.booking else None,
        slot=_filling(row.slot) if row.slot else None,
        day=_read_day(tx, venue, row.period_on) if venue and row.period_on else None,
        link=_link(row.link) if row.link else None,
        words=words,
        announcement=announcement,
    )


def _read_words(
    tx: Session, venue_ids: Iterable[int | None]
) -> dict[tuple[int | None, str], dict[str, str]]:
    """Return the venues' own words by venue and kind, and then by language."""
    found: dict[tuple[int | None, str], dict[str, str]] = {}
    if wanted := [venue_id for venue_id in venue_ids if venue_id is not None]:
        for text in tx.scalars(select(MessageText).where(MessageText.venue_id.in_(wanted))):
            found.setdefault((text.venue_id, text.kind), {})[text.language] = text.words
    return found


def _read_announcements(tx: Session, rows: Sequence[Notification]) -> dict[int, str]:
    """Return what a venue says with the changes that it makes to many bookings together."""
    told = [row.id for row in rows if row.kind in _TOLD_WITH_DEED]
    if not told:
        return {}
    found = tx.execute(
        select(Notification.id, BulkJob.message)
        .join(
            BulkItem,
            (BulkItem.booking_id == Notification.booking_id)
            & (BulkItem.revision == Notification.version),
        )
        .join(BulkItem.job)
        .where(
            Notification.id.in_(told),
            BulkJob.deed == case(_TOLD_WITH_DEED, value=Notification.kind),
            BulkJob.message.is_not(None),
        )
        .order_by(BulkJob.created_at)
    )
    return {notification_id: message for notification_id, message in found if message}


def _subject(booking: Booking) -> Subject:
    slots = slots_of(
        [
            TakenLine(
                line.slot_id,
                line.slot.starts_at,
                line.slot.ends_at,
                line.unit_price,
                line.released_at,
            )
            for line in booking.lines
        ]
    )
    return Subject(
        id=booking.id,
        reference=booking.reference,
        status=Status(booking.status),
        reason=booking.reason,
        revision=booking.revision,
        access_version=booking.access_version,
        language=booking.language,
        resource_name=booking.resource.name,
        counted_in=CountedIn(booking.resource.counted_in),
        starts_at=min(slot.starts_at for slot in slots),
        ends_at=max(slot.ends_at for slot in slots),
        quantity=booking.quantity,
        guests=booking.guests,
        total=booking.total,
        currency=booking.currency,
        email=booking.contact_email,
        full_name=booking.contact_name,
        phone=booking.contact_phone,
        special_requests=booking.special_requests,
        expires_at=booking.expires_at,
        updated_at=booking.updated_at,
        request_id=booking.request_id,
        traceparent=booking.traceparent,
    )


def _filling(slot: Slot) -> FillingSlot:
    return FillingSlot(
        resource_name=slot.resource.name,
        starts_at=slot.starts_at,
        capacity=slot.capacity,
        taken=slot.capacity - slot.remaining,
    )


def _read_day(tx: Session, venue: Venue, on: date) -> Day:
    begins, ends = day_bounds(on, venue.time_zone)
    ours = Booking.venue_id == venue.id
    return Day(
        on=on,
        new=read_subjects(
            tx,
            ours,
            Booking.confirmed_at >= begins,
            Booking.confirmed_at < ends,
            Booking.status != Status.CANCELLED,
            limit=MOST_IN_A_DIGEST,
        ),
        cancelled=read_subjects(
            tx,
            ours,
            Booking.cancelled_at >= begins,
            Booking.cancelled_at < ends,
            Booking.confirmed_at.is_not(None),
            limit=MOST_IN_A_DIGEST,
        ),
    )


def _link(link: OneTimeLink) -> Link:
    return Link(
        email=link.email,
        path=link.path,
        token=token_of(link.id),
        language=link.language,
        expires_at=link.expires_at,
        is_used=link.used_at is not None,
    )


def _with_slots(load: Any) -> Any:
    """Load the resource and the slots of the bookings that `load` leads to."""
    return (
        load.joinedload(Booking.resource),
        load.selectinload(Booking.lines).joinedload(BookingSlot.slot, innerjoin=True),
    )


# Built once: putting such a statement together costs more than running it.
_SELECT_OWED = (
    select(Notification)
    .where(Notification.id == func.any(bindparam("ids", type_=ARRAY(BigInteger))))
    .options(
        joinedload(Notification.venue),
        joinedload(Notification.link),
        joinedload(Notification.slot).joinedload(Slot.resource),
        *_with_slots(joinedload(Notification.booking)),
    )
    .execution_options(populate_existing=True)
)
_SELECT_BOOKINGS = (
    select(Booking).options(*_with_slots(Load(Booking))).execution_options(populate_existing=True)
)
