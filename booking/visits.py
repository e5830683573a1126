"""The visits of a venue by their day: confirmed, over or cancelled, the latest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true, tuple_
from sqlalchemy.orm import aliased

from booking.transactions import reading
from models import Booking, BookingSlot, CancellationReason, Resource, Slot, Status

VISITS = (
    Status.CONFIRMED,
    Status.CHECKED_IN,
    Status.COMPLETED,
    Status.NO_SHOW,
    Status.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One booking with the start of its first slot."""

    seq: int
    reference: str
    status: Status
    quantity: int
    customer_id: int
    email: str | None
    full_name: str | None
    phone: str | None
    details: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    starts_at: datetime


def find_visits(
    *,
    venue_id: int,
    statuses: Sequence[Status] = VISITS,
    first_day: date | None = None,
    last_day: date | None = None,
    after: tuple[datetime, int] | None = None,
    offset: int = 0,
    limit: int = 100,
) -> list[Visit]:
    """Return visits, the latest start first; those that start together, the newest first.

    Walks the slots of each resource backwards by time, so that a page costs the same whatever the
    history; an offset costs what it skips. `after` is the start and arrival number of the last one
    of the page before.
    """
    page = (
        _SELECT_VISITS.where(Booking.venue_id == venue_id, Booking.status.in_(statuses))
        .order_by(Slot.starts_at.desc(), Booking.seq.desc())
        .limit(offset + limit)
    )
    if first_day is not None:
        page = page.where(Slot.local_on >= first_day)
    if last_day is not None:
        page = page.where(Slot.local_on <= last_day)
    if after is not None:
        page = page.where(Slot.starts_at <= after[0], tuple_(Slot.starts_at, Booking.seq) < after)
    found = page.lateral()
    query = (
        select(found)
        .select_from(Resource)
        .join(found, true())
        .where(Resource.venue_id == venue_id)
        .order_by(found.c.starts_at.desc(), found.c.seq.desc())
        .offset(offset)
        .limit(limit)
    )
    with reading() as tx:
        return [_visit(*row) for row in tx.execute(query).all()]


def read_reasons(*, venue_id: int) -> Sequence[CancellationReason]:
    """Return the reasons that may be given at a venue, by id."""
    with reading() as tx:
        return tx.scalars(
            select(CancellationReason)
            .where(
                or_(CancellationReason.venue_id.is_(None), CancellationReason.venue_id == venue_id)
            )
            .order_by(CancellationReason.id)
        ).all()


def _visit(seq: int, reference: str, status: str, *rest: Any) -> Visit:
    return Visit(seq, reference, Status(status), *rest)


def _counts(line: Any) -> ColumnElement[bool]:
    """Whether a line stands for the visit: a live one, or one freed by the cancellation itself."""
    return or_(line.released_at.is_(None), line.released_at == Booking.cancelled_at)


def _has_earlier_line() -> ColumnElement[bool]:
    """Whether the booking has a line that counts and comes before: a visit is listed once."""
    line, slot = aliased(BookingSlot), aliased(Slot)
    return (
        select(line.id)
        .join(slot, slot.id == line.slot_id)
        .where(
            line.booking_id == Booking.id,
            _counts(line),
            tuple_(slot.starts_at, line.id) < tuple_(Slot.starts_at, BookingSlot.id),
        )
        .correlate(Booking, Slot, BookingSlot)
        .exists()
    )


_SELECT_VISITS = (
    select(
        Booking.seq,
        Booking.reference,
        Booking.status,
        Booking.quantity,
        Booking.customer_id,
        Booking.contact_email,
        Booking.contact_name,
        Booking.contact_phone,
        Booking.details,
        Booking.created_at,
        Booking.updated_at,
        Slot.starts_at,
    )
    .select_from(Slot)
    .join(BookingSlot, BookingSlot.slot_id == Slot.id)
    .join(BookingSlot.booking)
    .where(Slot.resource_id == Resource.id, _counts(BookingSlot), ~_has_earlier_line())
    .correlate(Resource)
)
