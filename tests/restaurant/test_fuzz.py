"""Whatever a form holds, the answer is one that the contract knows, and never a 5xx."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import Slot
from tests.factories import make_booking
from tests.restaurant.asking import Asking
from webapp.restaurant.schemas import BOOKING, CANCEL, CHANGE, LISTING, SEARCH, UPDATE, Field

AWKWARD = st.sampled_from(
    [
        *("", " ", "0", "-1", "1e9", "9" * 30, "2147483647", "-2147483647", "2147483648", "NaN"),
        *("0001-01-01", "9999-12-31", "2030-02-30", "253402300799", "-62135596800", "00:00"),
        *("23:59:59.999999", "12:00+23:59", "true", "\0", "\ud7ff", "🦄" * 400, "%00", "'; --"),
    ]
)
VALUES = st.one_of(AWKWARD, st.text(max_size=50))
FEW = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def forms(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, str]]:
    """Any of these fields, and one that is none, with any values."""
    names = st.sampled_from([*(field.name for field in fields), "Unknown"])
    return st.dictionaries(names, VALUES, max_size=12)


@pytest.mark.usefixtures("decided_at_once")
@FEW
@given(st.data())
def test_no_form_makes_a_mistake_of_ours(
    ask: Asking, lunch: Slot, day: date, data: st.DataObject
) -> None:
    booking = make_booking(lunch) if lunch.remaining else None
    reference = booking.reference if booking else "ABCDEFG"
    good = {"VisitDate": str(day), "VisitTime": "12:00", "PartySize": "2", "ChannelCode": "X"}
    calls = [
        ("POST", "/AvailabilitySearch", good | data.draw(forms(SEARCH))),
        ("POST", "/BookingWithStripeToken", good | data.draw(forms(BOOKING))),
        ("PATCH", f"/Booking/{reference}", data.draw(forms(CHANGE))),
        ("POST", f"/Booking/{reference}/Update", good | data.draw(forms(UPDATE))),
        (
            "POST",
            f"/Booking/{reference}/Cancel",
            {"micrositeName": "x", "bookingReference": reference, "cancellationReasonId": "1"}
            | data.draw(forms(CANCEL)),
        ),
    ]

    for method, path, form in calls:
        answer = ask(method, path, form)
        assert answer.status_code in (200, 400, 404, 422), (path, form, answer.text)
        assert isinstance(answer.get_json(), dict)

    query = data.draw(forms(LISTING))
    assert ask("GET", "/Bookings", query_string=query).status_code in (200, 422), query
