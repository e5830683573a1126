"""Calendar feeds behind secret links: secret, harmless, and up to date."""

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session

from booking.access import access_token
from booking.feeds import booking_feed_token, renew_resource_feed, resource_feed_token
from booking.lifecycle import cancel_booking
from models import Booking, Resource, Slot, Status
from tests.factories import make_booking, make_slot


@pytest.fixture
def slot(resource: Resource) -> Slot:
    return make_slot(resource, capacity=20)


def entries(client: FlaskClient, url: str) -> dict[str, str]:
    """Return the statuses of a feed's entries by their UID."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/calendar"
    calendar = Calendar.from_ical(answer.data)
    return {str(entry["UID"]): str(entry["STATUS"]) for entry in calendar.walk("VEVENT")}


def uid(booking: Booking) -> str:
    return f"{booking.id}@holdfast"


def test_a_resource_s_feed_has_its_bookings_and_says_which_are_cancelled(
    client: FlaskClient, resource: Resource, slot: Slot
) -> None:
    kept, gone, held, refused = (
        make_booking(slot, status=status)
        for status in (Status.CONFIRMED, Status.CANCELLED, Status.HELD, Status.REJECTED)
    )
    other = make_booking()

    found = entries(client, f"/calendar/resources/{resource_feed_token(resource)}.ics")

    assert found == {
        uid(kept): "CONFIRMED",
        uid(gone): "CANCELLED",
        uid(held): "TENTATIVE",
    }
    assert uid(other) not in found
    assert uid(refused) not in found


def test_a_booking_s_feed_follows_it(client: FlaskClient, slot: Slot) -> None:
    booking = make_booking(slot)
    url = f"/calendar/bookings/{booking_feed_token(booking)}.ics"
    before = entries(client, url)

    cancel_booking(booking_id=booking.id)

    assert before == {uid(booking): "CONFIRMED"}
    assert entries(client, url) == {uid(booking): "CANCELLED"}


def test_a_renewed_link_ends_the_old_one(
    client: FlaskClient, db: Session, resource: Resource
) -> None:
    url = f"/calendar/resources/{resource_feed_token(resource)}.ics"
    renew_resource_feed(resource_id=resource.id)
    db.expire_all()

    assert client.get(url).status_code == 404
    assert entries(client, f"/calendar/resources/{resource_feed_token(resource)}.ics") == {}


def test_no_token_opens_what_is_another_s(
    client: FlaskClient, slot: Slot, resource: Resource
) -> None:
    booking = make_booking(slot)
    tokens = (
        access_token(booking),
        booking_feed_token(booking),
        resource_feed_token(resource),
        "x",
        "W10.x",
    )

    for token in tokens:
        if token != booking_feed_token(booking):
            assert client.get(f"/calendar/bookings/{token}.ics").status_code == 404
        if token != resource_feed_token(resource):
            assert client.get(f"/calendar/resources/{token}.ics").status_code == 404
        if token != access_token(booking):
            page = client.get(f"/bookings/{booking.reference}", query_string={"token": token})
            assert page.status_code == 404


def test_an_unchanged_feed_is_not_sent_again(client: FlaskClient, slot: Slot) -> None:
    url = f"/calendar/bookings/{booking_feed_token(make_booking(slot))}.ics"

    first = client.get(url)
    second = client.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.data) == (304, b"")
    assert "private" in first.headers["Cache-Control"]
    assert first.headers["Referrer-Policy"] == "no-referrer"
