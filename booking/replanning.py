"""Schedules as their owners make and change them: first what would come of it, then the doing.

A change says what becomes of the slots that the schedule has made already. What was changed by hand
on a single slot stays, what somebody has booked is closed and never deleted, and no capacity goes
below what is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from booking.actors import SYSTEM, Actor
from booking.attributes import check_slot_attributes
from booking.audit import note_act
from booking.catalogue import Pattern, add_schedule_in, check_pattern, columns_of
from booking.errors import CatalogueInvalid, ResourceNotFound, ScheduleNotFound
from booking.remembered import changed
from booking.schedules import make_slots_in, slots_of_pattern, write_slots
from booking.slots import lock_resource, lock_slots, note_slot, read_clock, set_capacity
from booking.transactions import reading, retried, transaction
from models import Act, BookingSlot, CountedIn, Resource, Schedule, Slot


class Existing(StrEnum):
    """What becomes of the slots that a schedule has made already."""

    ADAPT = "adapt"
    ADD = "add"
    LEAVE = "leave"


class Crowded(NamedTuple):
    """A slot that has more taken than the new capacity: it keeps what is taken."""

    slot_id: UUID
    starts_at: datetime
    taken: int


@dataclass(slots=True)
class Plan:
    """What a pattern comes to: from `first` to `last`, days of the venue's zone.

    `made` are new slots, `met` counts the times at which the resource has another slot already.
    `kept` follow the pattern already; `dropped` were never booked and `closed` were.
    """

    first: date
    last: date
    made: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[datetime] = field(default_factory=list)
    met: int = 0
    kept: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    dropped: list[UUID] = field(default_factory=list)
    closed: list[UUID] = field(default_factory=list)
    crowded: list[Crowded] = field(default_factory=list)


@retried
def add_schedule(*, resource_id: UUID, pattern: Pattern, days: int, by: Actor = SYSTEM) -> Schedule:
    """Add a schedule and make its slots up to `days` ahead.

    Raises ResourceNotFound, CatalogueInvalid.
    """
    with transaction() as tx:
        _require_unit(lock_resource(tx, resource_id), pattern)
        schedule = add_schedule_in(tx, resource_id, pattern)
        today = _today(schedule)
        made = make_slots_in(tx, schedule, first=today, last=today + timedelta(days=days))
        schedule.made_until = today + timedelta(days=days)
        _note(tx, schedule, Act.SCHEDULE_ADDED, by, made=made.slots)
        return schedule


def preview_schedule(
    *, resource_id: UUID, pattern: Pattern | None, days: int, schedule_id: int | None = None
) -> Plan:
    """Return what a new pattern, or another one for a schedule that is there, would come to.

    No pattern is the end of the schedule. Raises ResourceNotFound, CatalogueInvalid.
    """
    with reading() as tx:
        resource = tx.get(Resource, resource_id)
        if resource is None:
            raise ResourceNotFound
        if pattern is not None:
            check_pattern(pattern)
            _require_unit(resource, pattern)
            check_slot_attributes(resource.venue.kind, pattern.attributes)
        return _plan(tx, resource, pattern, schedule_id, days)


@retried
def change_schedule(
    *, schedule_id: int, pattern: Pattern | None, existing: Existing, days: int, by: Actor = SYSTEM
) -> Plan:
    """Give a schedule another pattern, or end it with None, and do with its slots as chosen.

    Locks the schedule, the resource, then the slots. Raises ScheduleNotFound, CatalogueInvalid.
    """
    with transaction() as tx:
        schedule = _lock_schedule(tx, schedule_id)
        resource = lock_resource(tx, schedule.resource_id)
        before = _terms(schedule)
        if pattern is not None:
            check_pattern(pattern)
            _require_unit(resource, pattern)
            check_slot_attributes(resource.venue.kind, pattern.attributes)
            for name, value in columns_of(pattern).items():
                setattr(schedule, name, value)
        schedule.is_active = pattern is not None
        plan = _plan(tx, resource, pattern, schedule_id, days)
        if existing is Existing.ADAPT:
            _adapt(tx, plan, before, schedule, by)
        if existing is not Existing.LEAVE and pattern is not None:
            write_slots(tx, schedule, plan.made)
            schedule.made_until = max(plan.last, schedule.made_until or plan.last)
        changed(tx, [resource.id])
        _note(tx, schedule, Act.SCHEDULE_CHANGED, by, existing=str(existing), **_counts(plan))
        return plan


def _plan(
    tx: Session, resource: Resource, pattern: Pattern | None, schedule_id: int | None, days: int
) -> Plan:
    today = datetime.now(ZoneInfo(resource.venue.time_zone)).date()
    plan = Plan(today, today + timedelta(days=days))
    wanted: dict[object, dict[str, Any]] = {}
    if pattern is not None:
        # Not added to the session: it is only asked which slots it would make.
        asked = Schedule(resource=resource, resource_id=resource.id, **columns_of(pattern))
        rows, plan.skipped = slots_of_pattern(asked, first=plan.first, last=plan.last)
        now = read_clock(tx)
        wanted = {
            _key(row["is_night"], row["local_on"], row["starts_at"]): row
            for row in rows
            if row["sold_until"] > now
        }
    for slot, is_booked in _coming(tx, resource.id, plan):
        key = _key(slot.is_night, slot.local_on, slot.starts_at)
        row = wanted.pop(key, None)
        if schedule_id is None or slot.schedule_id != schedule_id:
            plan.met += row is not None
        elif row is not None:
            plan.kept[slot.id] = row
            taken = slot.capacity - slot.remaining
            if taken > row["capacity"]:
                plan.crowded.append(Crowded(slot.id, slot.starts_at, taken))
        else:
            (plan.closed if is_booked else plan.dropped).append(slot.id)
    plan.made = list(wanted.values())
    return plan


def _key(is_night: bool, day: date, starts_at: datetime) -> object:
    """A resource has one night a day, and otherwise one slot at a time."""
    return day if is_night else starts_at


def _coming(tx: Session, resource_id: UUID, plan: Plan) -> Sequence[Any]:
    """Return the resource's slots of the plan's days, each with whether it was ever booked."""
    booked = select(BookingSlot.id).where(BookingSlot.slot_id == Slot.id).exists()
    return tx.execute(
        select(Slot, booked)
        .where(
            Slot.resource_id == resource_id,
            Slot.local_on >= plan.first,
            Slot.sold_until > func.now(),
        )
        .order_by(Slot.starts_at)
    ).all()


def _adapt(tx: Session, plan: Plan, before: dict[str, Any], schedule: Schedule, by: Actor) -> None:
    """Bring the slots that are there in line, under their locks."""
    slots = lock_slots(tx, [*plan.kept, *plan.dropped, *plan.closed])
    never_booked = _lock_never_booked(tx, [*plan.kept, *plan.dropped])
    for slot_id, row in plan.kept.items():
        _follow(tx, slots[slot_id], row, before, is_free=slot_id in never_booked, by=by)
    gone = [slot_id for slot_id in plan.dropped if slot_id in never_booked]
    # Somebody may have booked one since it was looked at.
    plan.closed += [slot_id for slot_id in plan.dropped if slot_id not in never_booked]
    plan.dropped = gone
    for slot_id in plan.closed:
        if slots[slot_id].is_open:
            slots[slot_id].is_open = False
            note_slot(tx, slots[slot_id], Act.CLOSED, by, f"schedule {schedule.id} changed")
    tx.flush()
    if gone:
        tx.execute(delete(Slot).where(Slot.id.in_(gone)))


def _follow(
    tx: Session,
    slot: Slot,
    row: dict[str, Any],
    before: dict[str, Any],
    *,
    is_free: bool,
    by: Actor,
) -> None:
    """Give a slot the pattern's new terms where it still has the old ones."""
    capacity = max(row["capacity"], slot.capacity - slot.remaining)
    if slot.capacity == before["capacity"] != capacity:
        # Of a slot that nobody ever booked, what the schedule's own event says is enough.
        if not is_free:
            change = {"from": slot.capacity, "to": capacity}
            note_slot(tx, slot, Act.CAPACITY_CHANGED, by, None, capacity=change)
        set_capacity(slot, capacity)
    if slot.price == before["price"] != row["price"]:
        if not is_free:
            change = {"from": str(slot.price), "to": str(row["price"])}
            note_slot(tx, slot, Act.PRICE_CHANGED, by, None, price=change)
        slot.price = row["price"]
    if not is_free:
        return
    if slot.attributes == before["attributes"]:
        slot.attributes = row["attributes"]
    if slot.max_quantity == before["max_quantity"]:
        slot.max_quantity = row["max_quantity"]
    for name in ("starts_at", "ends_at", "sold_until"):
        setattr(slot, name, row[name])


