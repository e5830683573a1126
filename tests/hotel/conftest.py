"""A hotel with its manager, a guest, and a worker that decides as soon as the bell rings."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking import holds
from booking.account_tokens import Audience, make_token
from booking.accounts import read_account
from booking.decide import decide_pending
from models import Kind, User, Venue
from tests.factories import make_member, make_user, make_venue
from webapp.hotel.login import GOOD_FOR

ROOT = "/api/room-platform/v1"
SEA_VIEW = {
    "name": "Sea View",
    "price_per_night": 120.5,
    "location": "Haifa",
    "total_inventory": 2,
}

Call = Callable[..., TestResponse]


@pytest.fixture
def hotel(db: Session) -> Venue:
    """A hotel east of Greenwich."""
    return make_venue(kind=Kind.HOTEL, currency="ILS", time_zone="Asia/Jerusalem")


@pytest.fixture
def manager(hotel: Venue) -> User:
    """Somebody who lets rooms."""
    return make_member(hotel)


@pytest.fixture
def guest(db: Session) -> User:
    """Somebody with an account."""
    return make_user(full_name="Ada Guest")


@pytest.fixture
def _decided_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "ring", decide_pending)


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """Call this API: `call("POST", "/rooms", as_=manager, json={...})`."""

    def send(method: str, path: str, *, as_: User | None = None, **given: Any) -> TestResponse:
        headers = given.pop("headers", {}) | (bearer(as_) if as_ else {})
        return client.open(f"{ROOT}{path}", method=method, headers=headers, **given)

    return send


@pytest.fixture
def room(call: Call, manager: User) -> dict[str, Any]:
    """A room type with two units."""
    found: dict[str, Any] = call("POST", "/rooms", as_=manager, json=SEA_VIEW).get_json()
    return found


def bearer(user: User) -> dict[str, str]:
    """Return the header of somebody who has signed in here."""
    account = read_account(user.id)
    assert account is not None
    token = make_token(account, Audience.ROOM_PLATFORM, GOOD_FOR)
    return {"Authorization": f"Bearer {token}"}


def assert_refused(answer: TestResponse, status: int, *said: str) -> str:
    """Check that an answer is a refusal in the one shape, and return its message."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    assert set(body) == {"status", "message"}
    assert body["status"] == "error"
    for word in said:
        assert word in body["message"]
    return str(body["message"])
