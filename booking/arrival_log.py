"""The arrival log of a resource, read out of the rows as of one instant."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from booking.batch import policy_of, slot_now
from booking.errors import ResourceNotFound
from booking.replaying import Decided, Log, Moved, PolicyChanged, SlotChanged, Step
from booking.rule import Policy, SlotNow
from models import (
    Act,
    AuditEvent,
    Booking,
    BookingEvent,
    CountedIn,
    EventKind,
    Resource,
    Slot,
    Status,
)

_PORTION = 1000
_OF_POLICY: dict[str, tuple[str, Callable[[int], Any]]] = {
    "notice_minutes": ("notice", lambda minutes: timedelta(minutes=minutes)),
    "cutoff_minutes": ("cutoff", lambda minutes: timedelta(minutes=minutes)),
    "horizon_days": ("horizon", lambda days: timedelta(days=days)),
    "max_quantity": ("max_quantity", int),
}

Acts = dict[str, list[AuditEvent]]


def read_log(tx: Session, resource_id: UUID) -> Log:
    """Read all that has happened at a resource. Raises ResourceNotFound."""
    resource = tx.get(Resource, resource_id)
    if resource is None:
        raise ResourceNotFound
    slots = list(tx.scalars(select(Slot).where(Slot.resource_id == resource_id)))
    acts = _read_acts(tx, resource.venue_id)
    of_policy = [*acts[f"venue:{resource.venue_id}"], *acts[f"resource:{resource_id}"]]
    policy = _policy_before(policy_of(resource), of_policy)
    steps: list[Step] = [*_policy_steps(policy, of_policy), *_booking_steps(tx, resource)]
    for slot in slots:
        steps += _slot_steps(slot.id, acts[f"slot:{slot.id}"])
    return Log([_slot_before(slot, acts[f"slot:{slot.id}"]) for slot in slots], policy, steps)


def _read_acts(tx: Session, venue_id: int) -> Acts:
    """Return what was done to the venue's slots and policies, oldest first, by its subject."""
    acts: Acts = defaultdict(list)
    query = select(AuditEvent).where(
        AuditEvent.venue_id == venue_id,
        AuditEvent.act.in_([Act.CAPACITY_CHANGED, Act.OPENED, Act.CLOSED, Act.POLICY_CHANGED]),
    )
    for act in tx.scalars(query.order_by(AuditEvent.at, AuditEvent.id)):
        acts[act.subject].append(act)
    return acts


def _slot_before(slot: Slot, acts: Sequence[AuditEvent]) -> SlotNow:
    """Return a slot as it was made: what its first changes changed from, with nothing taken."""
    capacities = [act.details["capacity"]["from"] for act in acts if "capacity" in act.details]
    openings = [act.act for act in acts if act.act in (Act.OPENED, Act.CLOSED)]
    return replace(
        slot_now(slot),
        remaining=capacities[0] if capacities else slot.capacity,
        is_open=openings[0] == Act.CLOSED if openings else slot.is_open,
    )


def _slot_steps(slot_id: UUID, acts: Iterable[AuditEvent]) -> Iterator[Step]:
    for act in acts:
        match act.act:
            case Act.CAPACITY_CHANGED:
                yield SlotChanged(slot_id, act.at, capacity=act.details["capacity"]["to"])
            case Act.OPENED | Act.CLOSED:
                yield SlotChanged(slot_id, act.at, is_open=act.act == Act.OPENED)


def _policy_before(policy: Policy, acts: Sequence[AuditEvent]) -> Policy:
    for act in reversed(acts):
        policy = _with(policy, act, "from")
    return policy


def _policy_steps(policy: Policy, acts: Sequence[AuditEvent]) -> Iterator[Step]:
    for act in sorted(acts, key=lambda each: each.at):
        policy = _with(policy, act, "to")
        yield PolicyChanged(act.at, policy)


def _with(policy: Policy, act: AuditEvent, which: str) -> Policy:
    """Return a policy with what an act changed, as it was before (`from`) or behind it (`to`)."""
    values = {
        field: make(act.details[name][which])
        for name, (field, make) in _OF_POLICY.items()
        if name in act.details
    }
    return replace(policy, **values)


def _booking_steps(tx: Session, resource: Resource) -> Iterator[Step]:
    query = (
        select(Booking)
        .where(Booking.resource_id == resource.id, Booking.decision_no.is_not(None))
        .options(selectinload(Booking.lines), selectinload(Booking.events))
        .execution_options(yield_per=_PORTION)
    )
    for booking in tx.scalars(query):
        yield from _steps_of(booking, resource.counted_in)
        tx.expunge(booking)


def _steps_of(booking: Booking, counted_in: str) -> Iterator[Step]:
    """Yield what was decided of a booking, and each later moment at which its places changed."""
    changes = [event for event in booking.events if event.kind == EventKind.CHANGED]
    quantity = _first(changes, "quantity", "from", booking.quantity)
    slot_ids = _first_slots(booking, changes)

    def units() -> int:
        return 1 if counted_in == CountedIn.PARTIES else quantity

    yield _decided(booking, quantity, units(), slot_ids)
    for event in booking.events:
        match event.kind:
            case EventKind.CHANGED:
                quantity = event.details.get("quantity", {}).get("to", quantity)
                slot_ids = tuple(map(UUID, event.details.get("slots_to", map(str, slot_ids))))
                yield Moved(booking.id, event.at, dict.fromkeys(slot_ids, units()))
            case EventKind.CANCELLED | EventKind.EXPIRED:
                yield Moved(booking.id, event.at)
            case EventKind.NO_SHOW:
                freed = {line.slot_id for line in booking.lines if line.released_at == event.at}
                kept = [slot_id for slot_id in slot_ids if slot_id not in freed]
                yield Moved(booking.id, event.at, dict.fromkeys(kept, units()))


def _decided(booking: Booking, quantity: int, units: int, slot_ids: tuple[UUID, ...]) -> Decided:
    decision = next(
        event
        for event in booking.events
        if event.kind in (EventKind.HELD, EventKind.CONFIRMED, EventKind.REJECTED)
    )
    return Decided(
        booking_id=booking.id,
        reference=booking.reference,
        at=decision.at,
        decision_no=booking.decision_no or 0,
        slot_ids=slot_ids,
        units=units,
        quantity=quantity,
        hold_minutes=booking.hold_minutes,
        is_bound=booking.is_bound,
        status=Status(decision.status),
        reason=decision.reason,
    )


def _first(changes: Sequence[BookingEvent], name: str, which: str, otherwise: int) -> int:
    for event in changes:
        if name in event.details:
            value: int = event.details[name][which]
            return value
    return otherwise


def _first_slots(booking: Booking, changes: Sequence[BookingEvent]) -> tuple[UUID, ...]:
    """Return the slots that were asked for: those before the first move, else all there are."""
    for event in changes:
        if "slots_from" in event.details:
            return tuple(map(UUID, event.details["slots_from"]))
    return tuple(sorted({line.slot_id for line in booking.lines}))
