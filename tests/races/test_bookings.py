"""Two who want to do something with the same booking: one of two outcomes, never both."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import decide, expiry, holds, lifecycle
from booking.actors import Actor
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.errors import DeadlinePassed, NotConfirmable, SlotHasBookings, SlotNotFound
from booking.expiry import expire_held, expire_undecided
from booking.holds import place_hold_in
from booking.lifecycle import cancel_booking, confirm_hold, withdraw_hold
from booking.slots import delete_slot
from booking.transactions import transaction
from booking.views import BookingView
from models import Booking, Slot, Status
from tests.engine.books import left, now, place, place_and_decide, row, violations, wanting
from tests.factories import make_resource, make_slot, set_overdue
from tests.races.conftest import Drop
from tests.races.meeting import Racer, Stop, at_once, overtake, wait_until, waiting_for_locks

STAFF = Actor("staff", "somebody")

Meeting = Callable[[pytest.MonkeyPatch], tuple[Slot, BookingView]]


def cancel_then_decide(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    slot = make_slot(capacity=2)
    booking = place(slot)
    overtake(
        monkeypatch,
        lambda: cancel_booking(booking_id=booking.id, by=STAFF),
        lambda: decide_pending(slot.resource_id),
        at=(lifecycle, "read_clock"),
    )
    return slot, booking


def decide_then_cancel(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    slot = make_slot(capacity=2)
    booking = place(slot)
    overtake(
        monkeypatch,
        lambda: decide_pending(slot.resource_id),
        lambda: cancel_booking(booking_id=booking.id, by=STAFF),
        at=(decide, "expire_what_can_in"),
    )
    return slot, booking


def withdraw_then_decide(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    slot = make_slot(capacity=2)
    booking = place(slot)
    overtake(
        monkeypatch,
        lambda: withdraw_hold(booking_id=booking.id),
        lambda: decide_pending(slot.resource_id),
        at=(lifecycle, "read_clock"),
    )
    return slot, booking


def decide_then_withdraw(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    slot = make_slot(capacity=2)
    booking = place(slot)
    overtake(
        monkeypatch,
        lambda: decide_pending(slot.resource_id),
        lambda: withdraw_hold(booking_id=booking.id),
        at=(decide, "expire_what_can_in"),
    )
    return slot, booking


def confirm_then_expire(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    """The confirmation is in time, the sweep comes after the deadline."""
    slot = make_slot(capacity=2)
    booking = place_and_decide(slot, hold_minutes=5)
    set_overdue(booking.id, seconds=-0.3)
    overtake(
        monkeypatch,
        lambda: confirm_hold(booking_id=booking.id),
        lambda: expire_held(slot.resource_id),
        at=(lifecycle, "record"),
        between=lambda: wait_until(lambda: is_past(booking), "the deadline passes"),
    )
    return slot, booking


def cancel_twice(monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, BookingView]:
    slot = make_slot(capacity=2)
    booking = place_and_decide(slot)
    cancel = lambda: cancel_booking(booking_id=booking.id, by=STAFF)  # noqa: E731
    overtake(monkeypatch, cancel, cancel, at=(lifecycle, "read_clock"))
    return slot, booking


def is_past(booking: BookingView) -> bool:
    return now(booking).status is Status.EXPIRED


MEETINGS: list[tuple[Meeting, str, int]] = [
    (cancel_then_decide, "cancelled", 2),
    (decide_then_cancel, "cancelled", 2),
    (withdraw_then_decide, "expired", 2),
    (decide_then_withdraw, "confirmed", 1),
    (confirm_then_expire, "confirmed", 1),
    (cancel_twice, "cancelled", 2),
]


@pytest.mark.parametrize(("meet", "status", "remaining"), MEETINGS)
def test_the_one_that_came_first_counts(
    committed_db: Session,
    monkeypatch: pytest.MonkeyPatch,
    meet: Meeting,
    status: str,
    remaining: int,
) -> None:
    slot, booking = meet(monkeypatch)

    assert row(booking).status == status
    assert left(slot) == remaining
    assert violations() == []


@pytest.mark.parametrize("meet", [meet for meet, _, _ in MEETINGS])
def test_without_locks_both_would_be_half_done(
    drop: Drop,
    committed_db: Session,
    monkeypatch: pytest.MonkeyPatch,
    locks_out: Callable[[], None],
    meet: Meeting,
) -> None:
    drop("bookings", "ck_bookings_expired_has_its_time")  # it would be the last guard
    locks_out()

    meet(monkeypatch)

    assert violations() != []


def test_after_the_deadline_the_sweep_wins_over_a_confirmation(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = make_slot(capacity=2)
    booking = place_and_decide(slot, hold_minutes=5)
    set_overdue(booking.id)

    _, refused = overtake(
        monkeypatch,
        lambda: expire_held(slot.resource_id),
        lambda: confirm_hold(booking_id=booking.id),
        at=(expiry, "take"),
    )

    assert isinstance(refused, DeadlinePassed)
    assert left(slot) == 2
    assert violations() == []


@pytest.mark.parametrize("verb", ["cancel", "withdraw", "expire"])
def test_a_crowd_of_holds_is_decided_or_ended_and_nothing_else(
    committed_db: Session, verb: str
) -> None:
    slot = make_slot(capacity=40)
    bookings = [place(slot) for _ in range(16)]
    if verb == "expire":
        for booking in bookings:
            set_overdue(booking.id, seconds=-0.05)

    def end_all() -> None:
        for booking in bookings[::2]:
            match verb:
                case "cancel":
                    cancel_booking(booking_id=booking.id, by=STAFF)
                case "withdraw":
                    withdraw_hold(booking_id=booking.id)
                case "expire":
                    expire_undecided(slot.resource_id)

    results = at_once(end_all, end_all, *[lambda: decide_pending(slot.resource_id)] * 3)
    expire_undecided(slot.resource_id)

    assert not [each for each in results if isinstance(each, BaseException)]
    confirmed = sum(row(each).status == "confirmed" for each in bookings)
    assert left(slot) == 40 - confirmed
    assert not [each for each in bookings if row(each).status == "pending"]
    assert violations() == []


def test_confirming_and_cancelling_at_once(committed_db: Session) -> None:
    slot = make_slot(capacity=40)
    for _ in range(6):
        booking = place_and_decide(slot, hold_minutes=5)

        confirmed, cancelled = at_once(
            lambda booking=booking: confirm_hold(booking_id=booking.id),
            lambda booking=booking: cancel_booking(booking_id=booking.id, by=STAFF),
        )

        assert cancelled is True
        assert confirmed is None or isinstance(confirmed, NotConfirmable)
        assert row(booking).status == "cancelled"
    assert left(slot) == 40
    assert violations() == []


def test_a_hold_that_moves_while_the_sweep_waits_is_not_torn_apart(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has read where the hold is; it moves in time, and then its deadline passes."""
    resource = make_resource()
    old, new = make_slot(resource, capacity=2), make_slot(resource, capacity=2)
    booking = place_and_decide(old, hold_minutes=5)
    set_overdue(booking.id, seconds=-0.5)
    sweep = Racer(lambda: expire_held(resource.id))
    stop = Stop(monkeypatch, sweep, expiry, "lock_slots")
    sweep.start()
    assert stop.reached.wait(10)
    change_booking(booking_id=booking.id, change=Change(slot_ids=(new.id,)), by=STAFF)
    wait_until(lambda: is_past(booking), "the deadline passes")

    stop.let_go()

    assert isinstance(sweep.finish(), int)
    assert violations() == []
    expire_held(resource.id)
    assert (left(old), left(new)) == (2, 2)
    assert row(booking).status == "expired"
    assert violations() == []


def test_a_slot_deleted_while_a_hold_is_placed_is_not_found(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:

    slot = make_slot()
    placing = Racer(lambda: place(slot))
    slot_id = slot.id
    committed_db.rollback()
    stop = Stop(monkeypatch, placing, holds, "new_reference")
    placing.start()
    assert stop.reached.wait(10)
    delete_slot(slot_id=slot_id)
    stop.let_go()

    assert isinstance(placing.finish(), SlotNotFound)
    assert committed_db.scalar(select(func.count()).select_from(Booking)) == 0


def test_a_hold_placed_while_its_slot_is_deleted_keeps_the_slot(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:

    slot = make_slot()
    slot_id, request = slot.id, wanting(slot)
    written, may_commit = threading.Event(), threading.Event()

    def place_slowly() -> None:
        with transaction() as tx:
            place_hold_in(tx, request)
            written.set()
            assert may_commit.wait(10)

    placing = Racer(place_slowly).start()
    assert written.wait(10)
    deleting = Racer(lambda: delete_slot(slot_id=slot_id)).start()

    wait_until(lambda: waiting_for_locks() > 0, "who deletes waits")
    may_commit.set()

    assert placing.finish() is None
    assert isinstance(deleting.finish(), SlotHasBookings)
