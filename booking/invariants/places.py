"""What is taken adds up, slot by slot, and the tables guard it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Select,
    Text,
    Uuid,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY

from models import (
    OCCUPYING,
    Base,
    Booking,
    BookingEvent,
    BookingSlot,
    CountedIn,
    EventKind,
    Resource,
    Slot,
    Status,
)

Question = Select[Any]


def remaining_out_of_bounds() -> Question:
    """Slots whose remaining is below zero or above the capacity."""
    return select(Slot.id).where(or_(Slot.remaining < 0, Slot.remaining > Slot.capacity))


def places_do_not_add_up() -> Question:
    """Slots where what is gone differs from what the occupying bookings took."""
    taken = (
        select(BookingSlot.slot_id, func.sum(BookingSlot.units).label("units"))
        .join(BookingSlot.booking)
        .where(BookingSlot.released_at.is_(None), Booking.status.in_(OCCUPYING))
        .group_by(BookingSlot.slot_id)
        .subquery()
    )
    return (
        select(Slot.id)
        .outerjoin(taken, taken.c.slot_id == Slot.id)
        .where(Slot.capacity - Slot.remaining != func.coalesce(taken.c.units, 0))
    )


def do_not_add_up_among(slot_ids: Sequence[UUID]) -> Question:
    """The same of some slots only, read by their ids."""
    taken = (
        select(func.coalesce(func.sum(BookingSlot.units), 0))
        .join(BookingSlot.booking)
        .where(
            BookingSlot.slot_id == Slot.id,
            BookingSlot.released_at.is_(None),
            Booking.status.in_(OCCUPYING),
        )
        .scalar_subquery()
    )
    return select(Slot.id).where(
        Slot.id == func.any(literal(list(slot_ids), ARRAY(Uuid))),
        or_(Slot.capacity - Slot.remaining != taken, Slot.remaining < 0),
    )


def units_differ_from_quantity() -> Question:
    """Bookings that take another number of places of a slot than their quantity says."""
    units = case((Resource.counted_in == CountedIn.PARTIES, 1), else_=Booking.quantity)
    return (
        select(Booking.reference)
        .join(Booking.resource)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(BookingSlot.released_at.is_(None))
        .group_by(Booking.id, BookingSlot.slot_id, Resource.counted_in)
        .having(func.sum(BookingSlot.units) != units)
    )


def occupies_nothing() -> Question:
    """Bookings that should occupy places and have no line that does."""
    return select(Booking.reference).where(
        Booking.status.in_([Status.PENDING, *OCCUPYING]),
        ~exists().where(BookingSlot.booking_id == Booking.id, BookingSlot.released_at.is_(None)),
    )


def released_without_event() -> Question:
    """Bookings with a line that was released at a moment of which no event tells."""
    tells = exists().where(
        BookingEvent.booking_id == BookingSlot.booking_id,
        BookingEvent.at == BookingSlot.released_at,
        BookingEvent.kind.in_(
            [EventKind.CHANGED, EventKind.CANCELLED, EventKind.EXPIRED, EventKind.NO_SHOW]
        ),
    )
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(BookingSlot.released_at.is_not(None), ~tells)
    )


def stay_with_a_gap() -> Question:
    """Stays whose nights do not follow one another."""
    nights = func.count(Slot.local_on.distinct())
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .where(BookingSlot.released_at.is_(None), Slot.is_night)
        .group_by(Booking.id)
        .having(nights != func.max(Slot.local_on) - func.min(Slot.local_on) + 1)
    )


def total_differs_from_lines() -> Question:
    """Bookings whose total is not what their lines cost."""
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(
            BookingSlot.released_at.is_(None),
            # Whoever does not come pays for the nights that were given back, too.
            Booking.status.in_(set(OCCUPYING) - {Status.NO_SHOW}),
        )
        .group_by(Booking.id)
        .having(func.sum(BookingSlot.units * BookingSlot.unit_price) != Booking.total)
    )


def foreign_slot() -> Question:
    """Lines on a slot of another resource than the booking's."""
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .where(Slot.resource_id != Booking.resource_id)
    )


def guard_missing() -> Question:
    """Constraints and unique indexes that the tables should have and have not."""
    names: list[str] = []
    for found in Base.metadata.tables.values():
        names += [str(constraint.name) for constraint in found.constraints]
        names += [str(index.name) for index in found.indexes if index.unique]
    wanted = func.unnest(cast(names, ARRAY(Text))).column_valued("wanted")
    conname, relname = column("conname", Text), column("relname", Text)
    return select(wanted).where(
        wanted.not_in(
            select(conname)
            .select_from(table("pg_constraint", conname, column("convalidated", Boolean)))
            .where(column("convalidated", Boolean))
        ),
        wanted.not_in(select(relname).select_from(table("pg_class", relname))),
    )
