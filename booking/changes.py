"""Changing a booking: new places are taken and old ones freed as one step, or nothing is done."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER, Actor
from booking.batch import policy_of, slot_now
from booking.decide import decide_pending
from booking.errors import (
    BookingNotFound,
    CannotTake,
    NotChangeable,
    NothingToChange,
    SlotsOfTwoResources,
)
from booking.events import note
from booking.notices import queue
from booking.offers import Offer, read_offer
from booking.rule import Refuse, Wanted, decide
from booking.slots import live_lines, lock_resource, lock_with_slots, read_clock, take
from booking.tally import counting_refusals
from booking.transactions import reading, retried, transaction
from models import Booking, BookingSlot, EventKind, Notice, Resource, Slot, Status

CHANGEABLE = (Status.HELD, Status.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None leaves a thing as it is."""

    slot_ids: tuple[UUID, ...] | None = None
    quantity: int | None = None
    guests: int | None = None
    special_requests: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return self == Change()

    @property
    def touches_places(self) -> bool:
        """Whether more or other places may be needed."""
        return (self.slot_ids, self.quantity, self.guests) != (None, None, None)


def change_booking(*, booking_id: UUID, change: Change, by: Actor = CUSTOMER) -> None:
    """Change a held or confirmed booking, whole or not at all; equal values change nothing.

    Earlier holds of the resource are decided first, so that a change never jumps the queue. What
    it adds costs today's price, what it keeps the price it was booked at. Raises BookingNotFound,
    an InvalidRequest, NotChangeable, or CannotTake with the rule's reason.
    """
    if change.is_empty:
        raise NothingToChange
    if change.touches_places:
        with reading() as tx:
            resource_id = _resource_of(tx, booking_id)
        decide_pending(resource_id)
    _change(booking_id, change, by)


@retried
def _change(booking_id: UUID, change: Change, by: Actor) -> None:
    with counting_refusals(), transaction() as tx:
        change_booking_in(tx, booking_id=booking_id, change=change, by=by)


def change_booking_in(tx: Session, *, booking_id: UUID, change: Change, by: Actor) -> None:
    """Change a booking inside the open transaction; the caller has seen to earlier holds."""
    if not change.touches_places:
        booking, slots = lock_with_slots(tx, booking_id)
        now = read_clock(tx)
        _require_changeable(booking, slots, by, now)
        _finish(tx, booking, change, by, now, details={})
        return
    resource_id = _resource_of(tx, booking_id)
    slot_ids = change.slot_ids or _slot_ids_of(tx, booking_id)
    if not slot_ids:
        # It has ended and given its places back.
        raise NotChangeable
    offer = read_offer(tx, slot_ids)
    if offer.resource_id != resource_id:
        raise SlotsOfTwoResources
    resource = lock_resource(tx, resource_id)
    booking, slots = lock_with_slots(tx, booking_id, more=slot_ids)
    now = read_clock(tx)
    quantity = change.quantity or booking.quantity
    guests = change.guests or booking.guests
    before = {line.slot_id for line in live_lines(tx, booking_id)}
    _require_changeable(booking, {id_: slots[id_] for id_ in before}, by, now)
    if set(slot_ids) != before or (quantity, guests) != (booking.quantity, booking.guests):
        offer.refuse_impossible(quantity, guests, is_bound=by.keeps_rules)
    details = _move_places(tx, booking, resource, offer, slots, quantity, by, now)
    _finish(tx, booking, change, by, now, details=details)


