"""The chain of events: each is sealed once, in order, and whatever is tampered with shows."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from booking import sealing
from booking.lifecycle import cancel_booking
from booking.sealing import read_sealed, seal_all, seal_some
from models import Booking, BookingEvent, EventSeal
from tests.engine.books import violations
from tests.factories import make_booking, make_resource, make_slot, make_venue
from tests.races.meeting import at_once

TAMPERINGS = {
    "seal does not fit": "UPDATE booking_events SET actor = 'nobody' WHERE id = :event",
    "seals are missing": "DELETE FROM event_seals WHERE event_id = :event",
    "event was slipped in": (
        "INSERT INTO booking_events (booking_id, venue_id, kind, status, actor, at)"
        " SELECT booking_id, venue_id, 'extended', status, actor, at - interval '2 hours'"
        " FROM booking_events WHERE id = :event"
    ),
}


def test_events_are_numbered_in_order_from_one_on(db: Session) -> None:
    venue = make_venue()
    slot = make_slot(make_resource(venue))
    bookings = [make_booking(slot) for _ in range(3)]

    assert seal_all() == 6
    cancel_booking(booking_id=bookings[0].id)
    assert seal_all() == 1

    sealed = read_sealed(venue_id=venue.id, after=0, limit=100)
    assert [event.number for event in sealed] == list(range(1, 8))
    assert [event.kind for event in sealed][-1] == "cancelled"
    assert [event.number for event in read_sealed(venue_id=venue.id, after=5, limit=1)] == [6]


def test_each_venue_has_a_chain_of_its_own(db: Session) -> None:
    first, second = make_booking(), make_booking()

    seal_all()

    for booking in (first, second):
        sealed = read_sealed(venue_id=booking.venue_id, after=0, limit=9)
        assert [(event.number, event.reference) for event in sealed] == [
            (1, booking.reference),
            (2, booking.reference),
        ]


def test_one_that_commits_late_is_sealed_behind_the_others(
    committed_db: Session, patient_engine: Engine
) -> None:
    booking = make_booking()
    venue_id = booking.venue_id
    with Session(patient_engine) as slow:
        late = BookingEvent(
            booking_id=booking.id,
            venue_id=venue_id,
            kind="extended",
            status="confirmed",
            actor="system",
            at=booking.updated_at,
        )
        slow.add(late)
        slow.flush()
        cancel_booking(booking_id=booking.id)
        seal_all()
        slow.commit()
    seal_all()

    sealed = read_sealed(venue_id=venue_id, after=0, limit=9)
    assert [event.kind for event in sealed] == ["placed", "confirmed", "cancelled", "extended"]


def test_several_who_seal_at_once_seal_each_event_once(committed_db: Session) -> None:
    slot = make_slot(capacity=40)
    for _ in range(20):
        make_booking(slot)

    outcomes = at_once(*[lambda: seal_some(15)] * 6)
    seal_all()

    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert committed_db.scalar(select(func.count()).select_from(EventSeal)) == 40
    assert violations() == []


def test_without_the_lock_they_would_collide(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_booking()
    both_have_read = threading.Barrier(2)
    read = sealing._unsealed

    def read_together(tx: Session, limit: int) -> Any:
        found = read(tx, limit)
        both_have_read.wait(10)
        return found

    monkeypatch.setattr(sealing, "_is_alone", lambda tx: True)
    monkeypatch.setattr(sealing, "_unsealed", read_together)

    outcomes = at_once(seal_some, seal_some)

    assert [type(outcome).__name__ for outcome in outcomes if outcome != 2] == ["IntegrityError"]


@pytest.mark.parametrize("seen", TAMPERINGS)
def test_tampering_shows(seen: str, committed_db: Session, owner_engine: Engine) -> None:
    slot = make_slot()
    bookings: list[Booking] = [make_booking(slot) for _ in range(3)]
    seal_all()
    event = committed_db.scalar(
        select(BookingEvent.id).where(
            BookingEvent.booking_id == bookings[1].id, BookingEvent.kind == "confirmed"
        )
    )
    assert violations() == []

    with owner_engine.begin() as owner:
        owner.execute(text(TAMPERINGS[seen]), {"event": event})

    assert any(seen in violation for violation in violations())
