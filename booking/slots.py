"""Slots under their locks, and the only code that writes `remaining`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from booking.actors import SYSTEM, Actor
from booking.audit import note_act
from booking.errors import (
    BookingNotFound,
    CapacityBelowTaken,
    InvalidRequest,
    PriceInvalid,
    ResourceNotFound,
    SlotHasBookings,
    SlotNotFound,
)
from booking.remembered import changed
from booking.transactions import LinesMoved, retried, transaction
from metrics import waiting_for_locks
from models import OCCUPYING, Act, Base, Booking, BookingSlot, Resource, Slot

LARGEST_PRICE = Decimal("9999999999.99")


def lock_resource(tx: Session, resource_id: UUID) -> Resource:
    """Lock a resource: the first lock of whatever takes places. Raises ResourceNotFound."""
    with waiting_for_locks():
        resource = tx.scalar(
            select(Resource)
            .where(Resource.id == resource_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    if resource is None:
        raise ResourceNotFound
    return resource


def lock_slots(tx: Session, slot_ids: Iterable[UUID]) -> dict[UUID, Slot]:
    """Lock slots in the order of their ids, once a transaction, and read them as they are now."""
    wanted = sorted(set(slot_ids))
    if not wanted:
        return {}
    with waiting_for_locks():
        slots = tx.scalars(_LOCK_SLOTS, {"ids": wanted}).all()
    if len(slots) < len(wanted):
        raise SlotNotFound
    # Who locks them is about to write them.
    changed(tx, {slot.resource_id for slot in slots})
    return {slot.id: slot for slot in slots}


def lock_with_slots(
    tx: Session, booking_id: UUID, *, more: Iterable[UUID] = ()
) -> tuple[Booking, dict[UUID, Slot]]:
    """Lock a booking behind its slots (and `more` of them), and read all of it as it is now.

    Its lines are read unlocked first; if they moved before the locks were held, LinesMoved makes
    the verb begin again. Raises BookingNotFound.
    """
    seen = _live_slot_ids(tx, booking_id)
    slots = lock_slots(tx, seen | set(more))
    booking = lock_booking(tx, booking_id)
    if not _live_slot_ids(tx, booking_id) <= slots.keys():
        raise LinesMoved
    return booking, slots


def lock_booking(tx: Session, booking_id: UUID) -> Booking:
    """Lock a booking; its slots, when needed, are locked before. Raises BookingNotFound."""
    with waiting_for_locks():
        booking = tx.scalar(
            select(Booking)
            .where(Booking.id == booking_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    if booking is None:
        raise BookingNotFound
    return booking


def read_clock(tx: Session) -> datetime:
    """Return the one clock, the database's; read it after the locks are held."""
    return tx.scalars(select(func.clock_timestamp())).one()


def take(tx: Session, taken: Mapping[UUID, int]) -> None:
    """Take places of locked slots; negative numbers give them back. The CHECK is the last guard."""
    taken = {slot_id: units for slot_id, units in taken.items() if units}
    if taken:
        tx.flush()
        tx.connection().execute(_TAKE, {"ids": list(taken), "units": list(taken.values())})
        for slot_id, units in taken.items():
            slot = tx.identity_map.get(identity_key(Slot, slot_id))
            if slot is not None:
                set_committed_value(slot, "remaining", slot.remaining - units)


def give_back(tx: Session, booking: Booking, *, at: datetime) -> None:
    """Release all lines of a locked booking and give their places back to its locked slots."""
    freed: dict[UUID, int] = {}
    for line in live_lines(tx, booking.id):
        line.released_at = at
        freed[line.slot_id] = freed.get(line.slot_id, 0) - line.units
    if booking.status in OCCUPYING:
        take(tx, freed)


def live_lines(tx: Session, booking_id: UUID) -> list[BookingSlot]:
    """Return the lines of a booking that are not released, oldest first."""
    return list(
        tx.scalars(
            select(BookingSlot)
            .where(BookingSlot.booking_id == booking_id, BookingSlot.released_at.is_(None))
            .order_by(BookingSlot.id)
            .execution_options(populate_existing=True)
        )
    )


