"""What a venue hears: each booking, change and cancellation at once, a full slot a single time."""

import pytest
from sqlalchemy.orm import Session

from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking
from models import Status, Venue
from tests.engine.books import place
from tests.factories import make_booking, make_resource, make_slot, make_venue
from tests.messages.conftest import all_messages, messages_of


def _venue(**given: object) -> Venue:
    return make_venue(contact_email="host@example.com", **given)


def test_the_venue_hears_of_a_booking_its_change_and_its_end(db: Session) -> None:
    booking = make_booking(make_slot(make_resource(_venue())), email=None)
    change_booking(booking_id=booking.id, change=Change(quantity=3))
    cancel_booking(booking_id=booking.id)

    assert [(message.kind, message.version) for message in messages_of(booking)] == [
        ("venue_new", 1),
        ("venue_changed", 2),
        ("venue_cancelled", 2),
    ]


@pytest.mark.parametrize("given", [{"contact_email": None}, {"told_of_bookings": "never"}], ids=str)
def test_a_venue_that_wants_to_hear_nothing_hears_nothing(
    db: Session, given: dict[str, object]
) -> None:
    venue = make_venue(**{"contact_email": "host@example.com"} | given)
    booking = make_booking(make_slot(make_resource(venue)))

    assert [message.kind for message in messages_of(booking)] == ["confirmed"]


def test_what_was_refused_is_not_told_to_the_venue(db: Session) -> None:
    booking = make_booking(make_slot(make_resource(_venue())), status=Status.REJECTED)

    assert [message.kind for message in messages_of(booking)] == ["rejected"]


def test_a_slot_that_fills_up_is_told_once(db: Session) -> None:
    slot = make_slot(make_resource(_venue(fullness_percent=80)), capacity=10)
    make_booking(slot, quantity=7)
    before = _filling()
    last = make_booking(slot, quantity=1)
    make_booking(slot, quantity=1)
    cancel_booking(booking_id=last.id)
    make_booking(slot, quantity=1)

    assert (before, _filling()) == (0, 1)


def test_a_batch_that_fills_a_slot_tells_of_it_once(db: Session) -> None:
    slot = make_slot(make_resource(_venue(fullness_percent=50)), capacity=10)
    for _ in range(10):
        place(slot)
    decide_pending(slot.resource_id)

    assert _filling() == 1
    assert sum(message.kind == "venue_new" for message in all_messages()) == 10


def _filling() -> int:
    return sum(message.kind == "slot_filling" for message in all_messages())
