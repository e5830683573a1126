"""Deciding: in the order of arrival, all or nothing, and a poisonous hold blocks nobody."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import errors as pg
from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from booking import batch, decide
from booking.actors import SWEEPER
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking, confirm_hold, withdraw_hold
from booking.rule import Outcome, Policy, Wanted
from booking.slots import set_open
from booking.views import BookingView
from models import Booking, CountedIn, Kind, Resource, Slot, Status
from settings import settings
from tests.engine.books import (
    events_of,
    now,
    place,
    place_and_decide,
    row,
    run_out,
    set_policy,
    set_slot,
)
from tests.factories import make_booking, make_nights, make_resource, make_slot, make_venue


def statuses(bookings: list[BookingView]) -> list[str]:
    return [now(booking).status for booking in bookings]


def numbers(bookings: list[BookingView]) -> list[int | None]:
    return [row(booking).decision_no for booking in bookings]


def test_first_come_first_decided(db: Session) -> None:
    slot = make_slot(capacity=2)
    bookings = [place(slot) for _ in range(3)]

    assert decide_pending(slot.resource_id) == 3

    assert statuses(bookings) == ["confirmed", "confirmed", "rejected"]
    assert numbers(bookings) == [1, 2, 3]
    assert (now(bookings[2]).reason, now(bookings[2]).remaining) == ("full", 0)
    assert slot.remaining == 0


def test_a_second_call_finds_nothing_to_do(db: Session) -> None:
    slot = make_slot(capacity=2)
    booking = place_and_decide(slot)

    assert decide_pending(slot.resource_id) == 0
    assert events_of(booking) == ["placed", "confirmed"]
    assert slot.remaining == 1


def test_a_smaller_one_behind_may_succeed(db: Session) -> None:
    slot = make_slot(capacity=3)
    bookings = [place(slot, quantity=quantity) for quantity in (2, 2, 1)]

    decide_pending(slot.resource_id)

    assert statuses(bookings) == ["confirmed", "rejected", "confirmed"]
    assert now(bookings[1]).remaining == 1


def test_a_stay_takes_every_night_or_none(db: Session) -> None:
    nights = make_nights(nights=3, capacity=2)
    make_booking(nights[1], quantity=2)

    refused = place_and_decide(*nights)

    assert (refused.status, refused.reason, refused.remaining) == (Status.REJECTED, "full", 0)
    assert [night.remaining for night in nights] == [2, 0, 2]


def test_a_batch_sees_what_its_own_holds_have_taken(db: Session) -> None:
    first, second, third = nights = make_nights(nights=3, capacity=1)
    bookings = [place(first, second), place(second, third), place(third)]

    decide_pending(first.resource_id)

    assert statuses(bookings) == ["confirmed", "rejected", "confirmed"]
    assert [night.remaining for night in nights] == [0, 0, 0]


@pytest.mark.parametrize(
    ("counted_in", "left"), [(CountedIn.PARTIES, 9), (CountedIn.SEATS, 6), (CountedIn.ROOMS, 6)]
)
def test_places_are_counted_as_the_resource_says(
    db: Session, counted_in: CountedIn, left: int
) -> None:
    slot = make_slot(make_resource(counted_in=counted_in), capacity=10)

    place_and_decide(slot, quantity=4)

    assert slot.remaining == left


def test_more_than_one_batch_is_decided_by_one_call(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "settings", _with_batch_of(2))
    slot = make_slot(capacity=3)
    bookings = [place(slot) for _ in range(5)]

    assert decide_pending(slot.resource_id) == 5

    assert statuses(bookings) == ["confirmed"] * 3 + ["rejected"] * 2
    assert numbers(bookings) == [1, 2, 3, 4, 5]


def test_cancelled_holds_in_front_do_not_end_the_work(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were read as pending and are gone when their lock is taken; others wait behind."""
    monkeypatch.setattr(batch, "settings", _with_batch_of(2))
    slot = make_slot()
    bookings = [place(slot) for _ in range(4)]
    locked = decide.lock_waiting

    def lock_the_rest(
        tx: Session, waiting: list[batch.Waiting]
    ) -> tuple[list[batch.Waiting], datetime]:
        tx.execute(
            update(Booking)
            .where(Booking.id.in_([booking.id for booking in bookings[:2]]))
            .values(status="expired", reason="withdrawn", expired_at=func.now(), expires_at=None)
        )
        return locked(tx, waiting)

    monkeypatch.setattr(decide, "lock_waiting", lock_the_rest)

    decide_pending(slot.resource_id)

    assert statuses(bookings[2:]) == ["confirmed", "confirmed"]


