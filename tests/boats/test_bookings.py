"""Seats are booked with the final word, or refused in this face's words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.api_tokens import Scope, create_api_token
from booking.slots import set_open
from models import Booking, Notification, OneTimeLink, Resource, Slot, Status
from tests.factories import make_booking, make_slot

Book = Callable[..., TestResponse]
at_once = pytest.mark.usefixtures("_decided_at_once")


@at_once
def test_a_booking_is_confirmed_with_its_code(departure: Slot, book: Book) -> None:
    answer = book(departure)

    assert answer.status_code == 201
    body = answer.get_json()
    assert re.fullmatch(r"JKB-[A-HJ-NP-Z2-9]{6}", body.pop("confirmation_code"))
    assert body.pop("booking_id")
    assert body == {
        "status": "confirmed",
        "departure": {
            "boat_name": "SeaExpress 1",
            "departure_time": f"{departure.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z",
            "destination": "Island Paradise",
        },
        "seats_booked": 2,
        "total_price": 50.0,
        "customer": {"email": "john@example.com", "full_name": "John Doe"},
    }


@at_once
@pytest.mark.parametrize(
    ("scope", "status"), [(Scope.BOOKINGS_READ, 403), (Scope.BOOKINGS_WRITE, 201)]
)
def test_a_venue_s_token_books_within_its_scopes(
    db: Session, departure: Slot, book: Book, scope: Scope, status: int
) -> None:
    venue = departure.resource.venue.slug
    token = create_api_token(venue=venue, name="Channel", scopes=[scope]).token

    answer = book(departure, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == status
    assert answer.get_json().get("error") == ("out_of_scope" if status == 403 else None)
    assert len(db.scalars(select(Booking.id)).all()) == (status == 201)


@at_once
def test_too_few_seats_are_said_in_numbers(departure: Slot, book: Book) -> None:
    make_booking(departure, quantity=9)

    answer = book(departure)

    assert answer.status_code == 400
    assert answer.get_json() == {
        "error": "insufficient_capacity",
        "message": "Only 1 seat available, but 2 requested",
        "available_seats": 1,
    }


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"seats": 0}, "seats_requested"),
        ({"seats": -1}, "seats_requested"),
        ({"seats": 11}, "seats_requested"),
        ({"seats": "2"}, "seats_requested"),
        ({"seats": 2.5}, "seats_requested"),
        ({"seats": 10**30}, "seats_requested"),
        ({"customer": {"email": "no"}}, "customer.email"),
        ({"customer": {}}, "customer.email"),
        ({"customer": {"email": "a@example.com", "phone": "+1"}}, "customer.phone"),
        ({"departure_id": "x"}, "departure_id"),
    ],
)
def test_a_bad_field_is_named(departure: Slot, book: Book, given: dict, field: str) -> None:
    answer = book(departure, **given)

    assert answer.status_code == 400
    assert answer.get_json()["error"] == "validation_error"
    assert field in answer.get_json()["fields"]


def test_an_unknown_departure_is_not_found(departure: Slot, book: Book) -> None:
    answer = book(departure, departure_id=str(uuid4()))

    assert (answer.status_code, answer.get_json()["error"]) == (404, "not_found")


@at_once
def test_what_has_left_or_is_past_its_cut_off_is_gone(
    db: Session, boat: Resource, book: Book
) -> None:
    now = datetime.now(UTC)
    left = make_slot(boat, starts_at=now - timedelta(minutes=5))
    soon = make_slot(boat, starts_at=now + timedelta(minutes=20))
    boat.venue.cutoff_minutes = 30
    db.commit()

    for slot in (left, soon):
        answer = book(slot)
        assert (answer.status_code, answer.get_json()["error"]) == (410, "departed")


@at_once
def test_a_closed_departure_cannot_be_booked(departure: Slot, book: Book) -> None:
    set_open(slot_id=departure.id, is_open=False)

    assert book(departure).status_code == 410


@at_once
def test_the_same_key_gives_the_same_booking(departure: Slot, book: Book) -> None:
    key = {"Idempotency-Key": "one intention"}

    first, again = book(departure, headers=key), book(departure, headers=key)
    other = book(departure, 3, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.get_json()["error"]) == (409, "idempotency_conflict")


def test_undecided_is_withdrawn_and_said_to_be_nothing(
    db: Session, departure: Slot, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.boats.views.settings", _Impatient())

    answer = book(departure)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.get_json()["error"] == "not_decided"
    assert "Nothing was booked" in answer.get_json()["message"]
    assert db.scalars(select(Booking.status)).all() == [Status.EXPIRED]


def test_who_prefers_not_to_wait_can_follow_the_booking(
    departure: Slot, book: Book, client: FlaskClient
) -> None:
    answer = book(departure, headers={"Prefer": "respond-async"})

    assert answer.status_code == 202
    assert answer.get_json()["status"] == "pending"
    followed = client.get(answer.headers["Location"])
    (row,) = followed.get_json()["bookings"]
    assert row["confirmation_code"] == answer.get_json()["confirmation_code"]
    assert row["status"] == "pending"


@at_once
def test_unknown_fields_are_passed_over(departure: Slot, book: Book) -> None:
    assert book(departure, status="confirmed", price=0).status_code == 201


def test_errors_of_the_framework_have_this_faces_shape(db: Session, client: FlaskClient) -> None:
    for method, path, status in (
        ("DELETE", "/api/boats", 405),
        ("GET", "/api/boats/nowhere", 404),
        ("PUT", "/api/bookings", 405),
    ):
        answer = client.open(path, method=method)
        assert answer.status_code == status
        assert answer.get_json().keys() == {"error", "message"}
    malformed = client.post("/api/bookings", data="{", content_type="application/json")
    assert malformed.status_code == 400
    assert malformed.get_json()["error"] == "validation_error"


# Lookup and cancellation


@at_once
def test_a_lookup_without_proof_is_refused_alike_for_all(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    code = book(departure).get_json()["confirmation_code"]

    answers = [
        client.get("/api/bookings", query_string=query)
        for query in (
            {"email": "john@example.com"},
            {"email": "nobody@example.com"},
            {"phone": "+442079460958"},
            {"email": "nobody@example.com", "confirmation_code": code},
            {"email": "john@example.com", "confirmation_code": "JKB-AAAAAA"},
            {"email": "john@example.com", "token": "wrong"},
        )
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].get_json()["error"] == "proof_required"


@at_once
def test_an_address_with_bookings_is_written_to_once(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    book(departure)

    for email in ("john@example.com", "john@example.com", "nobody@example.com"):
        client.get("/api/bookings", query_string={"email": email}).close()

    assert db.scalars(select(OneTimeLink.email)).all() == ["john@example.com"]
    assert db.scalar(select(Notification.id).where(Notification.link_id.is_not(None)))


@at_once
def test_a_code_or_a_mailed_token_proves_the_person(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    from booking.links import token_of

    code = book(departure).get_json()["confirmation_code"]
    book(departure, 1)
    client.get("/api/bookings?email=john@example.com").close()
    token = token_of(db.scalars(select(OneTimeLink.id)).one())

    for query in (
        {"email": "John@Example.com", "confirmation_code": code},
        {"phone": "+442079460958", "confirmation_code": code},
        {"token": token},
        {"email": "john@example.com", "token": token},
    ):
        rows = client.get("/api/bookings", query_string=query).get_json()["bookings"]
        assert [row["seats_booked"] for row in rows] == [1, 2]
        assert rows[1]["confirmation_code"] == code
        assert rows[1].keys() == {
            "booking_id",
            "confirmation_code",
            "departure_time",
            "destination",
            "seats_booked",
            "status",
            "created_at",
        }


@at_once
def test_cancelling_needs_proof_and_frees_the_seats(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    code = book(departure).get_json()["confirmation_code"]
    url = f"/api/bookings/{code}/cancel"

    for proof in ({}, {"email": "nobody@example.com"}):
        refused = client.post(url, json=proof)
        assert (refused.status_code, refused.get_json()["error"]) == (401, "proof_required")
    for _ in range(2):
        answer = client.post(url, json={"email": "john@example.com"})
        assert answer.status_code == 200
        assert answer.get_json()["status"] == "cancelled"
    assert db.get_one(Slot, departure.id).remaining == 10


@at_once
def test_an_account_sees_and_cancels_its_own(
    db: Session, departure: Slot, book: Book, client: FlaskClient
) -> None:
    person = {"email": "own@example.com", "password": "quite-long-and-odd-73"}
    client.post("/api/v1/auth/register", json=person)
    token = client.post("/api/v1/auth/login", json=person).get_json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    own = book(departure, headers=bearer).get_json()["confirmation_code"]
    foreign = book(departure).get_json()["confirmation_code"]

    rows = client.get("/api/bookings", headers=bearer).get_json()["bookings"]

    assert [row["confirmation_code"] for row in rows] == [own]
    for code, status in ((own, 200), (foreign, 401)):
        url = f"/api/bookings/{code}/cancel"
        assert client.post(url, json={}, headers=bearer).status_code == status


class _Impatient:
    face_wait_seconds = 0.2
