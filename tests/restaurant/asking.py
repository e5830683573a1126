"""Short ways to call the restaurant API as its clients do."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

TOKEN = "a-token-of-this-installation"
API = "/api/ConsumerApi/v1/Restaurant"
NAME = "TheHungryUnicorn"


class Asking:
    """A client with a token; `token=None` sends no header."""

    def __init__(self, client: FlaskClient, name: str = NAME) -> None:
        self.client = client
        self.name = name

    def __call__(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | None = None,
        *,
        token: str | None = f"Bearer {TOKEN}",
        name: str | None = None,
        **given: Any,
    ) -> TestResponse:
        """Send a form to an address below the restaurant's."""
        headers = given.pop("headers", {}) | ({"Authorization": token} if token else {})
        url = f"{API}/{name or self.name}{path}"
        return self.client.open(url, method=method, data=form, headers=headers, **given)

    def search(self, day: Any, party: Any = 2, **given: Any) -> TestResponse:
        """Ask for the slots of a day."""
        return self("POST", "/AvailabilitySearch", search_form(day, party), **given)

    def book(self, day: Any, at: str = "12:00:00", party: Any = 2, **form: Any) -> TestResponse:
        """Book a table."""
        return self("POST", "/BookingWithStripeToken", booking_form(day, at, party) | form)

    def read(self, reference: str) -> TestResponse:
        """Read a booking."""
        return self("GET", f"/Booking/{reference}")

    def change(self, reference: str, **form: Any) -> TestResponse:
        """Change a booking."""
        return self("PATCH", f"/Booking/{reference}", form)

    def cancel(self, reference: str, reason: Any = 1, **form: Any) -> TestResponse:
        """Cancel a booking."""
        return self("POST", f"/Booking/{reference}/Cancel", cancel_form(reference, reason) | form)


def search_form(day: Any, party: Any = 2) -> dict[str, Any]:
    """Return the form of a search."""
    return {"VisitDate": str(day), "PartySize": str(party), "ChannelCode": "ONLINE"}


def booking_form(day: Any, at: str = "12:00:00", party: Any = 2) -> dict[str, Any]:
    """Return the smallest form of a booking."""
    return search_form(day, party) | {"VisitTime": at}


def cancel_form(reference: str, reason: Any = 1) -> dict[str, Any]:
    """Return the form of a cancellation."""
    return {
        "micrositeName": NAME,
        "bookingReference": reference,
        "cancellationReasonId": str(reason),
    }


def detail(answer: TestResponse, status: int) -> Any:
    """Check that an answer is an error in this face's shape, and return what it says."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    assert set(body) == {"detail"}
    return body["detail"]


def wrong(answer: TestResponse) -> list[tuple[str, str]]:
    """Return the kind and the field of all that a 422 names, in its order."""
    entries = detail(answer, 422)
    assert all({"type", "loc", "msg", "input"} <= set(entry) for entry in entries)
    assert all(isinstance(entry["msg"], str) for entry in entries)
    return [(entry["type"], "/".join(entry["loc"])) for entry in entries]