def test_two_steps_hold_places_until_a_deadline_counted_from_the_decision(db: Session) -> None:
    slot = make_slot(capacity=3)

    booking = place_and_decide(slot, quantity=2, hold_minutes=20)

    assert booking.status is Status.HELD
    assert slot.remaining == 1
    kept = row(booking)
    assert kept.held_at == kept.decided_at
    assert kept.decided_at is not None
    assert kept.expires_at == kept.decided_at + timedelta(minutes=20)
    assert kept.confirmed_at is None


def test_places_of_overdue_holds_are_freed_first(db: Session) -> None:
    slot = make_slot(capacity=1)
    held = place_and_decide(slot, hold_minutes=5)
    run_out(held)

    booking = place_and_decide(slot)

    assert booking.status is Status.CONFIRMED
    assert row(held).status == Status.EXPIRED
    assert events_of(held) == ["placed", "held", "expired"]
    assert slot.remaining == 0


def test_a_hold_past_its_deadline_expires_without_a_number(db: Session) -> None:
    slot = make_slot(capacity=2)
    late, after = place(slot), place(slot)
    run_out(late)

    decide_pending(slot.resource_id)

    assert (row(late).status, row(late).reason) == ("expired", "not_decided")
    assert numbers([late, after]) == [None, 1]
    assert slot.remaining == 1


def test_closing_rejects_what_waits_and_leaves_what_has_its_places(db: Session) -> None:
    slot = make_slot()
    kept = [place_and_decide(slot), place_and_decide(slot, hold_minutes=5)]
    waits = place(slot)
    set_open(slot_id=slot.id, is_open=False)

    decide_pending(slot.resource_id)

    assert (now(waits).status, now(waits).reason) == (Status.REJECTED, "closed")
    assert statuses(kept) == ["confirmed", "held"]


@pytest.mark.parametrize(
    ("policy", "ahead", "reason"),
    [
        ({"notice_minutes": 90}, timedelta(minutes=60), "notice"),
        ({"cutoff_minutes": 90}, timedelta(minutes=60), "closed"),
        ({"horizon_days": 1}, timedelta(days=2), "horizon"),
        ({}, timedelta(minutes=60), None),
    ],
)
def test_the_venue_s_policies_are_part_of_the_rule(
    db: Session, policy: dict[str, int], ahead: timedelta, reason: str | None
) -> None:
    slot = make_slot(starts_at=datetime.now(UTC) + ahead)
    set_policy(slot.resource, **policy)
    bound, unbound = place(slot), place(slot, is_bound=False)

    decide_pending(slot.resource_id)

    assert now(bound).reason == reason
    assert now(unbound).status is Status.CONFIRMED


def test_a_largest_quantity_lowered_meanwhile_counts(db: Session) -> None:
    slot = make_slot()
    booking = place(slot, quantity=4)
    set_slot(slot, max_quantity=3)

    decide_pending(slot.resource_id)

    assert now(booking).reason == "too_large"


def test_the_venue_s_own_people_get_no_places_that_are_not_there(db: Session) -> None:
    slot = make_slot(capacity=1)

    booking = place_and_decide(slot, quantity=2, is_bound=False)

    assert (booking.reason, booking.remaining) == ("full", 1)


# Caps against hoarding