def _move_places(
    tx: Session,
    booking: Booking,
    resource: Resource,
    offer: Offer,
    slots: dict[UUID, Slot],
    quantity: int,
    by: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Ask the rule of what is needed beyond what is had, then take it and free the rest."""
    lines = live_lines(tx, booking.id)
    had: Counter[UUID] = Counter()
    for line in lines:
        had[line.slot_id] += line.units
    units = offer.units_of(quantity)
    wanted = {slot.id: units for slot in offer.slots}
    needed = {slot_id: units - had[slot_id] for slot_id in wanted}
    _ask_rule(resource, slots, had, needed, units, quantity, by, now)
    for slot in offer.slots:
        if needed[slot.id] > 0:
            tx.add(
                BookingSlot(
                    booking_id=booking.id,
                    slot_id=slot.id,
                    units=needed[slot.id],
                    unit_price=slot.price,
                    currency=slot.currency,
                )
            )
    for slot_id, count in had.items():
        _release(
            tx,
            [line for line in lines if line.slot_id == slot_id],
            count - wanted.get(slot_id, 0),
            now,
        )
    take(tx, needed | {slot_id: -count for slot_id, count in had.items() if slot_id not in wanted})
    tx.flush()
    booking.total = sum(
        (line.unit_price * line.units for line in live_lines(tx, booking.id)), Decimal(0)
    )
    booking.over_at = max(slot.ends_at for slot in offer.slots)
    if wanted.keys() == had.keys():
        return {}
    return {"slots_from": sorted(map(str, had)), "slots_to": sorted(map(str, wanted))}


def _ask_rule(
    resource: Resource,
    slots: dict[UUID, Slot],
    had: Counter[UUID],
    needed: dict[UUID, int],
    units: int,
    quantity: int,
    by: Actor,
    now: datetime,
) -> None:
    """Raise CannotTake when the slots that must give more cannot."""
    asked = tuple(
        replace(slot_now(slots[slot_id]), remaining=slots[slot_id].remaining + had[slot_id])
        for slot_id, more in needed.items()
        if more > 0
    )
    if not asked:
        return
    wanted = Wanted(asked, units, quantity, deadline=now + timedelta(minutes=1))
    outcome = decide(wanted, replace(policy_of(resource), is_bound=by.keeps_rules), now)
    if isinstance(outcome, Refuse):
        raise CannotTake(outcome.reason, outcome.remaining, outcome.slot_id)


def _release(tx: Session, lines: list[BookingSlot], units: int, now: datetime) -> None:
    """Release so many units of one slot's lines, what was added last first; a line may be split."""
    for line in reversed(lines):
        if units <= 0:
            return
        freed = min(units, line.units)
        units -= freed
        if freed < line.units:
            line.units -= freed
        else:
            line.released_at = now


def _finish(
    tx: Session,
    booking: Booking,
    change: Change,
    by: Actor,
    now: datetime,
    *,
    details: dict[str, Any],
) -> None:
    """Write what is different into the booking, its event and its message; ids and numbers only."""
    for name in ("quantity", "guests"):
        new, old = getattr(change, name), getattr(booking, name)
        if new is not None and new != old:
            details[name] = {"from": old, "to": new}
            setattr(booking, name, new)
    if change.special_requests not in (None, booking.special_requests):
        booking.special_requests = change.special_requests
        details["special_requests"] = "changed"
    if new_details := {k: v for k, v in change.details.items() if booking.details.get(k) != v}:
        booking.details = booking.details | new_details
        details["details"] = sorted(new_details)
    if not details:
        return
    booking.revision += 1
    booking.updated_at = now
    note(tx, booking, EventKind.CHANGED, by=by, at=now, details=details)
    queue(tx, booking, Notice.CHANGED)


def _require_changeable(
    booking: Booking, slots: dict[UUID, Slot], by: Actor, now: datetime
) -> None:
    is_overdue = booking.expires_at is not None and booking.expires_at <= now
    if booking.status not in CHANGEABLE or is_overdue or booking.purged_at is not None:
        raise NotChangeable
    cutoff = timedelta(minutes=booking.venue.cancel_cutoff_minutes)
    if by.keeps_rules and now >= min(slot.sold_until for slot in slots.values()) - cutoff:
        raise NotChangeable


def _resource_of(tx: Session, booking_id: UUID) -> UUID:
    resource_id = tx.scalar(select(Booking.resource_id).where(Booking.id == booking_id))
    if resource_id is None:
        raise BookingNotFound
    return resource_id


def _slot_ids_of(tx: Session, booking_id: UUID) -> list[UUID]:
    return sorted({line.slot_id for line in live_lines(tx, booking_id)})