def _lock_never_booked(tx: Session, slot_ids: list[UUID]) -> set[UUID]:
    """Return those that nobody ever booked; from now on nobody can before the commit."""
    tx.execute(select(Slot.id).where(Slot.id.in_(slot_ids)).order_by(Slot.id).with_for_update())
    booked = select(BookingSlot.slot_id).where(BookingSlot.slot_id.in_(slot_ids)).distinct()
    return set(slot_ids) - set(tx.scalars(booked))


def _lock_schedule(tx: Session, schedule_id: int) -> Schedule:
    schedule = tx.scalar(
        select(Schedule)
        .where(Schedule.id == schedule_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if schedule is None:
        raise ScheduleNotFound
    return schedule


def _require_unit(resource: Resource, pattern: Pattern) -> None:
    if resource.retired_at is not None:
        raise CatalogueInvalid("name", "This resource is retired.")
    if (resource.counted_in == CountedIn.ROOMS) != (pattern.checkout is not None):
        raise CatalogueInvalid("checkout", "Rooms are sold by the night, nothing else is.")


def _terms(schedule: Schedule) -> dict[str, Any]:
    names = ("capacity", "price", "max_quantity", "attributes")
    return {name: getattr(schedule, name) for name in names}


def _counts(plan: Plan) -> dict[str, int]:
    return {
        "made": len(plan.made),
        "kept": len(plan.kept),
        "dropped": len(plan.dropped),
        "closed": len(plan.closed),
    }


def _today(schedule: Schedule) -> date:
    return datetime.now(ZoneInfo(schedule.resource.venue.time_zone)).date()


def _note(tx: Session, schedule: Schedule, act: Act, by: Actor, **details: Any) -> None:
    note_act(
        tx,
        act,
        venue_id=schedule.resource.venue_id,
        subject=f"schedule:{schedule.id}",
        by=by,
        **details,
    )
