"""The native API for accounts and for a venue's integrations."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.account_tokens import Audience, make_token
from booking.accounts import read_account
from booking.api_tokens import create_api_token, revoke_api_token
from booking.decide import decide_pending
from booking.errors import ScopesUnknown, TokenNotFound, VenueNotFound
from models import ApiToken, Booking, BookingEvent, User
from settings import settings
from tests.accounts.asking import bearing, registered
from tests.api.asking import BOOKINGS, assert_problem, body_for, url_of
from tests.factories import make_booking, make_member, make_slot, make_user, make_venue

READ, WRITE = "bookings:read", "bookings:write"


def test_a_booking_with_a_token_belongs_to_the_account(db: Session, client: FlaskClient) -> None:
    tokens = registered(client)
    slot = make_slot()
    headers = bearing(tokens["access_token"])

    placed = client.post(BOOKINGS, json=body_for(slot), headers=headers)
    decide_pending(slot.resource_id)
    make_booking()

    assert placed.status_code == 202
    booking = db.scalars(select(Booking).where(Booking.id == placed.get_json()["id"])).one()
    assert str(booking.user_id) == tokens["account"]["id"]
    actor = db.scalar(select(BookingEvent.actor).where(BookingEvent.booking_id == booking.id))
    assert actor == f"customer:{booking.user_id}"
    listed = client.get(BOOKINGS, headers=headers).get_json()["items"]
    assert [found["id"] for found in listed] == [str(booking.id)]
    assert client.get(url_of(booking), headers=headers).status_code == 200
    changed = client.patch(url_of(booking), json={"quantity": 3}, headers=headers)
    assert changed.get_json()["quantity"] == 3
    assert client.post(url_of(booking, "cancel"), headers=headers).get_json()["status"] == (
        "cancelled"
    )


def test_an_account_opens_no_other_booking(db: Session, client: FlaskClient) -> None:
    headers = bearing(registered(client)["access_token"])
    foreign = make_booking(email="ada@example.com")

    for answer in (
        client.get(url_of(foreign), headers=headers),
        client.patch(url_of(foreign), json={"quantity": 1}, headers=headers),
        client.post(url_of(foreign, "cancel"), headers=headers),
        client.get(url_of(foreign, "events"), headers=headers),
        client.get(f"{BOOKINGS}/ABCDEFG", headers=headers),
        client.get(f"{BOOKINGS}/%00", headers=headers),
    ):
        assert_problem(answer, 404, "booking_not_found")


def test_keys_of_two_accounts_do_not_meet(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    ids = set()
    for _ in range(2):
        headers = _headers_of(make_user()) | {"Idempotency-Key": "order-17"}
        for _ in range(2):
            answer = client.post(BOOKINGS, json=body_for(slot), headers=headers)
            ids.add(answer.get_json()["id"])

    assert len(ids) == 2


@pytest.mark.parametrize("token", ["eyJ.a.b", "hf_unknown"])
def test_a_bad_token_is_told_so_where_it_matters(
    db: Session, client: FlaskClient, token: str
) -> None:
    headers = bearing(token)

    assert_problem(client.get(BOOKINGS, headers=headers), 401, "invalid_token")
    answer = client.post(BOOKINGS, json=body_for(make_slot()), headers=headers)
    assert_problem(answer, 401, "invalid_token")
    answer = client.get(url_of(make_booking()), headers=headers)
    assert_problem(answer, 404, "booking_not_found")


def test_an_owner_reads_their_venue_s_bookings_and_changes_none(
    db: Session, client: FlaskClient
) -> None:
    booking, _ = make_booking(), make_booking()
    owner = make_member(booking.venue)
    headers = _headers_of(owner)

    listed = client.get(BOOKINGS, headers=headers).get_json()["items"]
    assert [found["id"] for found in listed] == [str(booking.id)]
    assert client.get(url_of(booking), headers=headers).status_code == 200
    assert_problem(
        client.post(url_of(booking, "cancel"), headers=headers), 404, "booking_not_found"
    )


def test_a_password_alone_does_not_read_a_venue_s_bookings_past_a_second_factor(
    db: Session, client: FlaskClient
) -> None:
    booking = make_booking()
    owner = make_member(booking.venue)
    owner.tf_primary_method = "authenticator"
    db.commit()

    assert client.get(BOOKINGS, headers=_headers_of(owner)).get_json()["items"] == []
    answer = client.get(url_of(booking), headers=_headers_of(owner))
    assert_problem(answer, 404, "booking_not_found")


def test_an_integration_places_reads_and_cancels_at_its_venue(
    db: Session, client: FlaskClient
) -> None:
    slot = make_slot()
    slug = slot.resource.venue.slug
    made = create_api_token(venue=slug, name="Channel", scopes=[READ, WRITE])
    headers = bearing(made.token)

    placed = client.post(BOOKINGS, json=body_for(slot, channel="agency"), headers=headers)
    booking = db.scalars(select(Booking)).one()
    decide_pending(slot.resource_id)

    assert placed.status_code == 202
    assert booking.user_id is None
    actor = db.scalar(select(BookingEvent.actor).where(BookingEvent.kind == "placed"))
    assert actor == f"integration:{made.id}"
    listed = client.get(f"{BOOKINGS}?venue={slug}", headers=headers).get_json()["items"]
    assert [found["id"] for found in listed] == [str(booking.id)]
    assert client.get(url_of(booking), headers=headers).status_code == 200
    assert client.post(url_of(booking, "cancel"), headers=headers).status_code == 200
    assert db.scalar(select(ApiToken.last_used_at)) is not None


def test_an_integration_reaches_no_other_venue(db: Session, client: FlaskClient) -> None:
    foreign, slot = make_booking(), make_slot()
    headers = _integration(slot.resource.venue.slug, READ, WRITE)

    assert client.get(BOOKINGS, headers=headers).get_json()["items"] == []
    there = client.get(f"{BOOKINGS}?venue={foreign.venue.slug}", headers=headers)
    assert there.get_json()["items"] == []
    for answer in (
        client.get(url_of(foreign), headers=headers),
        client.post(url_of(foreign, "cancel"), headers=headers),
    ):
        assert_problem(answer, 404, "booking_not_found")
    elsewhere = client.post(BOOKINGS, json=body_for(make_slot()), headers=headers)
    assert_problem(elsewhere, 422, "slot_not_found")


def test_a_scope_that_is_missing_is_403(db: Session, client: FlaskClient) -> None:
    booking = make_booking()
    reads, writes = (_integration(booking.venue.slug, scope) for scope in (READ, WRITE))
    body = body_for(make_slot(booking.resource))

    assert client.get(url_of(booking), headers=reads).status_code == 200
    for answer in (
        client.post(BOOKINGS, json=body, headers=reads),
        client.post(url_of(booking, "cancel"), headers=reads),
        client.get(BOOKINGS, headers=writes),
        client.get(url_of(booking), headers=writes),
    ):
        assert_problem(answer, 403, "out_of_scope")


def test_a_revoked_token_is_none(db: Session, client: FlaskClient) -> None:
    venue, other = make_venue(), make_venue()
    made = create_api_token(venue=venue.slug, name="Channel", scopes=[READ])

    with pytest.raises(TokenNotFound):
        revoke_api_token(token_id=made.id, venue_ids=[other.id])
    assert client.get(BOOKINGS, headers=bearing(made.token)).status_code == 200
    for _ in range(2):
        revoke_api_token(token_id=made.id, venue_ids=[venue.id])
    assert_problem(client.get(BOOKINGS, headers=bearing(made.token)), 401, "invalid_token")


def test_a_token_is_kept_as_a_hash_and_has_scopes(db: Session) -> None:
    slug = make_venue().slug
    made = create_api_token(venue=slug, name="Channel", scopes=[READ, READ])

    kept = db.scalars(select(ApiToken)).one()
    assert made.token.encode() not in kept.token_hash
    assert kept.scopes == [READ]
    for scopes in ([], ["bookings:all"]):
        with pytest.raises(ScopesUnknown):
            create_api_token(venue=slug, name="Channel", scopes=scopes)
    with pytest.raises(VenueNotFound):
        create_api_token(venue="nowhere", name="Channel", scopes=[READ])
    assert db.scalar(select(func.count()).select_from(ApiToken)) == 1


def _headers_of(user: User) -> dict[str, str]:
    from datetime import timedelta

    account = read_account(user.id)
    assert account is not None
    good_for = timedelta(minutes=settings.access_token_minutes)
    return bearing(make_token(account, Audience.NATIVE, good_for))


def _integration(slug: str, *scopes: Any) -> dict[str, str]:
    return bearing(create_api_token(venue=slug, name="Channel", scopes=scopes).token)
