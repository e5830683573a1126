"""Register and login of the room platform API: section 4 of its contract."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.account_tokens import Audience, make_token
from booking.accounts import read_account
from booking.passwords import hash_password
from models import Post, User, Venue
from tests.factories import make_member, make_user
from tests.hotel.conftest import Call, assert_refused, bearer

ADA = {"email": "ada@example.org", "password": "secret", "name": "Ada Guest"}


def test_register_answers_a_user_and_a_token_that_is_usable_at_once(
    db: Session, call: Call
) -> None:
    answer = call("POST", "/auth/register", json=ADA)

    assert answer.status_code == 201
    body = answer.get_json()
    assert set(body) == {"user", "token"}
    assert body["user"] == {
        "id": str(db.scalar(select(User.id))),
        "email": "ada@example.org",
        "name": "Ada Guest",
        "role": "USER",
    }
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {body['token']}"}
        assert call("GET", "/bookings/my-bookings", headers=headers).get_json() == []


def test_login_answers_the_same(db: Session, call: Call) -> None:
    registered = call("POST", "/auth/register", json=ADA).get_json()

    answer = call("POST", "/auth/login", json=ADA)

    assert answer.status_code == 200
    assert answer.get_json()["user"] == registered["user"]


def test_a_name_may_be_left_out_and_is_null_then(db: Session, call: Call) -> None:
    answer = call("POST", "/auth/register", json=_without("name"))

    assert answer.status_code == 201
    assert answer.get_json()["user"]["name"] is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ("email", "password")),
        ({**ADA, "email": "ada"}, ("email",)),
        ({**ADA, "email": None}, ("email",)),
        ({**ADA, "email": "a\x00@example.org"}, ("email",)),
        ({**ADA, "email": f"{'a' * 400}@example.org"}, ("email",)),
        ({**ADA, "password": "five5"}, ("password",)),
        ({**ADA, "password": 123456}, ("password",)),
        ({**ADA, "password": "x" * 1025}, ("password",)),
        ({**ADA, "password": "secret\ud800"}, ("password",)),
        ({**ADA, "name": "A"}, ("name",)),
        ({**ADA, "name": None}, ("name",)),
        ({**ADA, "name": "A\x00da"}, ("name",)),
        ({**ADA, "name": "A" * 201}, ("name",)),
        ({"email": 1, "password": [], "name": {}}, ("email", "password", "name")),
    ],
)
def test_a_bad_field_is_named(
    db: Session, call: Call, body: dict[str, Any], fields: tuple[str, ...]
) -> None:
    answer = call("POST", "/auth/register", json=body)

    message = assert_refused(answer, 400)
    assert [part.partition(":")[0] for part in message.split(", ")] == list(fields)
    assert _users(db) == 0


def test_a_role_in_the_body_is_ignored(db: Session, call: Call) -> None:
    answer = call("POST", "/auth/register", json=ADA | {"role": "ADMIN", "id": "x"})

    assert answer.get_json()["user"]["role"] == "USER"


def test_a_known_email_is_400_in_any_case(db: Session, call: Call) -> None:
    call("POST", "/auth/register", json=ADA)

    assert_refused(call("POST", "/auth/register", json=ADA | {"email": "ADA@example.org"}), 400)
    assert _users(db) == 1
    assert call("POST", "/auth/login", json=ADA | {"email": "Ada@Example.org"}).status_code == 200


def test_wrong_password_and_unknown_email_are_one_answer_in_one_time(
    db: Session, call: Call
) -> None:
    call("POST", "/auth/register", json=ADA)
    seconds: dict[str, float] = {}
    texts = set()

    for name, change in {
        "wrong": {"password": "secret2"},
        "unknown": {"email": "bob@example.org"},
        "empty": {"password": ""},
    }.items():
        began = time.monotonic()
        answers = [call("POST", "/auth/login", json=ADA | change) for _ in range(4)]
        seconds[name] = time.monotonic() - began
        texts |= {assert_refused(answer, 401) for answer in answers}

    assert len(texts) == 1
    assert max(seconds.values()) < 3 * min(seconds.values())


def test_every_byte_of_a_password_counts(db: Session, call: Call) -> None:
    long = "x" * 100
    call("POST", "/auth/register", json=ADA | {"password": f"{long}1"})

    assert_refused(call("POST", "/auth/login", json=ADA | {"password": f"{long}2"}), 401)
    assert call("POST", "/auth/login", json=ADA | {"password": f"{long}1"}).status_code == 200


@pytest.mark.parametrize(("post", "role"), [(Post.OWNER, "ADMIN"), (Post.STAFF, "USER")])
def test_who_manages_a_hotel_is_admin(
    db: Session, call: Call, hotel: Venue, post: Post, role: str
) -> None:
    user = make_member(hotel, post=post)
    user.password = hash_password("secret")
    db.commit()

    answer = call("POST", "/auth/login", json={"email": user.email, "password": "secret"})

    assert answer.get_json()["user"]["role"] == role


def test_an_owner_of_a_restaurant_is_a_user_here(db: Session, call: Call) -> None:
    user = make_member()

    assert_refused(call("POST", "/rooms", as_=user, json={}), 403)


def test_a_token_lasts_a_day(db: Session, call: Call) -> None:
    token = call("POST", "/auth/register", json=ADA).get_json()["token"]

    claims = jwt.decode(token, options={"verify_signature": False})

    left = datetime.fromtimestamp(claims["exp"], UTC) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic YTpi", "Token abc", "Bearer", "Bearer ", "eyJhbGciOiJIUzI1NiJ9.e30.x"],
)
def test_no_token_is_401(db: Session, call: Call, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    for method, path in (("GET", "/bookings/my-bookings"), ("POST", "/bookings")):
        assert_refused(call(method, path, headers=headers), 401)


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\xff"])
def test_a_bad_token_is_403(db: Session, call: Call, token: str) -> None:
    answer = call("POST", "/rooms", headers={"Authorization": f"Bearer {token}"})

    assert_refused(answer, 403)


def test_a_token_of_another_audience_an_old_one_and_one_of_a_closed_account_are_403(
    db: Session, call: Call, guest: User
) -> None:
    account = read_account(guest.id)
    assert account is not None
    foreign = make_token(account, Audience.NATIVE, timedelta(hours=1))
    old = make_token(account, Audience.ROOM_PLATFORM, timedelta(seconds=-1))
    good = make_token(account, Audience.ROOM_PLATFORM, timedelta(hours=1))

    assert _status(call, good) == 200
    assert _status(call, foreign) == 403
    assert _status(call, old) == 403
    guest.active = False
    db.commit()
    assert _status(call, good) == 403


def test_the_role_is_looked_up_on_each_call(db: Session, call: Call, hotel: Venue) -> None:
    user = make_user()
    headers = bearer(user)

    assert_refused(call("POST", "/rooms", headers=headers, json={}), 403)
    db.add(_membership(user, hotel))
    db.commit()
    assert_refused(call("POST", "/rooms", headers=headers, json={}), 400)


def _membership(user: User, hotel: Venue) -> Any:
    from models import Membership

    return Membership(user_id=user.id, venue_id=hotel.id, post=Post.OWNER)


def _status(call: Call, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return call("GET", "/bookings/my-bookings", headers=headers).status_code


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ADA.items() if key != name}


def _users(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(User)) or 0
