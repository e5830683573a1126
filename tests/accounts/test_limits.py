"""Limits by address and by account: section 7 of the rooms contract, and the native API's."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits.errors import StorageError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.accounts.asking import ADA, AUTH, LOGIN, from_address, post, registered
from tests.api.asking import assert_problem
from tests.hotel.conftest import ROOT, assert_refused
from webapp import limits

_addresses = (f"203.0.113.{n}" for n in count(1))
_networks = (f"2001:db8:{n:x}" for n in count(int(time.time()) % 60_000))


@pytest.fixture(autouse=True)
def _clean_counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    counter = limits.Counter(limits.settings.redis_url)
    counter._shared.storage.reset()
    monkeypatch.setattr(limits, "_counter", counter)
    yield
    counter._shared.storage.reset()


@pytest.fixture
def stranger() -> dict[str, dict[str, str]]:
    """What makes a client call from an address that nobody has called from before."""
    return from_address(next(_addresses))


def test_a_hundred_calls_a_minute_and_no_more(
    db: Session, client: FlaskClient, stranger: dict[str, Any]
) -> None:
    for left in range(99, -1, -1):
        answer = client.get(f"{ROOT}/nothing" if left % 2 else "/api/v1/venues", **stranger)
        assert answer.status_code == (404 if left % 2 else 200)
        assert _told(answer) == ("100;w=60", "100", str(left))

    native = client.get("/api/v1/venues", **stranger)
    rooms = client.get(f"{ROOT}/rooms", **stranger)

    assert_problem(native, 429, "too_many_requests")
    assert_refused(rooms, 429, "Too many requests")
    assert rooms.headers["Access-Control-Allow-Origin"] == "*"
    for answer in (native, rooms):
        assert _told(answer) == ("100;w=60", "100", "0")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 60
    assert client.get("/api/v1/venues", **from_address(next(_addresses))).status_code == 200


def test_ten_sign_ins_in_fifteen_minutes_over_both_calls_and_both_apis(
    db: Session, client: FlaskClient, stranger: dict[str, Any]
) -> None:
    for number in range(10):
        path = (f"{ROOT}/auth/login", f"{ROOT}/auth/register", f"{AUTH}/login")[number % 3]
        answer = client.post(path, json={}, **stranger)
        assert answer.status_code in (400, 422)
        assert _told(answer) == ("10;w=900", "10", str(9 - number))

    answer = client.post(f"{ROOT}/auth/login", json={}, **stranger)

    assert_refused(answer, 429)
    assert _told(answer) == ("10;w=900", "10", "0")
    assert 1 <= int(answer.headers["Retry-After"]) <= 900
    assert_problem(client.post(f"{AUTH}/register", json={}, **stranger), 429, "too_many_requests")
    other = client.get("/api/v1/venues", **stranger)
    assert _told(other) == ("100;w=60", "100", "87")


def test_the_limit_comes_before_the_token(
    db: Session, client: FlaskClient, stranger: dict[str, Any]
) -> None:
    for _ in range(100):
        client.get(f"{ROOT}/nothing", **stranger)

    assert_refused(client.post(f"{ROOT}/rooms", **stranger), 429)


def test_preflights_health_and_pages_are_not_counted(
    db: Session, client: FlaskClient, stranger: dict[str, Any]
) -> None:
    for _ in range(120):
        assert client.options(f"{ROOT}/rooms", **stranger).status_code == 204
        assert client.get("/health", **stranger).status_code == 200

    answer = client.get("/health", **stranger)
    assert answer.get_json() == {"status": "ok"}
    assert "RateLimit-Limit" not in answer.headers
    assert _told(client.get("/api/v1/venues", **stranger))[2] == "99"


def test_loopback_is_exempt_by_setting(db: Session, client: FlaskClient) -> None:
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        answer = client.get("/api/v1/venues", **from_address(address))
        assert "RateLimit-Limit" not in answer.headers


def test_an_ipv6_network_is_one_caller(db: Session, client: FlaskClient) -> None:
    network, other = next(_networks), next(_networks)

    first = client.get("/api/v1/venues", **from_address(f"{network}::1"))
    second = client.get("/api/v1/venues", **from_address(f"{network}::2:3"))
    third = client.get("/api/v1/venues", **from_address(f"{other}::1"))

    assert [_told(answer)[2] for answer in (first, second, third)] == ["99", "98", "99"]


def test_passwords_of_one_account_cannot_be_tried_from_many_addresses(
    db: Session, client: FlaskClient
) -> None:
    post(client, "register", ADA)
    for _ in range(10):
        wrong = LOGIN | {"password": "wrong", "email": "ADA@example.com"}
        answer = post(client, "login", wrong, **from_address(next(_addresses)))
        assert answer.status_code == 401

    refused = post(client, "login", LOGIN, **from_address(next(_addresses)))
    rooms = client.post(f"{ROOT}/auth/login", json=LOGIN, **from_address(next(_addresses)))
    other = LOGIN | {"email": "bob@example.com"}

    assert_problem(refused, 429, "too_many_requests")
    assert_refused(rooms, 429)
    assert post(client, "login", other, **from_address(next(_addresses))).status_code == 401


def test_signing_in_often_is_no_failure(db: Session, client: FlaskClient) -> None:
    post(client, "register", ADA)

    for _ in range(12):
        answer = post(client, "login", LOGIN, **from_address(next(_addresses)))
        assert answer.status_code == 200


def test_an_account_is_counted_wherever_it_calls_from(db: Session, client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {registered(client)['access_token']}"}
    statuses = [
        client.get(f"{AUTH}/me", headers=headers, **from_address(next(_addresses))).status_code
        for _ in range(101)
    ]

    assert statuses == [200] * 100 + [429]


def test_without_redis_a_process_counts_for_itself(
    db: Session, app: Flask, monkeypatch: pytest.MonkeyPatch, stranger: dict[str, Any]
) -> None:
    away = limits.Counter("redis://127.0.0.1:1/0")
    monkeypatch.setattr(limits, "_counter", away)
    client = app.test_client()

    statuses = [client.get("/api/v1/venues", **stranger).status_code for _ in range(101)]

    assert statuses == [200] * 100 + [429]


def test_a_frozen_redis_holds_up_one_call_and_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counter = limits.Counter(limits.settings.redis_url)
    asked = []

    def frozen(*_: object) -> bool:
        asked.append(1)
        raise StorageError(TimeoutError())

    with monkeypatch.context() as patch:
        patch.setattr(counter._shared, "hit", frozen)
        for _ in range(5):
            assert counter.hit(limits.API_CALLS, "somebody").is_within
        assert len(asked) == 1
    counter._away_until = time.monotonic() - 1
    assert counter.hit(limits.API_CALLS, "somebody").left == 99


def _told(answer: TestResponse) -> tuple[str, str, str]:
    headers = answer.headers
    assert int(headers["RateLimit-Reset"]) >= 1
    return (
        headers["RateLimit-Policy"],
        headers["RateLimit-Limit"],
        headers["RateLimit-Remaining"],
    )


def test_passwords_of_owners_cannot_be_tried_out_either(
    db: Session, client: FlaskClient, stranger: dict[str, Any]
) -> None:
    form = {"email": "owner@example.com", "password": "a-wrong-password"}
    for _ in range(10):
        assert client.post("/admin/login", data=form, **stranger).status_code != 429
        assert client.get("/admin/login", **stranger).status_code == 200

    refused = client.post("/admin/login", data=form, **stranger)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
