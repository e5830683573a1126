"""The page that a mail's link leads to: it opens one booking, and looking changes nothing."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.access import access_token
from models import Resource, Slot, Status
from tests.factories import make_booking, make_slot


@pytest.fixture
def slot(resource: Resource) -> Slot:
    return make_slot(resource, capacity=20)


def test_the_page_shows_the_booking_in_its_language_and_looking_changes_nothing(
    client: FlaskClient, slot: Slot
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
    client: FlaskClient, db: Session, slot: Slot, status: Status, step: str, after: str
) -> None:
    booking = make_booking(slot, status=status)

    answer = client.post(
        f"/bookings/{booking.reference}/{step}", data={"token": access_token(booking)}
    )

    db.expire_all()
    assert answer.status_code == 303
    assert booking.status == after
    assert client.get(answer.location).status_code == 200


def test_a_step_that_is_refused_says_so(client: FlaskClient, slot: Slot) -> None:
    booking = make_booking(slot, status=Status.CANCELLED)

    answer = client.post(
        f"/bookings/{booking.reference}/confirm", data={"token": access_token(booking)}
    )

    assert answer.status_code == 409
    assert "can no longer be confirmed" in answer.text


def test_a_step_needs_the_token_of_this_booking(
    client: FlaskClient, db: Session, slot: Slot
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
