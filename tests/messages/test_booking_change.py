"""Changing a booking behind its mailed link: what is offered, what is taken, what is refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.access import access_token
from booking.views import read_booking
from models import Booking, CountedIn, EventKind, Resource, Slot, Status
from tests.engine.books import events_of
from tests.factories import make_booking, make_nights, make_resource, make_slot

CHOICE = re.compile(r'name="slots" value="([^"]+)"')
CHECKED = re.compile(r'name="slots" value="([^"]+)" required checked')


@pytest.fixture
def slot(resource: Resource) -> Slot:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return make_slot(resource, capacity=4, starts_at=noon + timedelta(days=10))


@pytest.fixture
def later(resource: Resource, slot: Slot) -> Slot:
    """Another slot of the same day."""
    return make_slot(resource, capacity=4, starts_at=slot.starts_at + timedelta(hours=3))


def look(client: FlaskClient, booking: Booking, **given: object) -> TestResponse:
    """Look at what the booking could be changed to."""
    query = {"token": access_token(booking)} | given
    return client.get(f"/bookings/{booking.reference}/change", query_string=query)


def change(client: FlaskClient, booking: Booking, *slots: Slot, **given: object) -> TestResponse:
    """Send the form that moves the booking to these slots."""
    form = {"token": access_token(booking), "slots": ",".join(str(slot.id) for slot in slots)}
    return client.post(f"/bookings/{booking.reference}/change", data=form | given)


def day_of(slot: Slot) -> str:
    return slot.starts_at.date().isoformat()


def test_looking_shows_the_slots_of_the_day_and_changes_nothing(
    client: FlaskClient, slot: Slot, later: Slot
) -> None:
    booking = make_booking(slot, language="de")
    before = len(events_of(booking))

    page = look(client, booking, on=day_of(later), quantity=3)

    assert page.status_code == 200
    assert str(later.id) in CHOICE.findall(page.text)
    assert "Buchung ändern" in page.text
    assert len(events_of(booking)) == before
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_it_is_moved_with_another_number(
    client: FlaskClient, db: Session, slot: Slot, later: Slot
) -> None:
    booking = make_booking(slot, quantity=2)

    answer = change(client, booking, later, quantity=3)

    assert answer.status_code == 303
    moved = read_booking(booking_id=booking.id)
    assert ([each.id for each in moved.slots], moved.quantity) == ([later.id], 3)
    assert events_of(booking)[-1] == EventKind.CHANGED
    assert client.get(answer.location).status_code == 200


def test_its_own_places_count_as_free_for_it(client: FlaskClient, resource: Resource) -> None:
    seats = make_resource(resource.venue, counted_in=CountedIn.SEATS)
    full = make_slot(seats, capacity=4)
    booking = make_booking(full, quantity=2)
    make_booking(full, quantity=2)

    as_it_is = look(client, booking)
    one_more = look(client, booking, quantity=3)

    assert CHECKED.findall(as_it_is.text) == [str(full.id)]
    assert CHOICE.findall(one_more.text) == []


def test_what_is_near_is_offered_where_the_day_has_nothing(
    client: FlaskClient, slot: Slot, later: Slot
) -> None:
    booking = make_booking(slot)
    two_days_before = (slot.starts_at - timedelta(days=2)).date().isoformat()

    page = look(client, booking, on=two_days_before)

    assert "Nothing is free then. This is near:" in page.text
    assert CHOICE.findall(page.text) == [str(slot.id), str(later.id)]


def test_a_stay_is_moved_night_by_night(client: FlaskClient, db: Session) -> None:
    nights = make_nights(nights=5, capacity=1)
    booking = make_booking(*nights[:2], quantity=1, guests=2)
    on, until = day_of(nights[1]), day_of(nights[4])

    page = look(client, booking, on=on, until=until, quantity=1, guests=1)
    (offered,) = CHOICE.findall(page.text)
    answer = change(client, booking, slots=offered, quantity=1, guests=1)

    assert offered == ",".join(str(night.id) for night in nights[1:4])
    assert answer.status_code == 303
    assert [each.id for each in read_booking(booking_id=booking.id).slots] == [
        night.id for night in nights[1:4]
    ]
    assert read_booking(booking_id=booking.id).guests == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"on": "tomorrow"}, "on"),
        ({"on": "2026-02-30"}, "on"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"quantity": "11"}, "quantity"),
        ({"quantity": "9" * 40}, "quantity"),
    ],
    ids=str,
)
def test_what_is_wrong_stands_beside_its_field(
    client: FlaskClient, slot: Slot, given: dict[str, str], field: str
) -> None:
    booking = make_booking(slot)

    for answer in (look(client, booking, **given), change(client, booking, slot, **given)):
        assert answer.status_code == 422
        assert re.findall(r'aria-describedby="(\w+)-error"', answer.text) == [field]
    assert booking.quantity == 2


def test_a_departure_before_the_arrival_is_named(client: FlaskClient, db: Session) -> None:
    nights = make_nights(nights=2)
    booking = make_booking(*nights, quantity=1)

    page = look(client, booking, on=day_of(nights[1]), until=day_of(nights[0]))

    assert page.status_code == 422
    assert 'id="until-error"' in page.text


def test_what_has_gone_meanwhile_is_said_and_nothing_is_changed(
    client: FlaskClient, slot: Slot, later: Slot
) -> None:
    booking = make_booking(slot)
    for _ in range(4):
        make_booking(later)

    answer = change(client, booking, later)

    assert answer.status_code == 422
    assert "There were not enough places left." in answer.text
    assert [each.id for each in read_booking(booking_id=booking.id).slots] == [slot.id]


@pytest.mark.parametrize("slots", ["", "x", "1,2", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_slot_is_refused(client: FlaskClient, slot: Slot, slots: str) -> None:
    booking = make_booking(slot)

    answer = change(client, booking, slots=slots)

    assert answer.status_code == 422
    assert 'id="slots-error"' in answer.text


def test_what_cannot_be_changed_any_more_says_so_and_shows_no_form(
    client: FlaskClient, slot: Slot
) -> None:
    booking = make_booking(slot, status=Status.CANCELLED)

    page = look(client, booking)

    assert page.status_code == 422
    assert "can no longer be changed" in page.text
    assert 'name="slots"' not in page.text


def test_a_change_needs_the_token_in_its_form(client: FlaskClient, slot: Slot, later: Slot) -> None:
    booking, other = make_booking(slot), make_booking(slot)
    url = f"/bookings/{booking.reference}/change"
    form = {"slots": str(later.id), "quantity": "2"}

    answers = [
        client.post(url, data=form),
        client.post(url, data=form | {"token": access_token(other)}),
        client.post(f"{url}?token={access_token(booking)}", data=form),
        client.get(url),
        client.get(url, query_string={"token": access_token(other)}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert [each.id for each in read_booking(booking_id=booking.id).slots] == [slot.id]


def test_days_written_after_the_choice_are_shown_before_anything_is_changed(
    client: FlaskClient, slot: Slot, later: Slot
) -> None:
    booking = make_booking(slot)
    shown = f"{day_of(slot)} {(slot.starts_at + timedelta(days=1)).date()}"
    tomorrow = (slot.starts_at + timedelta(days=1)).date()

    answer = change(client, booking, slot, shown=shown, on=tomorrow.isoformat(), quantity=3)
    same = change(client, booking, slot, shown=shown, on=day_of(slot), quantity=3)

    assert answer.status_code == 422
    assert "Choose one of these." in answer.text
    assert same.status_code == 303
    assert read_booking(booking_id=booking.id).quantity == 3
