"""Confirm, extend, cancel, withdraw, and the steps at the door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER, Actor
from booking.decide import decide_pending
from booking.errors import (
    BookingError,
    BookingNotFound,
    DeadlinePassed,
    HoldTooLong,
    NotAtTheDoor,
    NotCancellable,
    NotConfirmable,
    NotExtendable,
    ReasonNotFound,
)
from booking.lifecycle import (
    cancel_booking,
    cancel_booking_in,
    check_in,
    complete,
    confirm_hold,
    extend_hold,
    mark_no_show,
    withdraw_hold,
)
from booking.slots import set_open
from booking.transactions import transaction
from models import Booking, Slot, Status
from tests.engine.books import (
    events_of,
    lines_of,
    notices_of,
    now,
    place,
    place_and_decide,
    row,
    run_out,
    set_policy,
    set_slot,
    sweep_held,
)
from tests.factories import (
    make_booking,
    make_nights,
    make_owner,
    make_reason,
    make_resource,
    make_slot,
    make_venue,
)

STAFF = Actor("staff", "somebody")
ENDED = (Status.REJECTED, Status.EXPIRED, Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW)


def confirm(booking_id: UUID) -> None:
    confirm_hold(booking_id=booking_id)


def extend(booking_id: UUID) -> None:
    extend_hold(booking_id=booking_id, minutes=10)


def cancel(booking_id: UUID) -> None:
    cancel_booking(booking_id=booking_id, by=STAFF)


def come(booking_id: UUID) -> None:
    check_in(booking_id=booking_id, by=STAFF)


def leave(booking_id: UUID) -> None:
    complete(booking_id=booking_id, by=STAFF)


def miss(booking_id: UUID) -> None:
    mark_no_show(booking_id=booking_id, by=STAFF)


def miss_and_release(booking_id: UUID) -> None:
    mark_no_show(booking_id=booking_id, by=STAFF, release_later=True)


VERBS: list[tuple[Callable[[UUID], None], type[BookingError], tuple[Status, ...]]] = [
    (confirm, NotConfirmable, (Status.HELD, Status.CONFIRMED)),
    (extend, NotExtendable, (Status.HELD,)),
    (cancel, NotCancellable, (Status.PENDING, Status.HELD, Status.CONFIRMED, Status.CANCELLED)),
    (come, NotAtTheDoor, (Status.CONFIRMED, Status.CHECKED_IN)),
    (leave, NotAtTheDoor, (Status.CHECKED_IN, Status.COMPLETED)),
    (miss, NotAtTheDoor, (Status.CONFIRMED, Status.NO_SHOW)),
    (miss_and_release, NotAtTheDoor, (Status.CONFIRMED, Status.NO_SHOW)),
]


@pytest.mark.parametrize(("verb", "error", "allowed"), VERBS)
@pytest.mark.parametrize("status", list(Status))
def test_each_verb_in_each_status(
    db: Session,
    verb: Callable[[UUID], None],
    error: type[BookingError],
    allowed: tuple[Status, ...],
    status: Status,
) -> None:
    started = make_slot(starts_at=datetime.now(UTC) - timedelta(minutes=5), capacity=5)
    booking = make_booking(started, status=status)
    before = (booking.status, started.remaining, events_of(booking))

    if status in allowed:
        verb(booking.id)
    elif (verb, status) in [(confirm, Status.EXPIRED), (extend, Status.EXPIRED)]:
        with pytest.raises(DeadlinePassed):
            verb(booking.id)
    else:
        with pytest.raises(error):
            verb(booking.id)

    if status not in allowed:
        assert (row(booking).status, started.remaining, events_of(booking)) == before


@pytest.mark.parametrize("verb", [verb for verb, _, _ in VERBS])
def test_an_unknown_booking_is_not_found(db: Session, verb: Callable[[UUID], None]) -> None:
    with pytest.raises(BookingNotFound):
        verb(uuid4())


# Two steps


def test_confirm_keeps_the_places_and_drops_the_deadline(db: Session) -> None:
    slot = make_slot(capacity=3)
    booking = place_and_decide(slot, quantity=2, hold_minutes=5)

    confirm(booking.id)

    assert (now(booking).status, now(booking).expires_at) == (Status.CONFIRMED, None)
    assert slot.remaining == 1
    assert events_of(booking) == ["placed", "held", "confirmed"]
    assert sweep_held(slot.resource_id) == 0


def test_a_second_confirm_changes_nothing(db: Session) -> None:
    booking = make_booking(status=Status.HELD)
    confirm(booking.id)
    before = now(booking)

    confirm(booking.id)

    assert now(booking) == before
    assert events_of(booking) == ["placed", "held", "confirmed"]


@pytest.mark.parametrize("verb", [confirm, extend])
@pytest.mark.parametrize("is_swept", [False, True])
def test_the_deadline_is_true_without_a_sweep(
    db: Session, verb: Callable[[UUID], None], is_swept: bool
) -> None:
    booking = make_booking(status=Status.HELD)
    run_out(booking)
    if is_swept:
        sweep_held(booking.resource_id)

    with pytest.raises(DeadlinePassed):
        verb(booking.id)

    assert now(booking).status is Status.EXPIRED


def test_an_overdue_hold_is_not_cancelled_any_more(db: Session) -> None:
    booking = make_booking(status=Status.HELD)
    run_out(booking)

    with pytest.raises(NotCancellable):
        cancel(booking.id)


def test_a_closed_slot_can_still_be_confirmed_by_who_has_its_places(db: Session) -> None:
    slot = make_slot()
    booking = place_and_decide(slot, hold_minutes=5)
    set_open(slot_id=slot.id, is_open=False)

    confirm(booking.id)

    assert now(booking).status is Status.CONFIRMED


def test_extend_gives_time_from_now(db: Session) -> None:
    booking = make_booking(status=Status.HELD, hold_minutes=5)

    extend_hold(booking_id=booking.id, minutes=30)

    kept = row(booking)
    assert kept.expires_at is not None
    assert abs(kept.expires_at - datetime.now(UTC) - timedelta(minutes=30)) < timedelta(seconds=5)
    assert events_of(booking) == ["placed", "held", "extended"]


def test_extend_never_shortens(db: Session) -> None:
    booking = make_booking(status=Status.HELD, hold_minutes=50)
    deadline = booking.expires_at

    extend_hold(booking_id=booking.id, minutes=1)

    assert row(booking).expires_at == deadline


def test_extend_is_bounded_from_the_decision_on_for_customers_only(db: Session) -> None:
    slot = make_slot(make_resource(make_venue(max_hold_minutes=20)))
    booking = place_and_decide(slot, hold_minutes=15)

    with pytest.raises(HoldTooLong):
        extend_hold(booking_id=booking.id, minutes=21)
    extend_hold(booking_id=booking.id, minutes=21, by=STAFF)
    with pytest.raises(HoldTooLong):
        extend_hold(booking_id=booking.id, minutes=21)

    assert events_of(booking) == ["placed", "held", "extended"]


# Cancelling


@pytest.mark.parametrize("status", [Status.HELD, Status.CONFIRMED])
def test_cancel_gives_the_places_of_every_slot_back(db: Session, status: Status) -> None:
    nights = make_nights(capacity=5)
    booking = make_booking(*nights, status=status)

    cancel(booking.id)

    assert [night.remaining for night in nights] == [5, 5, 5]
    assert all(line.released_at for line in lines_of(booking))
    assert row(booking).cancelled_at is not None


def test_second_cancel_changes_nothing(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = make_booking(slot)
    make_booking(slot)
    cancel(booking.id)
    before = now(booking)

    cancel(booking.id)

    assert now(booking) == before
    assert slot.remaining == 3
    assert events_of(booking) == ["placed", "confirmed", "cancelled"]
    assert notices_of(booking) == [("confirmed", 1), ("cancelled", 1)]


def test_a_cancelled_pending_hold_takes_and_gives_nothing(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = place(slot, quantity=2)
    cancel_booking(booking_id=booking.id)

    decide_pending(slot.resource_id)

    assert slot.remaining == 5
    assert events_of(booking) == ["placed", "cancelled"]


def test_customers_keep_the_cutoff_and_staff_do_not(db: Session) -> None:
    slot = make_slot(starts_at=datetime.now(UTC) + timedelta(minutes=60))
    set_policy(slot.resource, cancel_cutoff_minutes=90)
    booking = make_booking(slot)

    with pytest.raises(NotCancellable):
        cancel_booking(booking_id=booking.id, by=CUSTOMER)
    cancel(booking.id)

    assert now(booking).status is Status.CANCELLED


def test_a_pending_hold_can_be_cancelled_at_any_time(db: Session) -> None:
    slot = make_slot(starts_at=datetime.now(UTC) + timedelta(minutes=60))
    set_policy(slot.resource, cancel_cutoff_minutes=90)
    booking = place(slot)

    cancel_booking(booking_id=booking.id)

    assert now(booking).status is Status.CANCELLED


def test_nobody_but_staff_cancels_what_has_started(db: Session) -> None:
    slot = make_slot()
    booking = make_booking(slot)
    set_slot(slot, starts_at=datetime.now(UTC) - timedelta(minutes=1), sold_until=datetime.now(UTC))

    with pytest.raises(NotCancellable):
        cancel_booking(booking_id=booking.id)


def test_a_reason_is_kept_and_belongs_to_the_venue_or_to_all(db: Session) -> None:
    slot = make_slot()
    own, common = make_reason(slot.resource.venue), make_reason()
    foreign = make_reason(make_venue())
    first, second = make_booking(slot), make_booking(slot)

    for reason_id in (foreign.id, 10**6):
        with pytest.raises(ReasonNotFound):
            cancel_booking(booking_id=first.id, reason_id=reason_id)
    cancel_booking(booking_id=first.id, reason_id=own.id)
    cancel_booking(booking_id=second.id, reason_id=common.id)

    assert row(first).cancellation_reason_id == own.id
    assert row(second).events[-1].details == {"reason_id": common.id}


def test_an_open_transaction_takes_the_cancelling_with_it(db: Session) -> None:
    slot = make_slot(capacity=3)
    booking = make_booking(slot, quantity=2)

    with pytest.raises(ZeroDivisionError), transaction() as tx:
        _cancel_and_fail(tx, booking)

    assert now(booking).status is Status.CONFIRMED
    assert slot.remaining == 1


def _cancel_and_fail(tx: Session, booking: Booking) -> None:
    cancel_booking_in(tx, booking_id=booking.id, by=STAFF)
    raise ZeroDivisionError


# Withdrawing


def test_a_withdrawn_hold_is_never_booked_and_nobody_is_written_to(db: Session) -> None:
    slot = make_slot(capacity=3)
    booking = place(slot)

    assert withdraw_hold(booking_id=booking.id) is Status.EXPIRED
    decide_pending(slot.resource_id)

    assert (now(booking).status, now(booking).reason) == (Status.EXPIRED, "withdrawn")
    assert slot.remaining == 3
    assert notices_of(booking) == []
    assert events_of(booking) == ["placed", "expired"]


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.REJECTED, Status.HELD])
def test_a_decision_that_came_first_is_the_answer(db: Session, status: Status) -> None:
    booking = make_booking(status=status)
    before = now(booking)

    assert withdraw_hold(booking_id=booking.id) is status
    assert now(booking) == before


def test_a_second_withdrawal_changes_nothing(db: Session) -> None:
    booking = place(make_slot())
    withdraw_hold(booking_id=booking.id)

    assert withdraw_hold(booking_id=booking.id) is Status.EXPIRED
    assert events_of(booking) == ["placed", "expired"]


# At the door


def test_a_visit_from_door_to_door(db: Session) -> None:
    booking = make_booking()
    for verb in (come, come, leave, leave):
        verb(booking.id)

    assert events_of(booking) == ["placed", "confirmed", "checked_in", "completed"]
    kept = row(booking)
    assert kept.checked_in_at is not None
    assert kept.completed_at is not None


def test_a_completed_visit_still_counts_its_places(db: Session) -> None:
    slot = make_slot(capacity=5)
    make_booking(slot, status=Status.COMPLETED, quantity=2)

    assert slot.remaining == 3


def test_nobody_is_missed_before_the_slot_has_started(db: Session) -> None:
    booking = make_booking()

    with pytest.raises(NotAtTheDoor):
        miss(booking.id)


def started_nights() -> list[Slot]:
    return make_nights(first=(datetime.now(UTC) - timedelta(days=1)).date(), capacity=4)


def test_a_no_show_keeps_its_places(db: Session) -> None:
    nights = started_nights()
    booking = make_booking(*nights, quantity=1)

    miss(booking.id)

    assert [night.remaining for night in nights] == [3, 3, 3]


def test_a_no_show_may_release_the_nights_after_the_first_once(db: Session) -> None:
    nights = started_nights()
    booking = make_booking(*nights, quantity=1)

    miss_and_release(booking.id)
    miss_and_release(booking.id)

    assert [night.remaining for night in nights] == [3, 4, 4]
    assert [line.released_at is None for line in lines_of(booking)] == [True, False, False]
    assert events_of(booking) == ["placed", "confirmed", "no_show"]
    assert place_and_decide(nights[1], nights[2], quantity=4).status is Status.CONFIRMED


def test_who_did_it_is_in_the_events(db: Session) -> None:
    owner = make_owner()
    booking = make_booking(status=Status.HELD)
    confirm_hold(booking_id=booking.id)
    cancel_booking(booking_id=booking.id, by=owner)

    actors = [event.actor for event in row(booking).events]

    assert actors == ["customer", "decider", "customer", str(owner)]


@pytest.mark.parametrize("status", ENDED)
def test_what_has_ended_stays_ended(db: Session, status: Status) -> None:
    booking = make_booking(status=status)

    decide_pending(booking.resource_id)
    sweep_held(booking.resource_id)

    assert row(booking).status == status
