"""Capacity, opening and closing, deleting: never below what is taken."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.decide import decide_pending
from booking.errors import CapacityBelowTaken, InvalidRequest, SlotHasBookings, SlotNotFound
from booking.lifecycle import cancel_booking
from booking.slots import change_capacity, delete_slot, set_open
from models import Slot, Status
from tests.engine.books import now, place, place_and_decide
from tests.factories import make_booking, make_slot


@pytest.mark.parametrize(("capacity", "remaining"), [(10, 7), (3, 0), (5, 2)])
def test_capacity_moves_what_remains(db: Session, capacity: int, remaining: int) -> None:
    slot = make_slot(capacity=5)
    make_booking(slot, quantity=3)

    change_capacity(slot_id=slot.id, capacity=capacity)

    assert (slot.capacity, slot.remaining) == (capacity, remaining)


@pytest.mark.parametrize("status", [Status.HELD, Status.CONFIRMED, Status.COMPLETED])
def test_capacity_never_goes_below_what_is_taken(db: Session, status: Status) -> None:
    slot = make_slot(capacity=5)
    make_booking(slot, quantity=3, status=status)

    with pytest.raises(CapacityBelowTaken) as refused:
        change_capacity(slot_id=slot.id, capacity=2)

    assert refused.value.taken == 3
    assert (slot.capacity, slot.remaining) == (5, 2)


@pytest.mark.parametrize("capacity", [-1, 1_000_001, 10**30])
def test_a_capacity_is_a_sensible_number(db: Session, capacity: int) -> None:
    slot = make_slot(capacity=5)

    with pytest.raises(InvalidRequest):
        change_capacity(slot_id=slot.id, capacity=capacity)

    assert slot.capacity == 5


def test_what_was_given_back_can_be_taken_away(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = make_booking(slot, quantity=3)
    cancel_booking(booking_id=booking.id)

    change_capacity(slot_id=slot.id, capacity=0)

    assert (slot.capacity, slot.remaining) == (0, 0)


def test_more_capacity_lets_the_next_one_in_and_not_who_was_refused(db: Session) -> None:
    slot = make_slot(capacity=1)
    place_and_decide(slot)
    refused = place_and_decide(slot)

    change_capacity(slot_id=slot.id, capacity=2)

    assert place_and_decide(slot).status is Status.CONFIRMED
    assert now(refused).status is Status.REJECTED


def test_a_slot_opened_again_takes_holds_again(db: Session) -> None:
    slot = make_slot()
    set_open(slot_id=slot.id, is_open=False)
    refused = place_and_decide(slot)
    set_open(slot_id=slot.id, is_open=True)

    assert refused.reason == "closed"
    assert place_and_decide(slot).status is Status.CONFIRMED


def test_closing_twice_is_closing(db: Session) -> None:
    slot = make_slot(capacity=5)
    for _ in range(2):
        set_open(slot_id=slot.id, is_open=False)

    assert (slot.is_open, slot.remaining) == (False, 5)


def test_an_unknown_slot_is_not_found(db: Session) -> None:
    for verb in (
        lambda id_: change_capacity(slot_id=id_, capacity=1),
        lambda id_: set_open(slot_id=id_, is_open=False),
        lambda id_: delete_slot(slot_id=id_),
    ):
        with pytest.raises(SlotNotFound):
            verb(uuid4())


def test_a_slot_that_was_ever_booked_is_not_deleted(db: Session) -> None:
    slot = make_slot()
    pending = place(slot)
    cancel_booking(booking_id=pending.id)

    with pytest.raises(SlotHasBookings):
        delete_slot(slot_id=slot.id)


def test_a_slot_that_nobody_booked_can_be_deleted(db: Session) -> None:
    slot = make_slot()

    delete_slot(slot_id=slot.id)

    assert db.scalar(select(func.count()).select_from(Slot)) == 0


def test_capacity_and_pending_holds_meet_at_the_decision(db: Session) -> None:
    slot = make_slot(capacity=2)
    bookings = [place(slot) for _ in range(2)]
    change_capacity(slot_id=slot.id, capacity=1)

    decide_pending(slot.resource_id)

    assert [now(booking).status for booking in bookings] == ["confirmed", "rejected"]
