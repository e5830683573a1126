"""Who may call, and in which order what is wrong is said."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.api_tokens import Scope, create_api_token
from models import Kind, Slot, Venue
from settings import settings
from tests.factories import make_booking, make_venue
from tests.restaurant.asking import (
    API,
    NAME,
    TOKEN,
    Asking,
    booking_form,
    cancel_form,
    detail,
    search_form,
    wrong,
)
from webapp.restaurant import access

HEADER = ("missing", "header/authorization")
CALLS: list[tuple[str, str]] = [
    ("POST", "/AvailabilitySearch"),
    ("POST", "/BookingWithStripeToken"),
    ("GET", "/Booking/ABCDEFG"),
    ("PATCH", "/Booking/ABCDEFG"),
    ("POST", "/Booking/ABCDEFG/Cancel"),
]
OWNERS: list[tuple[str, str]] = [("GET", "/Bookings"), ("POST", "/Booking/ABCDEFG/Update")]
FORMS: dict[str, dict[str, Any]] = {
    "/AvailabilitySearch": search_form("2030-01-01"),
    "/BookingWithStripeToken": booking_form("2030-01-01"),
    "/Booking/ABCDEFG/Cancel": cancel_form("ABCDEFG"),
    "/Booking/ABCDEFG/Update": booking_form("2030-01-01"),
}


@pytest.mark.parametrize(("method", "path"), CALLS + OWNERS)
@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (f"bearer {TOKEN}", "Invalid authorization header format"),
        (f"Token {TOKEN}", "Invalid authorization header format"),
        (f"Bearer{TOKEN}", "Invalid authorization header format"),
        (TOKEN, "Invalid authorization header format"),
        ("Basic dTpw", "Invalid authorization header format"),
        (f"Bearer  {TOKEN}", "Invalid or expired token"),
        ("Bearer wrong", "Invalid or expired token"),
        ("Bearer hf_wrong", "Invalid or expired token"),
        ("Bearer schlüssel", "Invalid or expired token"),
        (f"Bearer {TOKEN}x", "Invalid or expired token"),
    ],
)
def test_a_wrong_token_is_said_before_all_else(
    ask: Asking, db: Session, method: str, path: str, header: str, sentence: str
) -> None:
    """Neither the fields nor the restaurant are good here, and nothing is said of them."""
    answer = ask(method, path, {"PartySize": "many"}, token=header, name="Nowhere")

    assert detail(answer, 401) == sentence
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(("method", "path"), CALLS + OWNERS)
def test_a_missing_token_is_a_missing_field_before_those_of_the_body(
    ask: Asking, db: Session, method: str, path: str
) -> None:
    answer = ask(method, path, {"VisitTime": "7pm"}, token=None, name="Nowhere")

    first, *rest = wrong(answer)
    assert first == HEADER
    assert bool(rest) == (method != "GET")
    assert answer.get_json()["detail"][0]["msg"] == "Field required"


@pytest.mark.parametrize(("method", "path"), [*CALLS, *OWNERS, ("GET", "/CancellationReasons")])
@pytest.mark.parametrize("name", ["Nowhere", "thehungryunicorn", "%00", "x" * 80, "a boat's"])
def test_an_unknown_restaurant_is_said_after_the_fields(
    ask: Asking, restaurant: Venue, method: str, path: str, name: str
) -> None:
    assert detail(ask(method, path, FORMS.get(path), name=name), 404) == "Restaurant not found"


def test_a_venue_of_another_kind_is_no_restaurant(ask: Asking, db: Session) -> None:
    boats = make_venue(kind=Kind.BOATS)

    answer = ask("POST", "/AvailabilitySearch", search_form("2030-01-01"), name=boats.slug)

    assert detail(answer, 404) == "Restaurant not found"


@pytest.mark.parametrize(("method", "path"), CALLS[1:])
def test_bad_fields_are_said_before_an_unknown_restaurant(
    ask: Asking, db: Session, method: str, path: str
) -> None:
    form = {"PartySize": "many"}
    answer = ask(method, path, form, name="Nowhere")

    assert answer.status_code == (404 if method == "GET" else 422)


def test_a_public_restaurant_needs_no_token_of_customers(
    ask: Asking, db: Session, restaurant: Venue, lunch: Slot, day: date
) -> None:
    restaurant.public_consumer_calls = True
    db.commit()
    booking = make_booking(lunch)

    assert ask.search(day, token=None).status_code == 200
    assert ask("GET", f"/Booking/{booking.reference}", token=None).status_code == 200
    assert detail(ask.search(day, token="Bearer wrong"), 401) == "Invalid or expired token"
    assert wrong(ask("GET", "/Bookings", token=None)) == [HEADER]
    assert wrong(ask("POST", f"/Booking/{booking.reference}/Update", {}, token=None))[0] == HEADER


def test_no_token_is_accepted_unless_it_is_configured(
    ask: Asking, lunch: Slot, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "settings", replace(settings, consumer_tokens=()))

    assert settings.consumer_tokens == settings.sample_tokens == ()
    assert detail(ask.search(day), 401) == "Invalid or expired token"


def test_the_samples_token_opens_the_samples_alone(
    ask: Asking, db: Session, restaurant: Venue, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(settings, consumer_tokens=(), sample_tokens=(TOKEN,))
    monkeypatch.setattr(access, "settings", own)

    before = ask.search(day).status_code
    unknown = ask.search(day, name="Nowhere").status_code
    restaurant.attributes = {access.SAMPLE_MARK: True}
    db.commit()

    assert (before, unknown, ask.search(day).status_code) == (401, 404, 200)


@pytest.mark.parametrize(
    ("scopes", "listed", "updated"),
    [
        ([Scope.BOOKINGS_READ], 200, 401),
        ([Scope.BOOKINGS_WRITE], 401, 404),
        ([Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE], 200, 404),
    ],
)
def test_a_restaurant_s_own_token_opens_the_owner_s_calls(
    ask: Asking, restaurant: Venue, day: date, scopes: list[Scope], listed: int, updated: int
) -> None:
    other = make_venue()
    token = create_api_token(venue=restaurant.slug, name="till", scopes=scopes).token
    header = f"Bearer {token}"

    assert ask("GET", "/Bookings", token=header).status_code == listed
    update = ask("POST", "/Booking/ABCDEFG/Update", booking_form(day), token=header)
    assert update.status_code == updated
    assert ask("GET", "/Bookings", token=header, name=other.slug).status_code == 401
    assert ask.search(day, token=header).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/AvailabilitySearch", "/BookingWithStripeToken")),
        *((method, "/Booking/ABCDEFG") for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS")),
        ("GET", "/Booking/ABCDEFG/Cancel"),
        ("POST", "/Bookings"),
        ("DELETE", "/CancellationReasons"),
        ("OPTIONS", "/AvailabilitySearch"),
    ],
)
def test_another_method_is_405(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(f"{API}/{NAME}{path}", method=method)

    assert answer.status_code == 405
    if method != "HEAD":
        assert answer.get_json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    "path", ["/", "/Nothing", "/Booking", "/Booking/ABCDEFG/Nothing", "/Nothing/", ""]
)
def test_an_unknown_path_is_404(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{API}/{NAME}{path}")

    assert (answer.status_code, answer.get_json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("path", ["/AvailabilitySearch/", "/Booking/ABCDEFG//", "/Bookings/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_trailing_slash_leads_to_the_path_without_it(
    client: FlaskClient, method: str, path: str
) -> None:
    answer = client.open(f"{API}/{NAME}{path}?a=1&b=%C3%A9", method=method)

    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{API}/{NAME}{path.rstrip('/')}?a=1&b=%C3%A9"


def test_the_root_tells_whoever_asks_that_the_server_is_up(
    client: FlaskClient, db: Session
) -> None:
    answer = client.get("/", headers={"Accept": "*/*"})

    assert answer.status_code == 200
    assert isinstance(answer.get_json(), dict)
