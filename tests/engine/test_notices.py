"""Who is owed which message: once, in the transaction that it tells of, and never a repetition."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking, check_in, complete, confirm_hold, withdraw_hold
from booking.notices import queue_many
from booking.transactions import transaction
from models import Notice, Notification, Status
from tests.engine.books import notices_of, place, place_and_decide, run_out, sweep_held
from tests.factories import make_booking, make_owner, make_slot


@pytest.mark.parametrize(
    ("status", "owed"),
    [
        (Status.PENDING, []),
        (Status.CONFIRMED, ["confirmed"]),
        (Status.HELD, ["held"]),
        (Status.REJECTED, ["rejected"]),
        (Status.EXPIRED, ["held", "expired"]),
        (Status.CANCELLED, ["confirmed", "cancelled"]),
        (Status.CHECKED_IN, ["confirmed"]),
        (Status.COMPLETED, ["confirmed"]),
        (Status.NO_SHOW, ["confirmed"]),
    ],
)
def test_the_messages_on_the_way_to_each_status(
    db: Session, status: Status, owed: list[str]
) -> None:
    assert [kind for kind, _ in notices_of(make_booking(status=status))] == owed


@pytest.mark.parametrize("is_waited_for", [True, False])
@pytest.mark.parametrize("fits", [True, False])
def test_a_refusal_is_not_repeated_to_who_hears_it_at_once(
    db: Session, is_waited_for: bool, fits: bool
) -> None:
    slot = make_slot(capacity=1 if fits else 0)
    booking = place_and_decide(slot, decide_within=5.0 if is_waited_for else None)

    owed = ["confirmed"] if fits else [] if is_waited_for else ["rejected"]

    assert [kind for kind, _ in notices_of(booking)] == owed


def test_nobody_without_an_address_is_owed_a_message(db: Session) -> None:
    slot = make_slot(capacity=1)
    booking, refused = place_and_decide(slot, email=None), place_and_decide(slot, email=None)
    cancel_booking(booking_id=booking.id, by=make_owner(slot.resource.venue))

    assert notices_of(booking) == notices_of(refused) == []


def test_a_two_step_booking_to_its_end(db: Session) -> None:
    booking = place_and_decide(make_slot(), hold_minutes=5)
    confirm_hold(booking_id=booking.id)
    confirm_hold(booking_id=booking.id)
    change_booking(booking_id=booking.id, change=Change(special_requests="quiet"))
    cancel_booking(booking_id=booking.id)
    cancel_booking(booking_id=booking.id)

    assert notices_of(booking) == [
        ("held", 1),
        ("confirmed", 1),
        ("changed", 2),
        ("cancelled", 2),
    ]


def test_what_was_never_promised_is_not_taken_back_in_writing(db: Session) -> None:
    slot = make_slot()
    pending, held = place(slot), place_and_decide(make_slot(), hold_minutes=5)
    cancel_booking(booking_id=pending.id)
    cancel_booking(booking_id=held.id)

    assert notices_of(pending) == []
    assert notices_of(held) == [("held", 1)]


def test_a_withdrawn_hold_is_not_written_about(db: Session) -> None:
    slot = make_slot()
    booking = place(slot, decide_within=5.0)
    withdraw_hold(booking_id=booking.id)
    decide_pending(slot.resource_id)

    assert notices_of(booking) == []


def test_the_steps_at_the_door_are_nobody_s_mail(db: Session) -> None:
    booking = make_booking()
    check_in(booking_id=booking.id, by=make_owner())
    complete(booking_id=booking.id, by=make_owner())

    assert notices_of(booking) == [("confirmed", 1)]


def test_the_same_message_is_owed_once(db: Session) -> None:
    booking = make_booking()
    for _ in range(2):
        with transaction() as tx:
            queue_many(tx, [(booking.id, Notice.CONFIRMED), (booking.id, Notice.CONFIRMED)])

    assert notices_of(booking) == [("confirmed", 1)]


def test_a_message_belongs_to_the_booking_s_venue_and_waits_to_be_sent(db: Session) -> None:
    booking = make_booking()

    message = db.scalars(select(Notification).where(Notification.booking_id == booking.id)).one()

    assert (message.venue_id, message.state, message.attempts) == (booking.venue_id, "queued", 0)


def test_a_batch_owes_all_of_its_messages(db: Session) -> None:
    slot = make_slot(capacity=2)
    bookings = [place(slot, hold_minutes=5 if at else None) for at in range(3)]
    decide_pending(slot.resource_id)
    run_out(bookings[1])
    sweep_held(slot.resource_id)

    assert [notices_of(booking) for booking in bookings] == [
        [("confirmed", 1)],
        [("held", 1), ("expired", 1)],
        [("rejected", 1)],
    ]