def test_open_holds_of_a_person_are_capped_over_the_whole_venue(db: Session) -> None:
    venue = make_venue(kind=Kind.BOATS, max_holds_per_person=2)
    slots = [make_slot(make_resource(venue)) for _ in range(2)]
    ann = {"email": "ann@example.com", "hold_minutes": 5}
    bookings = [place_and_decide(slots[at % 2], **ann) for at in range(3)]

    assert [booking.status for booking in bookings] == ["held", "held", "rejected"]
    assert bookings[2].reason == "too_many_holds"
    assert place_and_decide(slots[0], hold_minutes=5).status is Status.HELD
    assert place_and_decide(slots[0], email="ann@example.com").status is Status.CONFIRMED


def test_one_batch_counts_its_own_holds(db: Session) -> None:
    slot = make_slot(make_resource(make_venue(max_holds_per_person=2)))
    bookings = [place(slot, email="ann@example.com", hold_minutes=5) for _ in range(3)]

    decide_pending(slot.resource_id)

    assert statuses(bookings) == ["held", "held", "rejected"]


def test_open_holds_of_an_address_are_capped(db: Session) -> None:
    slot = make_slot(make_resource(make_venue(max_holds_per_address=1)))
    bookings = [place(slot, hold_minutes=5, address=ip) for ip in ("a", "a", "b", None)]

    decide_pending(slot.resource_id)

    assert statuses(bookings) == ["held", "rejected", "held", "held"]


@pytest.mark.parametrize("end", ["confirmed", "cancelled", "overdue"])
def test_a_hold_that_ended_counts_no_more(db: Session, end: str) -> None:
    slot = make_slot(make_resource(make_venue(max_holds_per_person=1)))
    first = place_and_decide(slot, email="ann@example.com", hold_minutes=5)
    match end:
        case "confirmed":
            confirm_hold(booking_id=first.id)
        case "cancelled":
            cancel_booking(booking_id=first.id)
        case "overdue":
            run_out(first)

    again = place_and_decide(slot, email="ann@example.com", hold_minutes=5)

    assert again.status is Status.HELD


# What is left out of the order


def test_what_was_cancelled_or_withdrawn_while_pending_takes_no_number(db: Session) -> None:
    slot = make_slot()
    bookings = [place(slot) for _ in range(4)]
    cancel_booking(booking_id=bookings[0].id)
    withdraw_hold(booking_id=bookings[2].id)

    assert decide_pending(slot.resource_id) == 2

    assert statuses(bookings) == ["cancelled", "confirmed", "expired", "confirmed"]
    assert numbers(bookings) == [None, 1, None, 2]
    assert slot.remaining == 8


def test_resources_are_decided_apart(db: Session) -> None:
    here, there = make_slot(), make_slot()
    bookings = [place(here), place(there)]

    decide_pending(here.resource_id)

    assert statuses(bookings) == ["confirmed", "pending"]
    assert decide_pending(there.resource_id) == 1


def test_who_decided_is_in_the_event(db: Session) -> None:
    slot = make_slot()
    booking = place(slot)

    decide_pending(slot.resource_id, by=SWEEPER)

    actors = [event.actor for event in row(booking).events]
    assert actors == ["customer", "sweeper"]


# A poisonous hold


class Poison:
    """Makes the rule raise for the holds of one quantity."""

    def __init__(self, rule: Callable[..., Outcome]) -> None:
        self.quantity = 7
        self.met = 0
        self.error: Callable[[], Exception] = lambda: ZeroDivisionError("poison")
        self.most = 1_000
        self._rule = rule

    def __call__(self, wanted: Wanted, policy: Policy, at: datetime) -> Outcome:
        if wanted.quantity == self.quantity and self.met < self.most:
            self.met += 1
            raise self.error()
        return self._rule(wanted, policy, at)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    made = Poison(batch.decide)
    monkeypatch.setattr(batch, "decide", made)
    return made


def queue_around(poison: Poison, slot: Slot) -> list[BookingView]:
    return [place(slot, quantity=quantity) for quantity in (1, poison.quantity, 1, 2)]


