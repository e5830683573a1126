"""A booking as it is read, its access token, and the chain of its events."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from booking.access import access_token, opens
from booking.actors import SYSTEM
from booking.changes import Change, change_booking
from booking.errors import BookingNotFound
from booking.events import record
from booking.lifecycle import cancel_booking
from booking.slots import lock_booking, read_clock
from booking.states import MOVES
from booking.transactions import transaction
from booking.views import read_booking, read_bookings, read_some
from models import Booking, BookingEvent, Status
from tests.engine.books import now, place, place_and_decide, row
from tests.factories import make_booking, make_nights, make_owner, make_slot, make_user


def test_a_booking_is_read_by_id_or_reference(db: Session) -> None:
    booking = place(make_slot())

    assert read_booking(booking_id=booking.id) == read_booking(reference=booking.reference)
    assert read_some([booking.id]) == {booking.id: read_booking(booking_id=booking.id)}


def test_an_unknown_booking_is_not_found(db: Session) -> None:
    for wanted in ({"booking_id": uuid4()}, {"reference": "AAAAAAA"}, {"reference": None}):
        with pytest.raises(BookingNotFound):
            read_booking(**wanted)
    assert read_some([uuid4()]) == {}


def test_a_decided_booking_waits_at_no_position(db: Session) -> None:
    slot = make_slot()
    first = place_and_decide(slot)
    second = place(slot)

    assert (now(first).position, now(first).expected_seconds) == (None, None)
    assert now(second).position == 0


def test_a_booking_that_ended_still_shows_its_slots(db: Session) -> None:
    nights = make_nights()
    booking = make_booking(*nights[:2], quantity=1)
    change_booking(
        booking_id=booking.id, change=Change(slot_ids=tuple(night.id for night in nights[1:]))
    )
    cancel_booking(booking_id=booking.id)

    assert [slot.id for slot in now(booking).slots] == [night.id for night in nights[1:]]


def test_lists_are_newest_first_and_can_be_narrowed(db: Session) -> None:
    user = make_user()
    slot = make_slot()
    mine, other, foreign = (
        place_and_decide(slot, user_id=user.id),
        place(slot),
        place_and_decide(make_slot(), user_id=user.id),
    )
    venue_ids = [slot.resource.venue_id]

    def ids(**given: object) -> list[object]:
        return [booking.id for booking in read_bookings(**given)]  # type: ignore[arg-type]

    assert ids(venue_ids=venue_ids) == [other.id, mine.id]
    assert ids(user_id=user.id) == [foreign.id, mine.id]
    assert ids(venue_ids=venue_ids, status=Status.CONFIRMED) == [mine.id]
    assert ids(venue_ids=venue_ids, before_seq=other.seq) == [mine.id]
    assert ids(venue_ids=venue_ids, limit=1) == [other.id]
    assert ids(venue_ids=[]) == []


# Access tokens


def test_a_token_opens_its_own_booking_only(db: Session) -> None:
    slot = make_slot()
    mine, other = place(slot), place(slot)
    token = access_token(mine)

    assert opens(token, now(mine))
    assert not opens(token, other)
    for wrong in ("", token[:-1], token + "a", token.upper(), "a.b", "\x00"):
        assert not opens(wrong, mine)


def test_a_new_access_version_makes_old_tokens_void(db: Session) -> None:
    booking = make_booking()
    token = access_token(now(booking))
    row(booking).access_version += 1
    db.commit()

    assert not opens(token, now(booking))
    assert opens(access_token(now(booking)), now(booking))


# Events


@pytest.mark.parametrize("status", list(Status))
def test_each_transition_has_its_event_at_its_own_time(db: Session, status: Status) -> None:
    booking = make_booking(status=status)

    events = row(booking).events

    assert events[0].kind == "placed"
    assert events[-1].status == booking.status
    for before, after in pairwise(events):
        assert Status(after.status) in MOVES[Status(before.status)]
        assert after.at >= before.at - timedelta(milliseconds=1)
    assert {event.venue_id for event in events} == {booking.venue_id}


def test_events_hold_no_personal_data(db: Session) -> None:
    booking = make_booking(
        email="ann@example.com", full_name="Ann Example", special_requests="for Ann"
    )
    change_booking(booking_id=booking.id, change=Change(special_requests="nuts kill Ann"))
    cancel_booking(booking_id=booking.id, by=make_owner())

    written = " ".join(
        f"{event.kind} {event.actor} {event.reason} {event.details}"
        for event in row(booking).events
    )

    assert "ann" not in written.lower()
    assert "nuts" not in written


@pytest.mark.parametrize(
    "statement", ["UPDATE booking_events SET actor = 'x'", "DELETE FROM booking_events"]
)
def test_events_can_be_appended_and_never_changed(db: Session, statement: str) -> None:
    make_booking()

    with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
        db.execute(text(statement))

    assert db.scalars(select(BookingEvent.actor)).all() == ["customer", "decider"]


@pytest.mark.parametrize("old", list(Status))
def test_no_move_is_made_that_the_table_of_moves_does_not_know(db: Session, old: Status) -> None:
    booking = make_booking(status=old)

    for new in set(Status) - MOVES[old] - {Status.PENDING, Status.REJECTED}:
        with pytest.raises(ValueError, match="cannot go"), transaction() as tx:
            _move(tx, booking, new)

    assert row(booking).status == old


def _move(tx: Session, booking: Booking, new: Status) -> None:
    locked = lock_booking(tx, booking.id)
    record(tx, locked, new, by=SYSTEM, at=read_clock(tx))
