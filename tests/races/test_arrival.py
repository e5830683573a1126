"""Arrival is strict: a lower number that is committed late is still decided first."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from booking import decide
from booking.decide import decide_pending
from booking.holds import place_hold_in
from booking.transactions import transaction
from booking.views import BookingView
from tests.engine.books import now, place, row, violations, wanting
from tests.factories import make_slot
from tests.races.meeting import Racer, Stop, at_once, wait_until, waiting_for_locks


def a_late_commit() -> tuple[BookingView, BookingView, int]:
    """One draws its number and commits late; another comes after it; then somebody decides.

    Returns both bookings, the late one first, and how many waited while it was not committed.
    """
    slot = make_slot(capacity=1)
    request = wanting(slot)
    has_number, may_commit = threading.Event(), threading.Event()

    def place_slowly() -> BookingView:
        with transaction() as tx:
            placed = place_hold_in(tx, request)
            has_number.set()
            assert may_commit.wait(10)
            return placed.booking

    slow = Racer(place_slowly).start()
    assert has_number.wait(10)
    second = place(slot)
    decider = Racer(lambda: decide_pending(slot.resource_id)).start()
    wait_until(lambda: decider.is_done or waiting_for_locks() > 0, "the decider waits or ends")
    waited = waiting_for_locks()
    may_commit.set()
    first = slow.finish()
    decider.finish()
    decide_pending(slot.resource_id)
    assert isinstance(first, BookingView)
    assert first.seq < second.seq
    return first, second, waited


def test_a_lower_number_committed_late_is_decided_first(committed_db: Session) -> None:
    first, second, waited = a_late_commit()

    assert waited == 1
    assert (now(first).status, now(second).status) == ("confirmed", "rejected")
    assert (row(first).decision_no, row(second).decision_no) == (1, 2)
    assert violations() == []


def test_without_the_arrival_lock_it_would_be_overtaken(
    committed_db: Session, arrival_lock_out: Callable[[], None]
) -> None:
    arrival_lock_out()

    first, second, waited = a_late_commit()

    assert waited == 0
    assert (now(first).status, now(second).status) == ("rejected", "confirmed")
    assert any("out of order" in each for each in violations())


def test_placing_does_not_wait_for_placing(committed_db: Session) -> None:
    """The arrival lock is shared among those who place."""
    slot = make_slot()
    request = wanting(slot)
    with transaction() as tx:
        place_hold_in(tx, request)

        assert isinstance(Racer(lambda: place(slot)).start().finish(), BookingView)


def test_placing_does_not_wait_for_a_decision(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a row that refers to a slot wait for who has locked that slot."""
    slot = make_slot()
    place(slot)
    decider = Racer(lambda: decide_pending(slot.resource_id))
    stop = Stop(monkeypatch, decider, decide, "expire_what_can_in")
    decider.start()
    assert stop.reached.wait(10)

    later = Racer(lambda: place(slot)).start().finish()

    stop.let_go()
    decider.finish()
    assert isinstance(later, BookingView)
    assert now(later).status == "pending"


def test_a_crowd_is_decided_in_the_order_of_its_numbers(committed_db: Session) -> None:
    slot = make_slot(capacity=20)

    def crowd() -> list[BookingView]:
        return [place(slot) for _ in range(6)]

    def decide_often() -> None:
        for _ in range(12):
            decide_pending(slot.resource_id)

    results = at_once(*[crowd] * 6, *[decide_often] * 2)
    decide_pending(slot.resource_id)

    bookings = sorted((each for many in results[:6] for each in many), key=lambda each: each.seq)
    assert [now(each).status for each in bookings] == ["confirmed"] * 20 + ["rejected"] * 16
    assert violations() == []
