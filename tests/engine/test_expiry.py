"""Deadlines: what is past them is given back or let go, and is true before any sweep."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.expiry import expire_held, expire_undecided
from booking.lifecycle import confirm_hold, extend_hold
from models import Status
from tests.engine.books import (
    events_of,
    lines_of,
    notices_of,
    now,
    place,
    place_and_decide,
    row,
    run_out,
)
from tests.factories import make_nights, make_slot, set_overdue


def test_places_of_an_overdue_hold_are_given_back(db: Session) -> None:
    nights = make_nights(capacity=3)
    held = place_and_decide(*nights, quantity=2, hold_minutes=5)
    run_out(held)

    assert expire_held(held.resource_id) == 6

    assert [night.remaining for night in nights] == [3, 3, 3]
    assert (row(held).status, row(held).reason) == ("expired", "not_confirmed")
    assert all(line.released_at for line in lines_of(held))
    assert events_of(held) == ["placed", "held", "expired"]


def test_a_second_sweep_changes_nothing(db: Session) -> None:
    held = place_and_decide(make_slot(capacity=3), hold_minutes=5)
    run_out(held)
    expire_held(held.resource_id)

    assert expire_held(held.resource_id) == 0
    assert notices_of(held) == [("held", 1), ("expired", 1)]


@pytest.mark.parametrize("end", ["near", "confirmed", "extended"])
def test_what_is_in_time_is_left_alone(db: Session, end: str) -> None:
    slot = make_slot(capacity=3)
    held = place_and_decide(slot, hold_minutes=5)
    match end:
        case "near":  # within the margin in which it is looked at
            set_overdue(held.id, seconds=-2)
        case "confirmed":
            confirm_hold(booking_id=held.id)
        case "extended":
            extend_hold(booking_id=held.id, minutes=20)

    assert expire_held(slot.resource_id) == 0
    assert slot.remaining == 2


def test_only_the_overdue_ones_go(db: Session) -> None:
    slot = make_slot(capacity=3)
    held = [place_and_decide(slot, hold_minutes=5) for _ in range(3)]
    run_out(held[1])

    assert expire_held(slot.resource_id) == 1

    assert [row(hold).status for hold in held] == ["held", "expired", "held"]


@pytest.mark.parametrize("given", [{}, {"hold_minutes": 5}, {"decide_within": 1.0}])
def test_an_undecided_hold_is_let_go_with_its_reason(db: Session, given: Any) -> None:
    slot = make_slot(capacity=3)
    late, in_time = place(slot, **given), place(slot)
    run_out(late)

    assert expire_undecided(slot.resource_id) == 1

    assert (row(late).status, row(late).reason) == ("expired", "not_decided")
    assert row(late).decision_no is None
    assert now(in_time).status is Status.PENDING
    assert slot.remaining == 3


def test_who_waits_hears_it_at_once_and_gets_no_message(db: Session) -> None:
    slot = make_slot()
    waiting, gone = place(slot, decide_within=1.0), place(slot)
    run_out(waiting)
    run_out(gone)

    expire_undecided(slot.resource_id)

    assert notices_of(waiting) == []
    assert notices_of(gone) == [("expired", 1)]


@pytest.mark.parametrize("hold_minutes", [None, 5])
def test_reading_tells_the_truth_before_any_sweep(db: Session, hold_minutes: int | None) -> None:
    slot = make_slot()
    pending = place(slot, hold_minutes=hold_minutes)
    run_out(pending)

    seen = now(pending)

    assert (seen.status, seen.reason, seen.expires_at) == (Status.EXPIRED, "not_decided", None)
    assert seen.position is None


def test_reading_an_overdue_hold_tells_that_it_was_not_confirmed(db: Session) -> None:
    held = place_and_decide(make_slot(), hold_minutes=5)
    run_out(held)

    assert (now(held).status, now(held).reason) == (Status.EXPIRED, "not_confirmed")
