"""A booking as it is read: one frozen object for every face, and the queries that fill it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, selectinload

from booking.errors import BookingNotFound
from booking.pressure import MOST_COUNTED, expected_seconds
from booking.rule import Reason
from booking.transactions import reading
from models import Booking, BookingSlot, Kind, Resource, Status, Venue


@dataclass(frozen=True, slots=True)
class SlotTaken:
    """A slot of a booking, with the price of one place in it when the booking was placed."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as it is now. Instants are UTC, money in `currency`.

    A hold whose deadline has passed reads as expired, whether or not a sweep has run.
    `position` and `expected_seconds` are given while it is pending.
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
    row = tx.execute(_SELECT_BOOKINGS.where(wanted)).first()
    if row is None:
        raise BookingNotFound
    return _view(*row)


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
        return [_view(*row) for row in tx.execute(query).all()]


def read_status(booking_id: UUID) -> str | None:
    """Return only the status: the cheap question of those who wait."""
    with reading() as tx:
        return tx.scalar(select(Booking.status).where(Booking.id == booking_id))


def _view(booking: Booking, now: datetime, ahead: int) -> BookingView:
    status, reason = Status(booking.status), booking.reason
    if booking.expires_at is not None and booking.expires_at <= now:
        reason = Reason.NOT_DECIDED if status is Status.PENDING else Reason.NOT_CONFIRMED
        status = Status.EXPIRED
    is_pending = status is Status.PENDING
    return BookingView(
        id=booking.id,
        seq=booking.seq,
        reference=booking.reference,
        venue_id=booking.venue_id,
        venue=booking.venue.slug,
        venue_name=booking.venue.name,
        time_zone=booking.venue.time_zone,
        resource_id=booking.resource_id,
        resource_name=booking.resource.name,
        slots=slots_of(booking.lines),
        quantity=booking.quantity,
        guests=booking.guests,
        customer_id=booking.customer_id,
        email=booking.contact_email,
        full_name=booking.contact_name,
        phone=booking.contact_phone,
        special_requests=booking.special_requests,
        details=booking.details,
        confirmation_code=booking.confirmation_code,
        channel=booking.channel,
        status=status,
        reason=reason,
        remaining=booking.remaining,
        position=ahead if is_pending else None,
        expected_seconds=(
            expected_seconds(ahead, booking.resource.decisions_per_second) if is_pending else None
        ),
        expires_at=booking.expires_at if status is not Status.EXPIRED else None,
        total=booking.total,
        currency=booking.currency,
        created_at=booking.created_at,
        updated_at=booking.updated_at,
        decided_at=booking.decided_at,
        cancelled_at=booking.cancelled_at,
        cancellation_reason_id=booking.cancellation_reason_id,
        access_version=booking.access_version,
        user_id=booking.user_id,
    )


def slots_of(lines: Iterable[BookingSlot]) -> tuple[SlotTaken, ...]:
    """Return the slots that count: those not released, or all of the last ones when it ended."""
    lines = list(lines)
    live = [line for line in lines if line.released_at is None]
    if not live and lines:
        ended = max(line.released_at for line in lines if line.released_at)
        live = [line for line in lines if line.released_at == ended]
    slots = {line.slot_id: line for line in reversed(live)}
    return tuple(
        SlotTaken(line.slot_id, line.slot.starts_at, line.slot.ends_at, line.unit_price)
        for line in sorted(slots.values(), key=lambda line: line.slot.starts_at)
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


# Built once: putting such a statement together costs more than running it.
_SELECT_BOOKINGS = (
    select(Booking, func.clock_timestamp(), _count_ahead())
    .join(Booking.venue)
    .join(Booking.resource)
    .options(
        contains_eager(Booking.venue).load_only(Venue.slug, Venue.name, Venue.time_zone),
        contains_eager(Booking.resource).load_only(Resource.name, Resource.decisions_per_second),
        selectinload(Booking.lines).joinedload(BookingSlot.slot, innerjoin=True),
    )
    .execution_options(populate_existing=True)
)
