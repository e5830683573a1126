"""Who decides, changes and lowers capacities at the same time never sells a place twice."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from booking import changes, decide, slots
from booking.actors import Actor
from booking.changes import Change, change_booking, change_booking_in
from booking.decide import decide_in, decide_pending
from booking.errors import CannotTake, CapacityBelowTaken
from booking.slots import change_capacity
from booking.transactions import transaction
from booking.turns import settle
from models import Slot
from tests.engine.books import left, now, place, row, violations
from tests.factories import make_booking, make_resource, make_slot
from tests.races.conftest import Drop
from tests.races.meeting import Racer, Stop, at_once, overtake, wait_until, waiting_for_locks

STAFF = Actor("staff", "somebody")


def decide_a_batch(resource_id: UUID) -> Callable[[], int]:
    """Decide one batch; a failure is the test's to see."""

    def run() -> int:
        upto = settle([resource_id]).upto or {resource_id: 0}
        with transaction() as tx:
            return decide_in(tx, upto)

    return run


def test_many_deciders_and_a_change_share_the_last_seats(committed_db: Session) -> None:
    slot = make_slot(capacity=12)
    booking = make_booking(slot, quantity=2)
    bookings = [place(slot) for _ in range(30)]

    results = at_once(
        *[lambda: decide_pending(slot.resource_id)] * 8,
        lambda: change_booking(booking_id=booking.id, change=Change(quantity=3)),
    )

    statuses = [now(each).status for each in bookings]
    assert statuses == ["confirmed"] * 10 + ["rejected"] * 20
    assert isinstance(results[-1], CannotTake)
    assert sum(results[:-1]) <= 30
    assert left(slot) == 0
    assert violations() == []


def two_deciders(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, list[Any], tuple[Any, Any]]:
    slot = make_slot(capacity=2)
    bookings = [place(slot) for _ in range(2)]
    run = decide_a_batch(slot.resource_id)

    return slot, bookings, overtake(monkeypatch, run, run, at=(decide, "expire_what_can_in"))


