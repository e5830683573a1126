"""Short ways to make accounts and to call with their tokens."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

AUTH = "/api/v1/auth"
ADA = {
    "email": "ada@example.com",
    "password": "nine lives of a cat",
    "full_name": "Ada Moreau",
}
LOGIN = {name: ADA[name] for name in ("email", "password")}
# From no network that is exempt from limits; each test takes one of its own.
STRANGER = "203.0.113."


def post(client: FlaskClient, call: str, body: Any = None, **given: Any) -> TestResponse:
    """Post to one of the calls about accounts, and let what follows the answer happen."""
    body = {} if body is None else body
    return client.post(f"{AUTH}/{call}", json=body, buffered=True, **given)


def registered(client: FlaskClient, **given: str) -> dict[str, Any]:
    """Register and sign in; return the tokens."""
    post(client, "register", ADA | given)
    return signed_in(client, **{n: v for n, v in given.items() if n != "full_name"})


def signed_in(client: FlaskClient, **given: str) -> dict[str, Any]:
    """Sign in; return the tokens."""
    answer = post(client, "login", LOGIN | given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def bearing(token: str) -> dict[str, str]:
    """Return the header with a token."""
    return {"Authorization": f"Bearer {token}"}


def status_of_me(client: FlaskClient, token: str) -> int:
    """Return how the question who one is gets answered."""
    return client.get(f"{AUTH}/me", headers=bearing(token)).status_code


def from_address(address: str) -> dict[str, dict[str, str]]:
    """Return what makes a test client call from an address."""
    return {"environ_overrides": {"REMOTE_ADDR": address}}
