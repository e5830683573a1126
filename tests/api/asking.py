"""Short ways to ask the API for the usual things."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking.access import access_token
from booking.views import read_booking
from models import Booking, Slot

BOOKINGS = "/api/v1/bookings"


def body_for(*slots: Slot, **given: Any) -> dict[str, Any]:
    """Return a body that books two places of the slots."""
    return {
        "slot_ids": [str(slot.id) for slot in slots],
        "quantity": 2,
        "customer": {"email": "ada@example.com", "full_name": "Ada", "phone": "+44 20 7946 0958"},
    } | given


def post_booking(client: FlaskClient, *slots: Slot, **headers: str) -> TestResponse:
    """Ask for two places of the slots; header names are written with underscores."""
    return client.post(BOOKINGS, json=body_for(*slots), headers=_headers(headers))


def bearer(booking: Booking) -> dict[str, str]:
    """Return the header that opens a booking."""
    return {"Authorization": f"Bearer {access_token(read_booking(booking_id=booking.id))}"}


def url_of(booking: Booking, *more: str) -> str:
    """Return the address of a booking or of something below it."""
    return "/".join([BOOKINGS, booking.reference, *more])


def assert_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is an error in the one shape, and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:holdfast:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


def fields_of(answer: TestResponse) -> set[str]:
    """Return the fields that an answer names as wrong."""
    return {error["field"] for error in answer.get_json()["errors"]}


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}
