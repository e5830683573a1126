"""Bookings that were made elsewhere are read in this face's words."""

from typing import Any

import pytest

from models import Slot, Status
from tests.factories import make_booking
from tests.restaurant.asking import Asking, detail


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.CONFIRMED, "confirmed"),
        (Status.CHECKED_IN, "confirmed"),
        (Status.COMPLETED, "completed"),
        (Status.CANCELLED, "cancelled"),
        (Status.PENDING, None),
        (Status.HELD, None),
        (Status.REJECTED, None),
        (Status.EXPIRED, None),
    ],
)
def test_a_booking_made_elsewhere_is_read_too(
    ask: Asking, lunch: Slot, status: Status, word: str | None
) -> None:
    booking = make_booking(lunch, status=status, full_name="Ada Mary Moreau", phone="+4420")

    answer = ask.read(booking.reference)

    if word is None:
        assert detail(answer, 404) == "Booking not found"
        return
    body: dict[str, Any] = answer.get_json()
    assert body["status"] == word
    assert body["visit_time"] == "12:00:00"
    assert body["customer"] == {
        "id": booking.customer_id,
        "title": None,
        "first_name": "Ada",
        "surname": "Mary Moreau",
        "email": booking.contact_email,
        "mobile": "+4420",
        "phone": None,
    }
