"""One more than there is room for: the raise and the booking are one step."""

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from booking import beyond
from booking.beyond import book_beyond
from booking.errors import CannotTake, ReasonMissing
from booking.holds import Contact, HoldRequest, place_hold
from models import Act, AuditEvent, Booking, CountedIn, Status
from tests.factories import make_booking, make_owner, make_resource, make_slot, session

GUEST = Contact(full_name="A guest at the desk")


def _wanted(*slots: Any, quantity: int = 1, **given: Any) -> HoldRequest:
    return HoldRequest(
        slot_ids=tuple(slot.id for slot in slots),
        quantity=quantity,
        customer=GUEST,
        channel="walk_in",
        is_bound=False,
        **given,
    )


def test_what_is_missing_is_added_and_taken_at_once(db):
    slot = make_slot(capacity=3)
    make_booking(slot, quantity=2)
    by = make_owner(slot.resource.venue)

    booking = book_beyond(_wanted(slot, quantity=3, by=by), by=by, reason="A chair from the bar")

    assert booking.status is Status.CONFIRMED
    assert (slot.capacity, slot.remaining) == (5, 0)
    act = db.scalars(select(AuditEvent)).one()
    assert (act.act, act.actor, act.reason) == (
        Act.CAPACITY_CHANGED,
        str(by),
        "A chair from the bar",
    )
    assert act.details == {"capacity": {"from": 3, "to": 5}}


def test_where_there_is_room_nothing_is_raised(db):
    slot = make_slot(capacity=3)
    by = make_owner()

    booking = book_beyond(_wanted(slot, quantity=2, by=by), by=by, reason="To be sure")

    assert booking.status is Status.CONFIRMED
    assert (slot.capacity, slot.remaining) == (3, 1)
    assert db.scalars(select(AuditEvent)).all() == []


def test_places_of_an_overdue_hold_are_used_before_any_are_made(db):
    slot = make_slot(capacity=2)
    held = make_booking(slot, status=Status.HELD, quantity=2)
    held.expires_at = func.clock_timestamp()
    db.commit()
    by = make_owner()

    book_beyond(_wanted(slot, quantity=2, by=by), by=by, reason="They came late")

    assert (slot.capacity, slot.remaining) == (2, 0)
    assert held.status == Status.EXPIRED


def test_a_party_needs_one_place_however_large(db):
    slot = make_slot(make_resource(counted_in=CountedIn.PARTIES), capacity=0)
    by = make_owner()

    book_beyond(_wanted(slot, quantity=8, by=by), by=by, reason="The table outside")

    assert (slot.capacity, slot.remaining) == (1, 0)


def test_without_a_reason_nothing_is_done(db):
    slot = make_slot(capacity=0)

    with pytest.raises(ReasonMissing):
        book_beyond(_wanted(slot), by=make_owner(), reason="  ")

    assert slot.capacity == 0


def test_when_it_cannot_be_booked_the_capacity_stays(db):
    slot = make_slot(capacity=0, is_open=False)

    with pytest.raises(CannotTake, match="closed"):
        book_beyond(_wanted(slot), by=make_owner(), reason="For a friend")

    assert slot.capacity == 0
    assert db.scalars(select(Booking)).all() == []


def test_who_came_before_is_decided_before(db):
    slot = make_slot(capacity=1)
    first = place_hold(_wanted(slot, quantity=1)).booking
    second = place_hold(_wanted(slot, quantity=1)).booking
    by = make_owner()

    booking = book_beyond(_wanted(slot, quantity=1, by=by), by=by, reason="A folding seat")

    numbers = [db.get_one(Booking, each.id) for each in (first, second, booking)]
    assert [each.status for each in numbers] == ["confirmed", "rejected", "confirmed"]
    assert sorted(each.decision_no for each in numbers) == [each.decision_no for each in numbers]


def _meet(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let somebody arrive between the raise and the booking; return what becomes of the booking."""
    slot = make_slot(capacity=0)
    session().commit()
    by = make_owner(slot.resource.venue)
    session().commit()
    real, threads = beyond.place_hold_in, []

    def late(tx: Any, wanted: HoldRequest) -> Any:
        rival = threading.Thread(target=lambda: place_hold(_wanted(slot)))
        rival.start()
        threads.append(rival)
        # With the lock it waits for our commit; without it, it is through in an instant.
        rival.join(0.5)
        return real(tx, wanted)

    monkeypatch.setattr(beyond, "place_hold_in", late)
    try:
        return book_beyond(_wanted(slot, by=by), by=by, reason="One more").status
    except CannotTake as refusal:
        return refusal.reason
    finally:
        for thread in threads:
            thread.join(5)


def test_nobody_comes_in_between(committed_db, monkeypatch):
    assert _meet(monkeypatch) == "confirmed"


def test_without_the_lock_somebody_does(committed_db, monkeypatch):
    monkeypatch.setattr(beyond, "arrival_lock", lambda resource_id: 0)

    assert _meet(monkeypatch) == "full"
