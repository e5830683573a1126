"""Single slots as their owners make and edit them, beside those of the schedules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actors import SYSTEM, Actor
from booking.attributes import check_slot_attributes
from booking.catalogue import LARGEST_CAPACITY
from booking.errors import CatalogueInvalid, SlotExists
from booking.remembered import changed
from booking.schedules import end_of_slot, to_instant
from booking.slots import (
    change_capacity_in,
    change_price_in,
    check_price,
    lock_resource,
    lock_slots,
    note_slot,
    read_clock,
)
from booking.transactions import retried, transaction
from models import Act, CountedIn, Resource, Slot


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A slot by the clock of its venue: it lasts `minutes`, or is a night to `checkout`."""

    day: date
    start: time
    capacity: int
    price: Decimal
    minutes: int | None = None
    checkout: time | None = None
    max_quantity: int | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SlotTerms:
    """What of a slot can be edited, whoever has booked it already."""

    capacity: int
    price: Decimal
    attributes: Mapping[str, Any]


@retried
def add_slot(*, resource_id: UUID, wanted: NewSlot, by: Actor = SYSTEM) -> Slot:
    """Add one slot. Raises ResourceNotFound, SlotExists, CatalogueInvalid, InvalidRequest."""
    with transaction() as tx:
        resource = lock_resource(tx, resource_id)
        _check(resource, wanted)
        slot = _make(resource, wanted)
        if slot.sold_until <= read_clock(tx):
            raise CatalogueInvalid("day", "That time has passed.")
        _refuse_second(tx, slot)
        tx.add(slot)
        try:
            tx.flush()
        except IntegrityError:
            # A worker has made it from a schedule in this very moment.
            raise SlotExists from None
        note_slot(tx, slot, Act.SLOT_ADDED, by, None, places=slot.capacity)
        changed(tx, [resource_id])
        return slot


@retried
def edit_slot(
    *, slot_id: UUID, terms: SlotTerms, by: Actor = SYSTEM, reason: str | None = None
) -> Slot:
    """Change a slot's capacity, its price and what it says, all of it or nothing.

    Raises SlotNotFound, CapacityBelowTaken, CatalogueInvalid, InvalidRequest.
    """
    with transaction() as tx:
        slot = change_capacity_in(
            tx, slot_id=slot_id, capacity=terms.capacity, by=by, reason=reason
        )
        change_price_in(tx, slot_id=slot_id, price=terms.price, by=by, reason=reason)
        attributes = dict(terms.attributes)
        if attributes != slot.attributes:
            check_slot_attributes(slot.resource.venue.kind, attributes)
            slot.attributes = attributes
            note_slot(tx, slot, Act.SLOT_EDITED, by, reason)
        return slot


@retried
def set_open_many(
    *, slot_ids: list[UUID], is_open: bool, by: Actor = SYSTEM, reason: str | None = None
) -> int:
    """Open or close slots, all or none; returns how many that changed. Raises SlotNotFound."""
    with transaction() as tx:
        slots = lock_slots(tx, slot_ids)
        turned = [slot for slot in slots.values() if slot.is_open != is_open]
        for slot in turned:
            slot.is_open = is_open
            note_slot(tx, slot, Act.OPENED if is_open else Act.CLOSED, by, reason)
        return len(turned)


def _check(resource: Resource, wanted: NewSlot) -> None:
    if resource.retired_at is not None:
        raise CatalogueInvalid("resource", "This resource is retired.")
    if not 0 <= wanted.capacity <= LARGEST_CAPACITY:
        raise CatalogueInvalid("capacity", "The capacity is a number from 0 to 1,000,000.")
    if (resource.counted_in == CountedIn.ROOMS) != (wanted.checkout is not None):
        raise CatalogueInvalid("checkout", "Rooms are sold by the night, nothing else is.")
    if wanted.checkout is None and not 0 < (wanted.minutes or 0) <= 7 * 24 * 60:
        raise CatalogueInvalid("minutes", "A slot lasts from one minute to a week.")
    if wanted.max_quantity is not None and not 0 < wanted.max_quantity <= LARGEST_CAPACITY:
        raise CatalogueInvalid("max_quantity", "The largest booking is a number from 1.")
    check_price(wanted.price)
    check_slot_attributes(resource.venue.kind, dict(wanted.attributes or {}))


def _make(resource: Resource, wanted: NewSlot) -> Slot:
    zone = ZoneInfo(resource.venue.time_zone)
    starts_at = to_instant(wanted.day, wanted.start, zone)
    if starts_at is None:
        raise CatalogueInvalid("start", "The clocks skip that time on that day.")
    ends_at, sold_until = end_of_slot(
        wanted.day, starts_at, zone, minutes=wanted.minutes, checkout=wanted.checkout
    )
    return Slot(
        resource_id=resource.id,
        starts_at=starts_at,
        ends_at=ends_at,
        sold_until=sold_until,
        local_on=wanted.day,
        is_night=wanted.checkout is not None,
        capacity=wanted.capacity,
        remaining=wanted.capacity,
        max_quantity=wanted.max_quantity,
        price=wanted.price,
        currency=resource.venue.currency,
        attributes=dict(wanted.attributes or {}),
    )


def _refuse_second(tx: Session, slot: Slot) -> None:
    """Refuse a second slot of one time, or a second night of one day."""
    same = Slot.starts_at == slot.starts_at
    if slot.is_night:
        same = or_(same, Slot.is_night & (Slot.local_on == slot.local_on))
    if tx.scalar(select(Slot.id).where(Slot.resource_id == slot.resource_id, same)) is not None:
        raise SlotExists
