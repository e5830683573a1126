"""Proving an address and setting a new password: looking changes nothing, a button does, once."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.links import token_of
from models import OneTimeLink, Purpose, User
from tests.accounts.asking import ADA, bearing, post, registered, signed_in, status_of_me
from tests.factories import make_booking, make_member

PROVE, RESET = "/account/prove", "/account/reset"
NEW = "ten lives of a dog"


def test_a_proof_needs_the_button_and_is_good_once(db: Session, client: FlaskClient) -> None:
    registered(client)
    url = f"{PROVE}?token={_token(db, Purpose.PROOF)}"

    page = client.get(url)
    assert (page.status_code, _is_proven(db)) == (200, False)
    assert "ada@example.com" in page.text
    assert not re.search(r'<script(?! src="/static/)|<style| on\w+=', page.text)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]

    assert client.post(url).status_code == 200
    assert _is_proven(db)
    assert client.post(url).status_code == 410
    assert client.get(url).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "%00", "%FF"])
@pytest.mark.parametrize("path", [PROVE, RESET])
def test_a_link_that_is_none_is_gone(
    db: Session, client: FlaskClient, path: str, token: str
) -> None:
    for answer in (client.get(f"{path}?token={token}"), client.post(f"{path}?token={token}")):
        assert answer.status_code == 410
        assert answer.mimetype == "text/html"


def test_a_proven_address_joins_its_earlier_bookings(db: Session, client: FlaskClient) -> None:
    booking = make_booking(email="ADA@example.com")
    token = registered(client)["access_token"]

    def listed() -> list[str]:
        answer = client.get("/api/v1/bookings", headers=bearing(token))
        return [found["id"] for found in answer.get_json()["items"]]

    assert listed() == []
    client.post(PROVE, data={"token": _token(db, Purpose.PROOF)})
    assert listed() == [str(booking.id)]


def test_asking_for_a_reset_says_the_same_to_everybody(db: Session, client: FlaskClient) -> None:
    post(client, "register", ADA)

    known = post(client, "reset", {"email": "Ada@Example.com"})
    unknown = post(client, "reset", {"email": "bob@example.com"})

    assert known.status_code == unknown.status_code == 202
    assert known.get_json() == unknown.get_json()
    links = db.scalars(select(OneTimeLink.email).where(OneTimeLink.purpose == Purpose.RESET)).all()
    assert links == ["ada@example.com"]


def test_one_mail_a_minute_is_enough(db: Session, client: FlaskClient) -> None:
    token = registered(client)["access_token"]

    for _ in range(3):
        post(client, "reset", {"email": "ada@example.com"})
        assert post(client, "proof", headers=bearing(token)).status_code == 202

    assert db.scalar(select(func.count()).select_from(OneTimeLink)) == 2


def test_a_reset_sets_the_password_and_signs_out_everywhere(
    db: Session, client: FlaskClient
) -> None:
    tokens = registered(client)
    post(client, "reset", {"email": "ada@example.com"})
    token = _token(db, Purpose.RESET)

    weak = client.post(RESET, data={"token": token, "password": "short"})
    assert weak.status_code == 422
    assert 'role="alert"' in weak.text
    assert client.post(RESET, data={"token": token, "password": NEW}).status_code == 200

    assert status_of_me(client, tokens["access_token"]) == 401
    refreshed = post(client, "refresh", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert (
        post(client, "login", {"email": ADA["email"], "password": ADA["password"]}).status_code
        == 401
    )
    assert signed_in(client, password=NEW)["account"]["email_is_proven"] is True
    assert client.post(RESET, data={"token": token, "password": NEW}).status_code == 410


def test_who_runs_a_venue_needs_a_longer_password(db: Session, client: FlaskClient) -> None:
    owner = make_member()
    post(client, "reset", {"email": owner.email})
    token = _token(db, Purpose.RESET)

    assert client.post(RESET, data={"token": token, "password": "nine cats"}).status_code == 422
    assert client.post(RESET, data={"token": token, "password": NEW}).status_code == 200


def test_a_link_for_one_thing_does_not_open_another(db: Session, client: FlaskClient) -> None:
    registered(client)
    token = _token(db, Purpose.PROOF)

    assert client.post(RESET, data={"token": token, "password": NEW}).status_code == 410
    assert client.get(f"{PROVE}?token={token}").status_code == 200


def test_a_link_to_an_address_that_has_changed_since_is_gone(
    db: Session, client: FlaskClient
) -> None:
    registered(client)
    db.execute(update(User).values(email="other@example.com"))
    db.commit()

    assert client.post(PROVE, data={"token": _token(db, Purpose.PROOF)}).status_code == 410
    assert not _is_proven(db)


def _token(db: Session, purpose: Purpose) -> str:
    link_id = db.scalars(
        select(OneTimeLink.id)
        .where(OneTimeLink.purpose == purpose)
        .order_by(OneTimeLink.created_at.desc())
    ).first()
    assert link_id is not None
    return token_of(link_id)


def _is_proven(db: Session) -> bool:
    return db.scalar(select(User.confirmed_at)) is not None