def test_a_poisonous_hold_is_parked_and_those_behind_it_are_decided_in_order(
    db: Session, poison: Poison
) -> None:
    slot = make_slot(capacity=3)
    bookings = queue_around(poison, slot)

    assert decide_pending(slot.resource_id) == 4

    assert statuses(bookings) == ["confirmed", "rejected", "confirmed", "rejected"]
    assert (now(bookings[1]).reason, now(bookings[3]).reason) == ("internal", "full")
    assert numbers(bookings) == [1, 2, 3, 4]
    assert slot.remaining == 1
    assert events_of(bookings[1]) == ["placed", "rejected"]
    assert poison.met == 1 + decide.MOST_ATTEMPTS


def test_a_hold_that_fails_once_is_decided_as_any_other(db: Session, poison: Poison) -> None:
    poison.most = 1
    slot = make_slot(capacity=20)
    bookings = queue_around(poison, slot)

    decide_pending(slot.resource_id)

    assert statuses(bookings) == ["confirmed"] * 4
    assert numbers(bookings) == [1, 2, 3, 4]


def test_after_a_poisonous_hold_batches_are_batches_again(db: Session, poison: Poison) -> None:
    slot = make_slot()
    place(slot, quantity=poison.quantity)
    decide_pending(slot.resource_id)

    place_and_decide(slot)

    assert db.get_one(Resource, slot.resource_id).decision_attempts == 0


class Crash(BaseException):
    """The end of the process: nobody catches it."""


def test_a_hold_that_kills_the_process_is_parked_in_the_end(db: Session, poison: Poison) -> None:
    poison.error = Crash  # type: ignore[assignment]
    slot = make_slot(capacity=10)
    bookings = queue_around(poison, slot)

    lives = decide_until_done(slot.resource_id)

    assert lives <= 10
    assert statuses(bookings) == ["confirmed", "rejected", "confirmed", "confirmed"]
    assert now(bookings[1]).reason == "internal"
    assert numbers(bookings) == [1, 2, 3, 4]
    assert [row(booking).attempts for booking in bookings] == [1, 4, 1, 1]


def decide_until_done(resource_id: UUID) -> int:
    """Decide with a new life after each crash; returns how many lives it took."""
    for life in range(1, 20):
        try:
            decide_pending(resource_id)
        except Crash:
            continue
        return life
    raise AssertionError("the poisonous hold still blocks the queue")


def lock_timeout() -> Exception:
    return OperationalError("SELECT", {}, pg.LockNotAvailable())


@pytest.mark.parametrize(
    "error",
    [
        lock_timeout,
        lambda: OperationalError("SELECT", {}, pg.OperationalError("connection refused")),
        lambda: OperationalError("UPDATE", {}, pg.DiskFull()),
        PoolTimeout,
    ],
    ids=["lock timeout", "no connection", "disk full", "pool exhausted"],
)
@pytest.mark.parametrize("begun", [0, decide.MOST_ATTEMPTS])
def test_what_is_nobody_s_fault_rejects_nobody(
    db: Session,
    poison: Poison,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], Exception],
    begun: int,
) -> None:
    """However often it happens: when it has passed, all are decided as if nothing had been."""
    monkeypatch.setattr("booking.transactions.time.sleep", lambda seconds: None)
    poison.error = error
    slot = make_slot(capacity=20)
    bookings = queue_around(poison, slot)
    slot.resource.decision_attempts = begun
    db.commit()
    for _ in range(2 * decide.MOST_ATTEMPTS):
        with pytest.raises((OperationalError, PoolTimeout)):
            decide_pending(slot.resource_id)

    poison.most = 0
    decide_pending(slot.resource_id)

    assert statuses(bookings) == ["confirmed"] * 4
    assert numbers(bookings) == [1, 2, 3, 4]


def _with_batch_of(size: int) -> Any:
    return replace(settings, decide_batch=size)
