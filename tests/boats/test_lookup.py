"""What a proof opens, and what it does not: a stranger may know an address and have a code."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.links import token_of
from models import OneTimeLink, Slot
from tests.factories import make_slot

Book = Callable[..., TestResponse]
at_once = pytest.mark.usefixtures("_decided_at_once")
JOHN = {"email": "john@example.com", "full_name": "John Doe", "phone": "+442079460958"}


def rows(client: FlaskClient, query: str) -> list[dict[str, str]]:
    """Return what a lookup finds."""
    answer = client.get(f"/api/bookings?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.get_json()["bookings"]
    return found


@at_once
@pytest.mark.parametrize("query", ["email=john@example.com", f"phone={quote(JOHN['phone'])}"])
@pytest.mark.parametrize(
    "stranger",
    [
        {"full_name": "Eve", "phone": None},
        {"full_name": "John Doe", "phone": "+442079460000"},
        {"full_name": "Eve"},
        {"email": "eve@example.com"},
    ],
)
def test_a_code_for_anothers_address_opens_only_itself(
    departure: Slot, book: Book, client: FlaskClient, query: str, stranger: dict[str, str]
) -> None:
    code = book(departure).get_json()["confirmation_code"]
    planted = book(departure, customer=JOHN | stranger).get_json()["confirmation_code"]

    seen = client.get(f"/api/bookings?{query}&confirmation_code={planted}")

    assert code not in seen.text
    assert [
        row["confirmation_code"] for row in rows(client, f"{query}&confirmation_code={code}")
    ] == [code]


@at_once
def test_a_code_without_a_sign_in_opens_no_booking_of_an_account(
    departure: Slot, book: Book, client: FlaskClient
) -> None:
    person = {"email": JOHN["email"], "password": "quite-long-and-odd-73"}
    client.post("/api/v1/auth/register", json=person)
    token = client.post("/api/v1/auth/login", json=person).get_json()["access_token"]
    book(departure, headers={"Authorization": f"Bearer {token}"})
    code = book(departure, 1).get_json()["confirmation_code"]

    found = rows(client, f"email=john@example.com&confirmation_code={code}")

    assert [row["seats_booked"] for row in found] == [1]


@at_once
def test_a_request_that_was_refused_is_no_booking(
    departure: Slot, book: Book, client: FlaskClient
) -> None:
    code = book(departure, 8).get_json()["confirmation_code"]
    assert book(departure, 8).status_code == 400

    found = rows(client, f"email=john@example.com&confirmation_code={code}")

    assert [row["status"] for row in found] == ["confirmed"]


@at_once
def test_who_did_not_wait_learns_of_a_refusal(
    departure: Slot, book: Book, client: FlaskClient
) -> None:
    book(departure, 8)
    answer = book(departure, 8, headers={"Prefer": "respond-async"})

    followed = client.get(answer.headers["Location"]).get_json()["bookings"]

    assert [row["status"] for row in followed] == ["rejected", "confirmed"]


@at_once
def test_a_link_that_was_asked_for_by_phone_is_good(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    book(departure)
    client.get(f"/api/bookings?phone={quote(JOHN['phone'])}").close()

    link = db.scalars(select(OneTimeLink)).one()
    answer = client.get(f"{link.path}?token={token_of(link.id)}")

    assert [row["seats_booked"] for row in answer.get_json()["bookings"]] == [2]


@at_once
def test_a_plus_sign_need_not_be_encoded(departure: Slot, book: Book, client: FlaskClient) -> None:
    person = JOHN | {"email": "john+boats@example.com"}
    code = book(departure, customer=person).get_json()["confirmation_code"]

    for query in (f"phone={JOHN['phone']}", f"email={person['email']}"):
        assert len(rows(client, f"{query}&confirmation_code={code}")) == 1


def test_a_parameter_that_is_not_known_may_come_twice(db: Session, client: FlaskClient) -> None:
    assert client.get("/api/boats?utm=1&utm=2").status_code == 200
    assert client.get("/api/boats?operator=a&operator=b").status_code == 400


@at_once
def test_a_lookup_asks_no_more_for_many_bookings_than_for_one(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    def statements() -> int:
        seen: list[str] = []
        event.listen(
            db.connection(), "before_cursor_execute", note := lambda *given: seen.append(given[2])
        )
        found = rows(client, f"email=john@example.com&confirmation_code={code}")
        event.remove(db.connection(), "before_cursor_execute", note)
        counts.append(len(found))
        return len(seen)

    counts: list[int] = []
    code = book(departure).get_json()["confirmation_code"]
    few = statements()
    for _ in range(3):
        other = make_slot(departure.resource, attributes={"destination": "Island Paradise"})
        assert book(other).status_code == 201

    assert statements() == few > 0
    assert counts == [1, 4]
