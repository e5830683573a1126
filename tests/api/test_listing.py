"""The list of bookings, for who is signed in."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.house_sessions import begin_house_session_in
from booking.transactions import transaction
from models import Status, User
from tests.api.asking import assert_problem, url_of
from tests.factories import make_booking, make_member, make_resource, make_slot, make_user


def test_a_stranger_is_asked_to_sign_in(db: Session, client: FlaskClient) -> None:
    answer = client.get("/api/v1/bookings")

    assert_problem(answer, 401, "unauthorized")
    assert "WWW-Authenticate" in answer.headers


def test_an_owner_sees_the_bookings_of_their_venues_only(committed_db: Session, app: Flask) -> None:
    booking, foreign = make_booking(), make_booking()
    pending = make_booking(make_slot(booking.resource), status=Status.PENDING)
    client = signed_in(app, make_member(booking.venue))

    everything = client.get("/api/v1/bookings").get_json()["items"]
    confirmed = client.get("/api/v1/bookings?status=confirmed").get_json()["items"]
    elsewhere = client.get(f"/api/v1/bookings?venue={foreign.venue.slug}").get_json()["items"]

    assert [found["id"] for found in everything] == [str(pending.id), str(booking.id)]
    assert [found["id"] for found in confirmed] == [str(booking.id)]
    assert elsewhere == []


def test_the_list_is_read_page_by_page(committed_db: Session, app: Flask) -> None:
    resource = make_resource()
    bookings = [make_booking(make_slot(resource)) for _ in range(3)]
    client = signed_in(app, make_member(resource.venue))

    first = client.get("/api/v1/bookings?limit=2").get_json()
    second = client.get(f"/api/v1/bookings?limit=2&cursor={first['next_cursor']}").get_json()

    found = [row["id"] for row in first["items"] + second["items"]]
    assert found == [str(booking.id) for booking in reversed(bookings)]
    assert second["next_cursor"] is None


def test_a_customer_sees_their_own(committed_db: Session, app: Flask) -> None:
    user = make_user()
    own = make_booking(user_id=user.id)
    make_booking()

    found = signed_in(app, user).get("/api/v1/bookings").get_json()["items"]

    assert [row["id"] for row in found] == [str(own.id)]


def test_staff_read_a_booking_of_their_venue_without_its_token(
    committed_db: Session, app: Flask
) -> None:
    booking, foreign = make_booking(), make_booking()
    client = signed_in(app, make_member(booking.venue))

    assert client.get(url_of(booking)).get_json()["id"] == str(booking.id)
    assert_problem(client.get(url_of(foreign)), 404, "booking_not_found")
    assert_problem(client.post(url_of(booking, "cancel")), 404, "booking_not_found")


def signed_in(app: Flask, user: User) -> FlaskClient:
    """Return a client with the session of somebody who has signed in."""
    with transaction() as tx:
        house_session = begin_house_session_in(tx, user_id=user.id, browser="A test")
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = user.fs_uniquifier
        session["_fresh"] = True
        session["house_session"] = str(house_session)
    return client