def test_two_deciders_take_each_place_once(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, bookings, results = two_deciders(monkeypatch)

    assert results == (2, 0)
    assert [now(each).status for each in bookings] == ["confirmed", "confirmed"]
    assert left(slot) == 0
    assert violations() == []


def test_without_locks_two_deciders_take_each_place_twice(
    drop: Drop,
    committed_db: Session,
    monkeypatch: pytest.MonkeyPatch,
    locks_out: Callable[[], None],
) -> None:
    drop("slots", "ck_slots_remaining_fits")
    locks_out()

    slot, _, _ = two_deciders(monkeypatch)

    assert left(slot) == -2
    assert any("places do not add up" in each for each in violations())


def test_without_locks_the_constraint_is_the_last_guard(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch, locks_out: Callable[[], None]
) -> None:
    locks_out()

    slot, bookings, (slow, fast) = two_deciders(monkeypatch)

    assert fast == 2
    assert "remaining_fits" in str(slow)
    assert [now(each).status for each in bookings] == ["confirmed", "confirmed"]
    assert left(slot) == 0
    assert violations() == []


# A change and a decision


def change_and_decide(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, Any, Any, tuple[Any, Any]]:
    """The change is in the middle when somebody places a hold for what it wants."""
    slot = make_slot(capacity=4)
    booking = make_booking(slot, quantity=2)
    hold = place(slot, quantity=2)

    def change() -> None:
        with transaction() as tx:
            change_booking_in(tx, booking_id=booking.id, change=Change(quantity=4), by=STAFF)

    results = overtake(
        monkeypatch, change, decide_a_batch(slot.resource_id), at=(changes, "read_clock")
    )
    return slot, booking, hold, results


def test_a_change_and_a_decision_do_not_take_the_same_places(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, booking, hold, results = change_and_decide(monkeypatch)

    assert results == (None, 1)
    assert (now(booking).quantity, now(hold).status) == (4, "rejected")
    assert left(slot) == 0
    assert violations() == []


def test_without_locks_a_change_and_a_decision_take_the_same_places(
    drop: Drop,
    committed_db: Session,
    monkeypatch: pytest.MonkeyPatch,
    locks_out: Callable[[], None],
    arrival_lock_out: Callable[[], None],
) -> None:
    drop("slots", "ck_slots_remaining_fits")
    locks_out()
    arrival_lock_out()

    slot, _, hold, _ = change_and_decide(monkeypatch)

    assert now(hold).status == "confirmed"
    assert left(slot) == -2
    assert any("out of bounds" in each for each in violations())


# A capacity and a decision


def lower_and_decide(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, Any, tuple[Any, Any]]:
    slot = make_slot(capacity=2)
    hold = place(slot, quantity=2)

    results = overtake(
        monkeypatch,
        lambda: change_capacity(slot_id=slot.id, capacity=1),
        decide_a_batch(slot.resource_id),
        at=(slots, "lock_slots"),
        after=True,
    )
    return slot, hold, results


def test_a_capacity_is_lowered_before_the_decision_sees_it(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, hold, _ = lower_and_decide(monkeypatch)

    assert (now(hold).status, now(hold).remaining) == ("rejected", 1)
    assert (left(slot), slot.capacity) == (1, 1)
    assert violations() == []


def test_without_locks_a_capacity_goes_below_what_is_taken(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch, locks_out: Callable[[], None]
) -> None:
    locks_out()

    slot, hold, _ = lower_and_decide(monkeypatch)

    assert now(hold).status == "confirmed"
    assert (left(slot), slot.capacity) == (1, 1)
    assert any("places do not add up" in each for each in violations())


def test_a_decision_in_the_middle_is_seen_by_who_lowers_the_capacity(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = make_slot(capacity=2)
    hold = place(slot, quantity=2)

    _, refused = overtake(
        monkeypatch,
        decide_a_batch(slot.resource_id),
        lambda: change_capacity(slot_id=slot.id, capacity=1),
        at=(decide, "expire_what_can_in"),
    )

    assert isinstance(refused, CapacityBelowTaken)
    assert now(hold).status == "confirmed"
    assert violations() == []


# Two changes in opposite directions


def swap(slot: Slot, other: Slot) -> list[Any]:
    here, there = make_booking(slot, quantity=1), make_booking(other, quantity=1)
    moves = [(here, other), (there, slot)]
    return at_once(
        *(
            lambda booking=booking, to=to: change_booking(
                booking_id=booking.id, change=Change(slot_ids=(to.id,))
            )
            for booking, to in moves
        )
    )


def test_two_changes_in_opposite_directions_both_come_through(
    committed_db: Session, logged: list[Any]
) -> None:
    resource = make_resource()
    one, other = make_slot(resource, capacity=9), make_slot(resource, capacity=9)

    for _ in range(4):
        assert swap(one, other) == [None, None]

    assert not [entry for entry in logged if entry["event"] == "transaction_retried"]
    assert (left(one), left(other)) == (5, 5)
    assert violations() == []


def test_in_another_order_of_locks_they_would_run_into_each_other(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    """The twin: without the resource's lock, and with slots locked in the order they are named."""
    resource = make_resource()
    one, other = make_slot(resource, capacity=9), make_slot(resource, capacity=9)
    here, there = make_booking(one, quantity=1), make_booking(other, quantity=1)
    meeting = threading.Barrier(2)
    lock_slots = slots.lock_slots

    def lock_as_named(tx: Session, slot_ids: Any) -> dict[UUID, Slot]:
        wanted = list(slot_ids)
        mine = {here.id: one.id, there.id: other.id}[current.booking]
        wanted.sort(key=lambda slot_id: slot_id != mine)
        locked = lock_slots(tx, wanted[:1])
        if not current.has_met:
            current.has_met = True
            meeting.wait(5)
        return locked | lock_slots(tx, wanted[1:])

    current = threading.local()
    monkeypatch.setattr(slots, "lock_slots", lock_as_named)
    monkeypatch.setattr(changes, "lock_resource", lambda tx, id_: tx.get_one(type(resource), id_))
    monkeypatch.setattr(changes, "decide_pending", lambda resource_id: 0)

    def move(booking_id: UUID, to: UUID) -> Callable[[], None]:
        def run() -> None:
            current.booking, current.has_met = booking_id, False
            change_booking(booking_id=booking_id, change=Change(slot_ids=(to,)))

        return run

    results = at_once(move(here.id, other.id), move(there.id, one.id))

    assert [entry for entry in logged if entry["event"] == "transaction_retried"]
    assert results == [None, None]
    assert violations() == []


# Many deciders are not a crash


def test_many_deciders_at_once_are_not_taken_for_crashed_ones(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They queue up behind one that takes its time; each has begun and none has ended."""
    slot = make_slot(capacity=50)
    bookings = [place(slot)]
    slow = Racer(lambda: decide_pending(slot.resource_id))
    stop = Stop(monkeypatch, slow, decide, "expire_what_can_in")
    slow.start()
    assert stop.reached.wait(5)
    bookings += [place(slot) for _ in range(4)]
    others = [Racer(lambda: decide_pending(slot.resource_id)).start() for _ in range(10)]
    wait_until(lambda: waiting_for_locks() == 10, "all the others wait")

    stop.let_go()

    for each in [slow, *others]:
        assert isinstance(each.finish(), int)
    assert [now(each).status for each in bookings] == ["confirmed"] * 5
    assert max(row(each).attempts for each in bookings) <= 1
    assert violations() == []
