"""Who has places in a slot: for its page, for its list to print, and for whoever must be moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from admin.database import db
from models import OCCUPYING, Booking, BookingSlot, Status

MOST_VISITS = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """One booking's places in a slot."""

    id: UUID
    reference: str
    status: str
    name: str | None
    phone: str | None
    wishes: str | None
    quantity: int
    guests: int | None
    code: str | None
    expires_at: datetime | None
    units: int


def read_visits(slot_id: UUID, *, only: Sequence[Status] = OCCUPYING) -> list[Visit]:
    """Return who has places in a slot, by name, as many as a page shows."""
    rows = db.session.execute(
        select(
            Booking.id,
            Booking.reference,
            Booking.status,
            Booking.contact_name,
            Booking.contact_phone,
            Booking.special_requests,
            Booking.quantity,
            Booking.guests,
            Booking.confirmation_code,
            Booking.expires_at,
            func.sum(BookingSlot.units),
        )
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(
            BookingSlot.slot_id == slot_id,
            BookingSlot.released_at.is_(None),
            Booking.status.in_(only),
        )
        .group_by(Booking.id)
        .order_by(func.lower(Booking.contact_name), Booking.seq)
        .limit(MOST_VISITS)
    )
    return [Visit(*row) for row in rows]


def count_pending(slot_id: UUID) -> int:
    """Return how many requests wait for a place in a slot."""
    query = (
        select(func.count(func.distinct(Booking.id)))
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(BookingSlot.slot_id == slot_id, Booking.status == Status.PENDING)
    )
    number: int = db.session.scalars(query).one()
    return number


def was_booked(slot_id: UUID) -> bool:
    """Whether anybody ever booked a slot: it is closed then, and never deleted."""
    query: Any = select(BookingSlot.id).where(BookingSlot.slot_id == slot_id).limit(1)
    return db.session.scalar(query) is not None
