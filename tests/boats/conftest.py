"""An operator with one boat, and a worker that decides as soon as the bell rings."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking import holds
from booking.decide import decide_pending
from models import Kind, Resource, Slot, Venue
from tests.factories import make_resource, make_slot, make_venue


@pytest.fixture
def operator(db: Session) -> Venue:
    """An operator whose codes begin with JKB."""
    return make_venue(kind=Kind.BOATS, code_prefix="JKB", currency="USD", time_zone="Asia/Bangkok")


@pytest.fixture
def boat(operator: Venue) -> Resource:
    """A boat with air conditioning and fifty seats."""
    attributes = {"has_ac": True, "capacity": 50}
    return make_resource(operator, name="SeaExpress 1", max_quantity=50, attributes=attributes)


@pytest.fixture
def departure(boat: Resource) -> Slot:
    """A departure to Island Paradise with ten seats."""
    return make_slot(boat, attributes={"destination": "Island Paradise"}, price="25.00")


@pytest.fixture
def _decided_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "ring", decide_pending)


@pytest.fixture
def book(client: FlaskClient) -> Callable[..., TestResponse]:
    """Book seats on a departure."""

    def post(departure: Slot, seats: Any = 2, **given: Any) -> TestResponse:
        headers = given.pop("headers", {})
        body = {
            "departure_id": str(departure.id),
            "seats_requested": seats,
            "customer": {
                "email": "john@example.com",
                "full_name": "John Doe",
                "phone": "+442079460958",
            },
        } | given
        return client.post("/api/bookings", json=body, headers=headers)

    return post