@retried
def change_capacity(
    *, slot_id: UUID, capacity: int, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Change how many places a slot has. Raises SlotNotFound, CapacityBelowTaken."""
    with transaction() as tx:
        return change_capacity_in(tx, slot_id=slot_id, capacity=capacity, by=by, reason=reason)


def change_capacity_in(
    tx: Session, *, slot_id: UUID, capacity: int, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Change a slot's capacity inside the open transaction."""
    slot = lock_slots(tx, [slot_id])[slot_id]
    taken = slot.capacity - slot.remaining
    if not 0 <= capacity <= 1_000_000:
        raise InvalidRequest("The capacity is a number from 0 to 1,000,000.")
    if capacity < taken:
        raise CapacityBelowTaken(taken)
    if capacity != slot.capacity:
        change = {"from": slot.capacity, "to": capacity}
        note_slot(tx, slot, Act.CAPACITY_CHANGED, by, reason, capacity=change)
    set_capacity(slot, capacity)
    tx.flush()
    return slot


def set_capacity(slot: Slot, capacity: int) -> None:
    """Give a locked slot a capacity that what is taken fits into."""
    taken = slot.capacity - slot.remaining
    slot.capacity = capacity
    slot.remaining = capacity - taken


@retried
def set_open(
    *, slot_id: UUID, is_open: bool, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Open or close a slot. Closing rejects what is pending and leaves held and confirmed alone."""
    with transaction() as tx:
        return set_open_in(tx, slot_id=slot_id, is_open=is_open, by=by, reason=reason)


def set_open_in(
    tx: Session, *, slot_id: UUID, is_open: bool, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Open or close a slot inside the open transaction."""
    slot = lock_slots(tx, [slot_id])[slot_id]
    if is_open != slot.is_open:
        note_slot(tx, slot, Act.OPENED if is_open else Act.CLOSED, by, reason)
    slot.is_open = is_open
    tx.flush()
    return slot


@retried
def change_price(
    *, slot_id: UUID, price: Decimal, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Change what a place costs from now on; bookings keep the price that they were made at.

    Raises SlotNotFound, InvalidRequest.
    """
    with transaction() as tx:
        return change_price_in(tx, slot_id=slot_id, price=price, by=by, reason=reason)


def change_price_in(
    tx: Session, *, slot_id: UUID, price: Decimal, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Change a slot's price inside the open transaction."""
    slot = lock_slots(tx, [slot_id])[slot_id]
    check_price(price)
    if price != slot.price:
        change = {"from": str(slot.price), "to": str(price)}
        note_slot(tx, slot, Act.PRICE_CHANGED, by, reason, price=change)
    slot.price = price
    tx.flush()
    return slot


def check_price(price: Decimal) -> None:
    """Raise PriceInvalid for what the column does not hold."""
    if not price.is_finite() or not 0 <= price <= LARGEST_PRICE or price != round(price, 2):
        raise PriceInvalid


def set_open_many_in(
    tx: Session, *, slot_ids: Iterable[UUID], is_open: bool, by: Actor, reason: str | None
) -> None:
    """Open or close many slots inside the open transaction, which locks no others."""
    for slot in lock_slots(tx, slot_ids).values():
        if is_open != slot.is_open:
            note_slot(tx, slot, Act.OPENED if is_open else Act.CLOSED, by, reason)
        slot.is_open = is_open
    tx.flush()


def note_slot(
    tx: Session, slot: Slot, act: Act, by: Actor, reason: str | None, **details: Any
) -> None:
    """Write down what was done to a slot."""
    note_act(
        tx,
        act,
        venue_id=slot.resource.venue_id,
        subject=f"slot:{slot.id}",
        by=by,
        reason=reason,
        **details,
    )


@retried
def delete_slot(*, slot_id: UUID, by: Actor = SYSTEM) -> None:
    """Delete a slot that nobody ever booked. Raises SlotNotFound, SlotHasBookings."""
    with transaction() as tx:
        slot = tx.scalar(select(Slot).where(Slot.id == slot_id).with_for_update())
        if slot is None:
            raise SlotNotFound
        if tx.scalar(select(BookingSlot.id).where(BookingSlot.slot_id == slot_id).limit(1)):
            raise SlotHasBookings
        changed(tx, [slot.resource_id])
        starts_at = slot.starts_at.isoformat()
        note_slot(tx, slot, Act.SLOT_DELETED, by, None, starts_at=starts_at)
        tx.delete(slot)


def _live_slot_ids(tx: Session, booking_id: UUID) -> set[UUID]:
    return set(
        tx.scalars(
            select(BookingSlot.slot_id).where(
                BookingSlot.booking_id == booking_id, BookingSlot.released_at.is_(None)
            )
        )
    )


_LOCK_SLOTS = (
    select(Slot)
    .where(Slot.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Slot.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_TAKEN = (
    func.unnest(cast(bindparam("ids"), ARRAY(Uuid)), cast(bindparam("units"), ARRAY(Integer)))
    .table_valued(column("id", Uuid), column("units", Integer), name="taken")
    .render_derived()
)

_slots = Base.metadata.tables["slots"]
_TAKE = (
    update(_slots)
    .where(_slots.c.id == _TAKEN.c.id)
    .values(remaining=_slots.c.remaining - _TAKEN.c.units)
)
