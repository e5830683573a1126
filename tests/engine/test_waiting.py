"""Waiting a bounded time: the last word, and nothing booked behind who was told no."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from booking import waiting
from booking.decide import decide_pending
from booking.holds import Idempotency, place_hold
from booking.lifecycle import confirm_hold
from booking.views import BookingView, read_booking
from booking.waiting import wait_or_withdraw, wait_while_pending, watch
from tests.engine.books import events_of, left, notices_of, now, place, row, violations, wanting
from tests.factories import make_slot
from tests.races.meeting import Racer, at_once

KEY = Idempotency("my-key", b"the same body")


def test_who_waits_hears_the_decision(
    committed_db: Session, decider: Callable[[UUID], None]
) -> None:
    slot = make_slot()
    decider(slot.resource_id)
    booking = place(slot)

    assert wait_while_pending(booking, 5).status == "confirmed"


def test_a_notification_wakes_long_before_the_next_look(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 30.0)
    slot = make_slot()
    wait_while_pending(place(slot), 0.3)  # now the listener listens
    booking = place(slot)
    waiter = Racer(lambda: wait_while_pending(booking, 10)).start()
    decide_pending(slot.resource_id)

    assert waiter.finish() == now(booking)
    assert now(booking).status == "confirmed"


def test_no_notification_is_needed(committed_db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.Listener, "_wake", lambda *args: None)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.05)
    slot = make_slot()
    booking = place(slot)
    waiter = Racer(lambda: wait_while_pending(booking, 10)).start()
    decide_pending(slot.resource_id)

    assert waiter.finish() == now(booking)


def test_waiting_alone_withdraws_nothing(committed_db: Session) -> None:
    booking = place(make_slot())

    assert wait_while_pending(booking, 0.05).status == "pending"
    assert wait_while_pending(booking, 0).status == "pending"


@pytest.mark.parametrize("decide_within", [60.0, 0.1], ids=["in time", "past its deadline"])
def test_who_waits_no_longer_is_told_no_and_the_key_is_free(
    committed_db: Session, decide_within: float
) -> None:
    slot = make_slot(capacity=3)
    request = wanting(slot, idempotency=KEY, decide_within=decide_within)
    booking = place_hold(request).booking

    answer = wait_or_withdraw(booking, 0.15)

    assert answer.status == "expired"
    assert row(booking).status == "expired"
    again = place_hold(replace(request, decide_within=60.0))
    assert not again.is_replay
    decide_pending(slot.resource_id)
    assert now(booking).status == "expired"
    assert now(again.booking).status == "confirmed"
    assert notices_of(booking) == []
    assert left(slot) == 2
    assert violations() == []


def test_a_crowd_that_waits_is_told_what_the_books_say(
    committed_db: Session, decider: Callable[[UUID], None]
) -> None:
    """Some are decided in the very moment in which they give up."""
    slot = make_slot(capacity=8)

    def book() -> tuple[str, UUID]:
        booking = place(slot, decide_within=60.0)
        answer = wait_or_withdraw(booking, 0.03)
        return answer.status, booking.id

    decider(slot.resource_id)
    answers = at_once(*[book] * 12)

    for status, booking_id in answers:
        assert read_booking(booking_id=booking_id).status == status
    assert left(slot) == 8 - sum(status == "confirmed" for status, _ in answers)
    assert violations() == []


def test_watching_shows_each_change_and_ends_with_the_booking(committed_db: Session) -> None:
    slot = make_slot()
    booking = place(slot, hold_minutes=5)
    seen: list[str] = []
    for view in watch(booking, 10):
        if view is None:
            continue
        seen.append(view.status)
        match view.status:
            case "pending":
                decide_pending(slot.resource_id)
            case "held":
                confirm_hold(booking_id=booking.id)
            case "confirmed":
                break

    assert seen == ["pending", "held", "confirmed"]
    assert events_of(booking) == ["placed", "held", "confirmed"]


def test_watching_ends_in_time(committed_db: Session) -> None:
    began = time.monotonic()

    list(watch(place(make_slot()), 0.2))

    assert time.monotonic() - began < 3


def test_one_look_serves_all_who_wait(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is notified; the decisions are seen, and not by one look for each who waits."""
    looks: list[int] = []
    read_some = waiting.read_some

    def counted(booking_ids: Sequence[UUID]) -> dict[UUID, BookingView]:
        looks.append(len(booking_ids))
        return read_some(booking_ids)

    monkeypatch.setattr(waiting.Listener, "_wake", lambda *args: None)
    monkeypatch.setattr(waiting.Listener, "_may_have_missed", lambda *args: False)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(waiting, "read_some", counted)
    slot = make_slot()
    bookings = [place(slot) for _ in range(8)]
    waiters = [Racer(partial(wait_while_pending, each, 10)).start() for each in bookings]
    decide_pending(slot.resource_id)

    assert [waiter.finish() for waiter in waiters] == [now(each) for each in bookings]
    assert len(looks) < len(bookings)
    assert sum(looks) >= len(bookings)
