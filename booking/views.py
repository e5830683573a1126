"""A booking as it is read: one frozen object for every face, and the queries that fill it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Uuid,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from booking.errors import BookingNotFound
from booking.pressure import MOST_COUNTED, expected_seconds
from booking.rule import Reason
from booking.transactions import reading
from models import (
    Booking,
    BookingEvent,
    BookingSlot,
    Kind,
    Notification,
    NotificationState,
    Resource,
    Slot,
    Status,
    Venue,
)

_NEWEST = 20


@dataclass(frozen=True, slots=True)
class SlotTaken:
    """A slot of a booking, with the price of one place in it when the booking was placed."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    price: Decimal


class TakenLine(NamedTuple):
    """A line of a booking with the times of its slot."""

    slot_id: UUID
    starts_at: datetime
    ends_at: datetime
    unit_price: Decimal
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as it is now. Instants are UTC, money in `currency`.

    A hold whose deadline has passed reads as expired, whether or not a sweep has run.
    `position` and `expected_seconds` are given while it is pending. `is_mail_refused` says that a
    mail server wants no mail for its customer's address.
    """

    id: UUID
    seq: int
    reference: str
    venue_id: int
    venue: str
    venue_name: str
    time_zone: str
    resource_id: UUID
    resource_name: str
    slots: tuple[SlotTaken, ...]
    quantity: int
    guests: int | None
    customer_id: int
    email: str | None
    full_name: str | None
    phone: str | None
    special_requests: str | None
    details: dict[str, Any]
    confirmation_code: str | None
    channel: str
    status: Status
    reason: str | None
    remaining: int | None
    position: int | None
    expected_seconds: float | None
    expires_at: datetime | None
    total: Decimal
    currency: str
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    cancelled_at: datetime | None
    cancellation_reason_id: int | None
    access_version: int
    user_id: UUID | None
    is_mail_refused: bool


def read_booking(
    *,
    booking_id: UUID | None = None,
    reference: str | None = None,
    confirmation_code: str | None = None,
) -> BookingView:
    """Return one booking by id, reference or confirmation code. Raises BookingNotFound."""
    wanted: ColumnElement[bool] = Booking.reference == reference
    if booking_id:
        wanted = Booking.id == booking_id
    elif confirmation_code:
        wanted = Booking.confirmation_code == confirmation_code
    with reading() as tx:
        return read_booking_in(tx, wanted)


def read_booking_in(tx: Session, wanted: ColumnElement[bool]) -> BookingView:
    """Return the one booking that the criteria name. Raises BookingNotFound."""
    found = _views(tx, tx.execute(_SELECT_BOOKINGS.where(wanted)).all())
    if not found:
        raise BookingNotFound
    return found[0]


def read_bookings(
    *,
    venue_ids: Sequence[int] | None = None,
    user_id: UUID | None = None,
    proven_email: str | None = None,
    kind: Kind | None = None,
    email: str | None = None,
    phone: str | None = None,
    status: Status | None = None,
    statuses: Sequence[Status] | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> list[BookingView]:
    """Return bookings of some venues, an account or a contact, newest first, at most `limit`.

    The bookings that were made with an account's `proven_email` are the account's as well.
    """
    query = _SELECT_BOOKINGS.order_by(Booking.seq.desc()).limit(limit)
    if venue_ids is not None:
        query = query.where(Booking.venue_id.in_(venue_ids))
    if user_id is not None:
        own = Booking.user_id == user_id
        if proven_email is not None:
            own = or_(own, func.lower(Booking.contact_email) == func.lower(proven_email))
        query = query.where(own)
    if kind is not None:
        query = query.where(Venue.kind == kind)
    if email is not None:
        query = query.where(func.lower(Booking.contact_email) == email.lower())
    if phone is not None:
        query = query.where(Booking.contact_phone == phone)
    if status is not None:
        query = query.where(Booking.status == status)
    if statuses is not None:
        query = query.where(Booking.status.in_(statuses))
    if before_seq is not None:
        query = query.where(Booking.seq < before_seq)
    with reading() as tx:
        return _views(tx, tx.execute(query).all())


def read_some(booking_ids: Sequence[UUID]) -> dict[UUID, BookingView]:
    """Return bookings by their ids; those that there are not are left out."""
    with reading() as tx:
        rows = tx.connection().execute(_SELECT_SOME, {"ids": list(booking_ids)}).all()
        return {booking.id: booking for booking in _views(tx, rows)}


def read_newest_events(venue_ids: Sequence[int] | None) -> list[int]:
    """Return the ids of the last things that happened at each of these venues, or at all of them.

    Several of each, because a lower id may become visible after a higher one.
    """
    with reading() as tx:
        return read_newest_events_in(tx, venue_ids)


def read_newest_events_in(tx: Session, venue_ids: Sequence[int] | None) -> list[int]:
    """Return the same, read in an open session."""
    newest = select(BookingEvent.id).order_by(BookingEvent.id.desc()).limit(_NEWEST)
    if venue_ids is not None:
        # One short look into the index for each venue, however long its history.
        given = func.unnest(cast(list(venue_ids), ARRAY(Integer)))
        venues = given.table_valued("id", name="venue").render_derived()
        of_each = newest.where(BookingEvent.venue_id == venues.c.id).lateral()
        newest = select(of_each.c.id).select_from(venues).join(of_each, true())
    return list(tx.scalars(newest))


def _views(tx: Session, rows: Sequence[Any]) -> list[BookingView]:
    """Add the slots to what was read of some bookings: one more query, however many they are."""
    if not rows:
        return []
    lines: dict[UUID, list[TakenLine]] = {}
    for line in tx.connection().execute(_SELECT_LINES, {"ids": [row.id for row in rows]}):
        lines.setdefault(line.booking_id, []).append(TakenLine._make(line[1:]))
    return [_view(row, slots_of(lines.get(row.id, []))) for row in rows]


def _view(row: Any, slots: tuple[SlotTaken, ...]) -> BookingView:
    status, reason = Status(row.status), row.reason
    if row.expires_at is not None and row.expires_at <= row.now:
        reason = Reason.NOT_DECIDED if status is Status.PENDING else Reason.NOT_CONFIRMED
        status = Status.EXPIRED
    is_pending = status is Status.PENDING
    return BookingView(
        id=row.id,
        seq=row.seq,
        reference=row.reference,
        venue_id=row.venue_id,
        venue=row.venue,
        venue_name=row.venue_name,
        time_zone=row.time_zone,
        resource_id=row.resource_id,
        resource_name=row.resource_name,
        slots=slots,
        quantity=row.quantity,
        guests=row.guests,
        customer_id=row.customer_id,
        email=row.contact_email,
        full_name=row.contact_name,
        phone=row.contact_phone,
        special_requests=row.special_requests,
        details=row.details,
        confirmation_code=row.confirmation_code,
        channel=row.channel,
        status=status,
        reason=reason,
        remaining=row.remaining,
        position=row.ahead if is_pending else None,
        expected_seconds=(
            expected_seconds(row.ahead, row.decisions_per_second) if is_pending else None
        ),
        expires_at=row.expires_at if status is not Status.EXPIRED else None,
        total=row.total,
        currency=row.currency,
        created_at=row.created_at,
        updated_at=row.updated_at,
        decided_at=row.decided_at,
        cancelled_at=row.cancelled_at,
        cancellation_reason_id=row.cancellation_reason_id,
        access_version=row.access_version,
        user_id=row.user_id,
        is_mail_refused=row.is_mail_refused,
    )


def slots_of(lines: Sequence[TakenLine]) -> tuple[SlotTaken, ...]:
    """Return the slots that count: those not released, or all of the last ones when it ended."""
    live = [line for line in lines if line.released_at is None]
    if not live and lines:
        ended = max(line.released_at for line in lines if line.released_at)
        live = [line for line in lines if line.released_at == ended]
    slots = {line.slot_id: line for line in reversed(live)}
    return tuple(
        SlotTaken(line.slot_id, line.starts_at, line.ends_at, line.unit_price)
        for line in sorted(slots.values(), key=lambda line: line.starts_at)
    )


def _count_ahead() -> ScalarSelect[int]:
    """Count the pending holds of the same resource with a lower arrival number."""
    other = aliased(Booking)
    ahead = (
        select(other.id)
        .where(
            Booking.status == Status.PENDING,
            other.resource_id == Booking.resource_id,
            other.status == Status.PENDING,
            other.seq < Booking.seq,
        )
        .correlate(Booking)
        .limit(MOST_COUNTED)
        .subquery()
    )
    return select(func.count()).select_from(ahead).scalar_subquery()


# Built once: putting such a statement together costs more than running it. Columns and not
# entities, because everybody who waits reads a booking, and entities cost several times as much.
_SELECT_BOOKINGS = (
    select(
        Booking.id,
        Booking.seq,
        Booking.reference,
        Booking.venue_id,
        Booking.resource_id,
        Booking.quantity,
        Booking.guests,
        Booking.customer_id,
        Booking.contact_email,
        Booking.contact_name,
        Booking.contact_phone,
        Booking.special_requests,
        Booking.details,
        Booking.confirmation_code,
        Booking.channel,
        Booking.status,
        Booking.reason,
        Booking.remaining,
        Booking.expires_at,
        Booking.total,
        Booking.currency,
        Booking.created_at,
        Booking.updated_at,
        Booking.decided_at,
        Booking.cancelled_at,
        Booking.cancellation_reason_id,
        Booking.access_version,
        Booking.user_id,
        Venue.slug.label("venue"),
        Venue.name.label("venue_name"),
        Venue.time_zone,
        Resource.name.label("resource_name"),
        Resource.decisions_per_second,
        func.clock_timestamp().label("now"),
        _count_ahead().label("ahead"),
        select(Notification.id)
        .where(
            Notification.booking_id == Booking.id,
            Notification.state == NotificationState.REFUSED,
            Notification.kind.not_like("venue%"),
        )
        .exists()
        .correlate(Booking)
        .label("is_mail_refused"),
    )
    .join(Booking.venue)
    .join(Booking.resource)
)

_SELECT_SOME = _SELECT_BOOKINGS.where(Booking.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))

_SELECT_LINES = (
    select(
        BookingSlot.booking_id,
        BookingSlot.slot_id,
        Slot.starts_at,
        Slot.ends_at,
        BookingSlot.unit_price,
        BookingSlot.released_at,
    )
    .join(BookingSlot.slot)
    .where(BookingSlot.booking_id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(BookingSlot.id)
)
