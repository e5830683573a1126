"""The feed of events: numbers without a gap, ids and no person, and for the venue's own people."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.api_tokens import create_api_token
from booking.lifecycle import cancel_booking
from booking.sealing import seal_all
from models import Booking
from tests.api.asking import assert_problem, fields_of
from tests.api.test_listing import signed_in
from tests.factories import make_booking, make_member, make_user, make_venue


@pytest.fixture
def booking(committed_db: Session) -> Booking:
    booking = make_booking(full_name="Ada Lovelace", email="ada@example.com")
    cancel_booking(booking_id=booking.id)
    make_booking()
    seal_all()
    return booking


def events_url(booking: Booking, query: str = "") -> str:
    return f"/api/v1/venues/{booking.venue.slug}/events{query}"


def token_of(slug: str, scope: str = "bookings:read") -> dict[str, str]:
    made = create_api_token(venue=slug, name="Catching up", scopes=[scope])
    return {"Authorization": f"Bearer {made.token}"}


def test_it_is_read_on_from_a_number(booking: Booking, client: FlaskClient) -> None:
    headers = token_of(booking.venue.slug)

    first = client.get(events_url(booking, "?limit=2"), headers=headers).get_json()
    second = client.get(events_url(booking, "?after=2"), headers=headers).get_json()
    third = client.get(events_url(booking, "?after=3"), headers=headers).get_json()

    assert [event["kind"] for event in first["items"]] == ["placed", "confirmed"]
    assert [event["number"] for event in second["items"]] == [3]
    assert second["items"][0]["reference"] == booking.reference
    assert (first["next_after"], second["next_after"], third["next_after"]) == (2, 3, 3)
    assert third["items"] == []


def test_it_holds_no_person(booking: Booking, client: FlaskClient) -> None:
    answer = client.get(events_url(booking), headers=token_of(booking.venue.slug))

    assert answer.get_json()["items"]
    assert "ada" not in answer.text.lower()


def test_it_is_for_the_venue_s_own_people(booking: Booking, app: Flask) -> None:
    own = signed_in(app, make_member(booking.venue)).get(events_url(booking))
    foreign = signed_in(app, make_member(make_venue())).get(events_url(booking))
    customer = signed_in(app, make_user()).get(events_url(booking))

    assert [event["number"] for event in own.get_json()["items"]] == [1, 2, 3]
    assert_problem(foreign, 404, "venue_not_found")
    assert_problem(customer, 404, "venue_not_found")


def test_it_is_for_integrations_of_the_venue(booking: Booking, client: FlaskClient) -> None:
    url = events_url(booking)

    assert_problem(client.get(url), 401, "unauthorized")
    foreign = token_of(make_venue().slug)
    assert_problem(client.get(url, headers=foreign), 404, "venue_not_found")
    writes_only = token_of(booking.venue.slug, "bookings:write")
    assert client.get(url, headers=writes_only).status_code == 403


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=9e9", "?limit=0", "?limit=999"])
def test_what_is_no_number_is_named(booking: Booking, client: FlaskClient, query: str) -> None:
    answer = client.get(events_url(booking, query), headers=token_of(booking.venue.slug))

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {query[1:].partition("=")[0]}
