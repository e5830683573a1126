"""Register, sign in, carry on, sign out."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking import account_tokens
from booking.account_tokens import Audience, make_token, read_token
from booking.accounts import read_account
from models import Notification, OneTimeLink, Purpose, RefreshToken, User
from settings import settings
from tests.accounts.asking import (
    ADA,
    AUTH,
    LOGIN,
    bearing,
    post,
    registered,
    signed_in,
    status_of_me,
)
from tests.api.asking import assert_problem, fields_of


def test_register_then_sign_in_then_me(db: Session, client: FlaskClient) -> None:
    answer = post(client, "register", ADA)
    tokens = signed_in(client)
    me = client.get(f"{AUTH}/me", headers=bearing(tokens["access_token"]))

    assert answer.status_code == 201
    assert "token" not in answer.text
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert me.get_json() == tokens["account"]
    assert me.get_json()["email"] == "ada@example.com"
    assert me.get_json()["full_name"] == "Ada Moreau"
    assert me.get_json()["email_is_proven"] is False
    assert me.headers["Cache-Control"] == "no-store"


def test_register_does_not_tell_whether_there_was_an_account(
    db: Session, client: FlaskClient
) -> None:
    first = post(client, "register", ADA)
    second = post(client, "register", ADA | {"email": "ADA@example.com", "password": "another one"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json() | {"email": "ada@example.com"}
    assert db.scalar(select(func.count()).select_from(User)) == 1
    assert signed_in(client)


def test_registering_mails_a_link_that_proves_the_address(db: Session, client: FlaskClient) -> None:
    post(client, "register", ADA)

    link = db.scalars(select(OneTimeLink)).one()
    assert (link.purpose, link.email) == (Purpose.PROOF, "ada@example.com")
    assert db.scalars(select(Notification.kind)).all() == ["proof"]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "ada"}, "email", "invalid_request"),
        ({"email": None}, "email", "invalid_request"),
        ({"password": None}, "password", "invalid_request"),
        ({"password": 12345678}, "password", "invalid_request"),
        ({"password": "x" * 1025}, "password", "invalid_request"),
        ({"password": "\ud800" * 9}, "password", "invalid_request"),
        ({"password": "short"}, "password", "password_too_weak"),
        ({"password": "password"}, "password", "password_too_weak"),
        ({"password": "12345678"}, "password", "password_too_weak"),
        ({"password": "ada@example.com"}, "password", "password_too_weak"),
        ({"full_name": "\x00"}, "full_name", "invalid_request"),
        ({"role": "owner"}, "role", "invalid_request"),
    ],
)
def test_what_cannot_be_registered_is_named(
    db: Session, client: FlaskClient, change: dict[str, Any], field: str, code: str
) -> None:
    answer = post(client, "register", ADA | change)

    assert_problem(answer, 422, code)
    assert fields_of(answer) == {field}
    assert db.scalar(select(func.count()).select_from(User)) == 0


def test_unknown_wrong_and_closed_are_one_answer_in_one_time(
    db: Session, client: FlaskClient
) -> None:
    post(client, "register", ADA)
    post(client, "register", ADA | {"email": "closed@example.com"})
    db.execute(update(User).where(User.email == "closed@example.com").values(active=False))
    db.commit()
    seconds, texts = [], set()

    for change in (
        {"email": "bob@example.com"},
        {"password": "nine lives of a dog"},
        {"email": "closed@example.com"},
    ):
        began = time.monotonic()
        for _ in range(4):
            body = assert_problem(post(client, "login", LOGIN | change), 401, "wrong_credentials")
            texts.add(body["detail"])
        seconds.append(time.monotonic() - began)

    assert len(texts) == 1
    assert max(seconds) < 3 * min(seconds)


def test_signing_in_does_not_mind_the_case_of_the_address(db: Session, client: FlaskClient) -> None:
    post(client, "register", ADA)

    assert signed_in(client, email="Ada@Example.COM")


def test_a_refresh_token_is_good_once_and_gives_a_new_pair(
    db: Session, client: FlaskClient
) -> None:
    first = registered(client)

    second = post(client, "refresh", _refresh(first)).get_json()

    assert second["refresh_token"] != first["refresh_token"]
    assert status_of_me(client, first["access_token"]) == 200
    assert status_of_me(client, second["access_token"]) == 200


def test_reuse_is_detected_and_the_family_falls(db: Session, client: FlaskClient) -> None:
    first, other = registered(client), signed_in(client)
    second = post(client, "refresh", _refresh(first)).get_json()

    stolen = post(client, "refresh", _refresh(first))

    assert_problem(stolen, 401, "refresh_refused")
    assert_problem(post(client, "refresh", _refresh(second)), 401, "refresh_refused")
    assert status_of_me(client, second["access_token"]) == 401
    assert status_of_me(client, other["access_token"]) == 200
    assert post(client, "refresh", _refresh(other)).status_code == 200


@pytest.mark.parametrize("token", ["x", "a" * 512, "ü"])
def test_an_unknown_refresh_token_is_refused(db: Session, client: FlaskClient, token: str) -> None:
    assert_problem(post(client, "refresh", {"refresh_token": token}), 401, "refresh_refused")


def test_an_old_refresh_token_is_refused(db: Session, client: FlaskClient) -> None:
    tokens = registered(client)
    db.execute(update(RefreshToken).values(expires_at=func.now() - timedelta(seconds=1)))
    db.commit()

    assert_problem(post(client, "refresh", _refresh(tokens)), 401, "refresh_refused")


def test_a_closed_account_cannot_carry_on(db: Session, client: FlaskClient) -> None:
    tokens = registered(client)
    db.execute(update(User).values(active=False))
    db.commit()

    assert status_of_me(client, tokens["access_token"]) == 401
    assert_problem(post(client, "refresh", _refresh(tokens)), 401, "refresh_refused")


@pytest.mark.parametrize("by", ["bearer", "refresh_token"])
def test_signing_out_ends_the_sign_in_and_no_other(
    db: Session, client: FlaskClient, by: str
) -> None:
    tokens, other = registered(client), signed_in(client)
    body = _refresh(tokens) if by == "refresh_token" else {}
    headers = bearing(tokens["access_token"]) if by == "bearer" else {}

    assert post(client, "logout", body, headers=headers).status_code == 204
    assert status_of_me(client, tokens["access_token"]) == 401
    assert_problem(post(client, "refresh", _refresh(tokens)), 401, "refresh_refused")
    assert status_of_me(client, other["access_token"]) == 200
    assert post(client, "logout", _refresh(tokens)).status_code == 204
    assert_problem(post(client, "logout"), 401, "unauthorized")


def test_only_hashes_are_kept(db: Session, client: FlaskClient) -> None:
    tokens = registered(client)

    kept = db.scalars(select(RefreshToken.token_hash)).one()

    assert tokens["refresh_token"].encode() not in kept
    assert len(kept) == 32
    assert str(db.scalar(select(User.password))).startswith("$argon2id$")


def test_a_token_has_one_algorithm_issuer_audience_and_purpose(
    db: Session, client: FlaskClient
) -> None:
    tokens = registered(client)

    header = jwt.get_unverified_header(tokens["access_token"])
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})

    assert (header["alg"], header["typ"]) == ("HS256", "at+jwt")
    assert (claims["iss"], claims["aud"]) == (settings.base_url, "holdfast")
    assert claims["exp"] - claims["iat"] == 900
    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "stamp", "sid"}


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"iss": "https://elsewhere.example"}, {}),
        ({"aud": "holdfast-room-platform"}, {}),
        ({"aud": ["holdfast", "other"]}, {}),
        ({"exp": 1}, {}),
        ({"exp": None}, {}),
        ({"iat": 9_999_999_999}, {}),
        ({"sub": "nobody"}, {}),
        ({"sub": "00000000-0000-0000-0000-000000000000"}, {}),
        ({"sid": "x"}, {}),
        ({"stamp": "0" * 16}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"kid": "other"}),
        ({}, {"kid": None}),
        ({}, {"alg": "HS512"}),
        ({}, {"alg": "none"}),
    ],
)
def test_a_token_with_anything_else_is_refused(
    db: Session, client: FlaskClient, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    token = registered(client)["access_token"]
    name, key = account_tokens._keys()[0]
    good = jwt.decode(token, options={"verify_signature": False})
    changed = {n: v for n, v in (good | claims).items() if v is not None}
    headers = {"kid": name, "typ": "at+jwt"} | header
    algorithm = headers.pop("alg", "HS256")
    kept = {n: v for n, v in headers.items() if v is not None}

    forged = jwt.encode(changed, key if algorithm != "none" else None, algorithm, headers=kept)

    assert status_of_me(client, token) == 200
    answer = client.get(f"{AUTH}/me", headers=bearing(forged))
    assert_problem(answer, 401, "invalid_token")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_keys_can_be_changed_while_tokens_are_out(
    db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(client)
    account = read_account(db.scalars(select(User.id)).one())
    assert account is not None
    old, new = ("2026", "o" * 32), ("2027", "n" * 32)
    monkeypatch.setattr(account_tokens, "_keys", lambda: (old,))
    token = make_token(account, Audience.NATIVE, timedelta(minutes=1))

    monkeypatch.setattr(account_tokens, "_keys", lambda: (new, old))
    assert read_token(token, Audience.NATIVE)
    fresh = make_token(account, Audience.NATIVE, timedelta(minutes=1))
    assert jwt.get_unverified_header(fresh)["kid"] == "2027"
    monkeypatch.setattr(account_tokens, "_keys", lambda: (new,))
    assert read_token(token, Audience.NATIVE) is None


@pytest.mark.parametrize("header", [None, "Basic YTpi", "Bearer", "Bearer x", "Bearer hf_x"])
def test_me_needs_a_sign_in(db: Session, client: FlaskClient, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}

    answer = client.get(f"{AUTH}/me", headers=headers)

    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def _refresh(tokens: dict[str, Any]) -> dict[str, str]:
    return {"refresh_token": tokens["refresh_token"]}
