"""Calendar feeds and the page that a mail's link leads to: secret, harmless, and up to date."""

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session

from booking.access import access_token
from booking.feeds import booking_feed_token, renew_resource_feed, resource_feed_token
from booking.lifecycle import cancel_booking
from models import Booking, Resource, Status
from tests.factories import make_booking, make_slot


@pytest.fixture
def slot(resource: Resource) -> object:
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
    client: FlaskClient, resource: Resource, slot: object
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


def test_a_booking_s_feed_follows_it(client: FlaskClient, slot: object) -> None:
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
    client: FlaskClient, slot: object, resource: Resource
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


def test_an_unchanged_feed_is_not_sent_again(client: FlaskClient, slot: object) -> None:
    url = f"/calendar/bookings/{booking_feed_token(make_booking(slot))}.ics"

    first = client.get(url)
    second = client.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.data) == (304, b"")
    assert "private" in first.headers["Cache-Control"]
    assert first.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_shows_the_booking_in_its_language_and_looking_changes_nothing(
    client: FlaskClient, slot: object
) -> None:
    booking = make_booking(slot, language="de", full_name="<b>Ada</b>", status=Status.HELD)
    query = {"token": access_token(booking)}

    page = client.get(f"/bookings/{booking.reference}", query_string=query)

    assert "Ihre Plätze sind vorgemerkt" in page.text
    assert "&lt;b&gt;Ada" in page.text
    assert booking.status == "held"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("status", "step", "after"),
    [(Status.HELD, "confirm", "confirmed"), (Status.CONFIRMED, "cancel", "cancelled")],
)
def test_a_button_takes_the_step(
    client: FlaskClient, db: Session, slot: object, status: Status, step: str, after: str
) -> None:
    booking = make_booking(slot, status=status)

    answer = client.post(
        f"/bookings/{booking.reference}/{step}", data={"token": access_token(booking)}
    )

    db.expire_all()
    assert answer.status_code == 303
    assert booking.status == after
    assert client.get(answer.location).status_code == 200


def test_a_step_that_is_refused_says_so(client: FlaskClient, slot: object) -> None:
    booking = make_booking(slot, status=Status.CANCELLED)

    answer = client.post(
        f"/bookings/{booking.reference}/confirm", data={"token": access_token(booking)}
    )

    assert answer.status_code == 409
    assert "Only a booking that is held" in answer.text


def test_a_step_needs_the_token_of_this_booking(
    client: FlaskClient, db: Session, slot: object
) -> None:
    booking, other = make_booking(slot), make_booking(slot)
    token = access_token(other)

    answers = [
        client.post(f"/bookings/{booking.reference}/cancel", data={"token": token}),
        client.post(f"/bookings/{booking.reference}/cancel"),
        client.post(f"/bookings/{other.reference}/destroy", data={"token": token}),
        client.get(f"/bookings/{booking.reference}/cancel", query_string={"token": token}),
    ]

    db.expire_all()
    assert [answer.status_code for answer in answers] == [404, 404, 404, 405]
    assert booking.status == "confirmed"


@pytest.mark.parametrize(
    ("accepted", "kept"),
    [("de-AT,en;q=0.5", "de-AT"), ("pt,fr;q=0.3", "fr"), ("pt", None), ("*", None), (None, None)],
)
def test_the_language_of_the_request_is_kept_with_the_booking(
    client: FlaskClient, db: Session, slot: object, accepted: str | None, kept: str | None
) -> None:
    answer = client.post(
        "/api/v1/bookings",
        json={
            "slot_ids": [str(slot.id)],  # type: ignore[attr-defined]
            "quantity": 2,
            "customer": {"email": "ada@example.com", "full_name": "Ada", "phone": "+442079460958"},
        },
        headers={"Accept-Language": accepted} if accepted else {},
    )

    assert answer.status_code == 202, answer.text
    assert db.get_one(Booking, answer.get_json()["id"]).language == kept
