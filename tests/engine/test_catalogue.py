"""What owners set up by hand: resources, single slots, prices and schedules that change."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.catalogue import Pattern
from booking.errors import CapacityBelowTaken, CatalogueInvalid, InvalidRequest, SlotExists
from booking.replanning import Existing, add_schedule, change_schedule, preview_schedule
from booking.resources import (
    ResourceTerms,
    add_resource,
    bring_back_resource,
    change_resource,
    retire_resource,
)
from booking.single_slots import NewSlot, SlotTerms, add_slot, edit_slot, set_open_many
from booking.slots import change_price
from models import Act, AuditEvent, CountedIn, Kind, Schedule, Slot
from tests.engine.books import place_and_decide
from tests.factories import make_booking, make_owner, make_resource, make_slot, make_venue

NOON = Pattern("Noon", (time(12),), capacity=4, price=Decimal(10), minutes=60)


def acts(db: Session) -> list[AuditEvent]:
    return list(db.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def slots_of(db: Session, schedule_id: int) -> list[Slot]:
    db.expire_all()
    query = select(Slot).where(Slot.schedule_id == schedule_id).order_by(Slot.starts_at)
    return [slot for slot in db.scalars(query) if slot.starts_at > datetime.now(UTC)]


def tomorrow() -> Any:
    return (datetime.now(UTC) + timedelta(days=1)).date()


# Resources


def test_a_resource_is_added_changed_and_noted(db: Session) -> None:
    venue = make_venue(kind=Kind.BOATS)
    by = make_owner(venue)
    terms = ResourceTerms("Swift", 12, None, {"has_ac": True, "capacity": 12})

    boat = add_resource(venue_id=venue.id, counted_in=CountedIn.SEATS, terms=terms, by=by)
    change_resource(resource_id=boat.id, terms=replace(terms, max_quantity=6), by=by)

    noted = acts(db)
    assert [act.act for act in noted] == ["resource_added", "policy_changed", "resource_changed"]
    assert noted[1].details == {"max_quantity": {"from": 12, "to": 6}}
    assert {act.actor for act in noted} == {str(by)}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "Taken"}),
        ("max_quantity", {"max_quantity": 0}),
        ("people_per_room", {"people_per_room": 2}),
        ("attributes.capacity", {"attributes": {"has_ac": True}}),
        ("attributes.engine", {"attributes": {"has_ac": True, "capacity": 2, "engine": "x"}}),
    ],
)
def test_a_resource_that_cannot_be_names_its_field(db: Session, field: str, given: Any) -> None:
    venue = make_venue(kind=Kind.BOATS)
    make_resource(venue, name="Taken")
    terms = ResourceTerms("Swift", 12, None, {"has_ac": True, "capacity": 12})

    with pytest.raises(CatalogueInvalid) as refused:
        add_resource(venue_id=venue.id, counted_in=CountedIn.SEATS, terms=replace(terms, **given))

    assert refused.value.field == field


def test_a_retired_resource_sells_nothing_until_it_is_back(db: Session) -> None:
    slot = make_slot()

    retire_resource(resource_id=slot.resource_id)
    with pytest.raises(Exception, match="no such slot"):
        place_and_decide(slot)
    bring_back_resource(resource_id=slot.resource_id)

    assert place_and_decide(slot).status == "confirmed"
    assert [act.act for act in acts(db)] == ["resource_retired", "resource_brought_back"]


# Single slots


def test_a_slot_is_added_by_the_clock_of_its_venue(db: Session) -> None:
    resource = make_resource(make_venue(time_zone="Asia/Kolkata"))

    slot = add_slot(
        resource_id=resource.id,
        wanted=NewSlot(tomorrow(), time(9), 5, Decimal("7.50"), minutes=30),
    )

    assert (slot.starts_at.hour, slot.starts_at.minute) == (3, 30)
    assert place_and_decide(slot).status == "confirmed"
    with pytest.raises(SlotExists):
        add_slot(
            resource_id=resource.id,
            wanted=NewSlot(tomorrow(), time(9), 9, Decimal(1), minutes=60),
        )


def test_a_second_night_of_a_day_is_refused_at_another_hour_too(db: Session) -> None:
    resource = make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS)
    night = NewSlot(tomorrow(), time(15), 5, Decimal(80), checkout=time(11))
    add_slot(resource_id=resource.id, wanted=night)

    with pytest.raises(SlotExists):
        add_slot(resource_id=resource.id, wanted=replace(night, start=time(16)))


@pytest.mark.parametrize(
    "given",
    [
        {"capacity": -1},
        {"minutes": None, "checkout": time(11)},
        {"minutes": 0},
        {"price": Decimal("-1")},
        {"price": Decimal("0.001")},
        {"price": Decimal("NaN")},
        {"price": Decimal("1e12")},
        {"max_quantity": 0},
        {"attributes": {"colour": "red"}},
        {"day": (datetime.now(UTC) - timedelta(days=2)).date()},
    ],
)
def test_a_slot_that_cannot_be_is_refused(db: Session, given: Any) -> None:
    wanted = NewSlot(tomorrow(), time(9), 5, Decimal("7.50"), minutes=30)

    with pytest.raises(InvalidRequest):
        add_slot(resource_id=make_resource().id, wanted=replace(wanted, **given))


def test_a_new_price_counts_for_new_bookings_alone(db: Session) -> None:
    slot = make_slot(price=Decimal(10))
    before = make_booking(slot, quantity=2)

    change_price(slot_id=slot.id, price=Decimal(15), by=make_owner(), reason="fuel")
    after = make_booking(slot, quantity=2)

    assert (before.total, after.total) == (20, 30)
    noted = acts(db)[-1]
    assert (noted.act, noted.reason) == (Act.PRICE_CHANGED, "fuel")
    assert noted.details == {"price": {"from": "10.00", "to": "15"}}


def test_an_edit_that_is_refused_changes_nothing_of_the_slot(db: Session) -> None:
    slot = make_slot(capacity=5, price=Decimal(10))
    make_booking(slot, quantity=3)

    with pytest.raises(CapacityBelowTaken):
        edit_slot(slot_id=slot.id, terms=SlotTerms(2, Decimal(99), attributes={}))

    db.expire_all()
    assert (slot.capacity, slot.price, slot.is_open) == (5, 10, True)
    assert acts(db) == []


def test_many_are_closed_together(db: Session) -> None:
    slots = [make_slot() for _ in range(3)]

    turned = set_open_many(slot_ids=[slot.id for slot in slots], is_open=False)
    again = set_open_many(slot_ids=[slot.id for slot in slots], is_open=False)

    assert (turned, again) == (3, 0)
    assert len(acts(db)) == 3


# Schedules


def test_a_preview_says_what_saving_then_does(db: Session) -> None:
    resource = make_resource()
    at = datetime.combine(tomorrow(), time(12), UTC)
    make_slot(resource, starts_at=at)

    plan = preview_schedule(resource_id=resource.id, pattern=NOON, days=9)
    schedule = add_schedule(resource_id=resource.id, pattern=NOON, days=9)

    assert plan.met == 1
    assert len(slots_of(db, schedule.id)) == len(plan.made)
    assert len(plan.made) in (8, 9)


def changed_to(db: Session, existing: Existing, pattern: Pattern | None) -> tuple[Schedule, Any]:
    """A schedule with a booked, a hand-made and a free slot, after a change."""
    schedule = add_schedule(resource_id=make_resource().id, pattern=NOON, days=9)
    booked, by_hand, *_ = slots_of(db, schedule.id)
    make_booking(booked, quantity=3)
    edit_slot(slot_id=by_hand.id, terms=SlotTerms(7, Decimal(20), attributes={}))
    plan = change_schedule(schedule_id=schedule.id, pattern=pattern, existing=existing, days=9)
    return schedule, plan


def test_adapting_keeps_what_is_taken_and_what_was_done_by_hand(db: Session) -> None:
    wanted = replace(NOON, capacity=2, price=Decimal(12))

    schedule, plan = changed_to(db, Existing.ADAPT, wanted)

    booked, by_hand, *free = slots_of(db, schedule.id)
    assert [crowd.slot_id for crowd in plan.crowded] == [booked.id]
    assert (booked.capacity, booked.remaining, booked.price) == (3, 0, 12)
    assert (by_hand.capacity, by_hand.price) == (7, 20)
    assert {(slot.capacity, slot.remaining, slot.price) for slot in free} == {(2, 2, 12)}


def test_adapting_closes_what_was_booked_and_deletes_the_rest(db: Session) -> None:
    schedule, plan = changed_to(db, Existing.ADAPT, replace(NOON, start_times=(time(13),)))

    left = slots_of(db, schedule.id)
    old = [slot for slot in left if slot.starts_at.hour == 12]
    assert [(slot.is_open, slot.capacity - slot.remaining) for slot in old] == [(False, 3)]
    assert len(left) == len(plan.made) + 1
    assert {slot.starts_at.hour for slot in left if slot.is_open} == {13}


def test_a_slot_booked_after_the_look_is_closed_and_not_deleted(db: Session) -> None:
    schedule = add_schedule(resource_id=make_resource().id, pattern=NOON, days=3)
    seen = preview_schedule(
        resource_id=schedule.resource_id, pattern=None, days=3, schedule_id=schedule.id
    )
    booked = slots_of(db, schedule.id)[0]
    make_booking(booked)

    plan = change_schedule(schedule_id=schedule.id, pattern=None, existing=Existing.ADAPT, days=3)

    assert booked.id in seen.dropped
    assert plan.closed == [booked.id]
    assert [slot.id for slot in slots_of(db, schedule.id)] == [booked.id]


def test_adding_leaves_what_is_there_and_leaving_touches_nothing(db: Session) -> None:
    wanted = replace(NOON, start_times=(time(13),), capacity=9)

    added, _ = changed_to(db, Existing.ADD, wanted)
    left, _ = changed_to(db, Existing.LEAVE, wanted)

    hours = [slot.starts_at.hour for slot in slots_of(db, added.id)]
    assert set(hours) == {12, 13}
    assert {slot.starts_at.hour for slot in slots_of(db, left.id)} == {12}
    assert all(slot.capacity != 9 for slot in slots_of(db, left.id))


def test_an_ended_schedule_makes_no_more(db: Session) -> None:
    schedule, _ = changed_to(db, Existing.ADAPT, None)

    db.expire_all()
    assert not db.get_one(Schedule, schedule.id).is_active
    assert [slot.is_open for slot in slots_of(db, schedule.id)] == [False]
    assert [act.act for act in acts(db)][-1] == Act.SCHEDULE_CHANGED


def test_a_night_moves_its_hour_and_stays_one(db: Session) -> None:
    hotel = make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS)
    nights = Pattern("Nights", (time(15),), capacity=4, checkout=time(11))
    schedule = add_schedule(resource_id=hotel.id, pattern=nights, days=5)
    before = len(slots_of(db, schedule.id))

    change_schedule(
        schedule_id=schedule.id,
        pattern=replace(nights, start_times=(time(16),)),
        existing=Existing.ADAPT,
        days=5,
    )

    after = slots_of(db, schedule.id)
    assert abs(len(after) - before) <= 1
    assert {slot.starts_at.hour for slot in after[1:]} == {16}


def test_rooms_are_sold_by_the_night_and_nothing_else_is(db: Session) -> None:
    for pattern in (NOON, Pattern("Nights", (time(15),), 4, checkout=time(11))):
        is_night = pattern.checkout is not None
        unit = CountedIn.SEATS if is_night else CountedIn.ROOMS
        with pytest.raises(CatalogueInvalid) as refused:
            preview_schedule(resource_id=make_resource(counted_in=unit).id, pattern=pattern, days=3)
        assert refused.value.field == "checkout"
