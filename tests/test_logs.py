"""Log lines are JSON, carry the request's id, and never a person's data."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import logs
from tests.api.asking import BOOKINGS, bearer, body_for, url_of
from tests.factories import make_booking, make_slot, make_user


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return what was logged since the last time, as objects."""
    logs.configure()
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, logs.JsonHandler))
    written = io.StringIO()
    before = handler.setStream(written)

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.truncate(0)
        written.seek(0)
        return found

    yield read
    handler.setStream(before)


def test_a_request_leaves_one_line_with_its_route(
    db: Session, client: FlaskClient, lines: Any
) -> None:
    booking = make_booking()
    lines()

    client.get(url_of(booking), headers=bearer(booking) | {"X-Request-Id": "mine"})

    (line,) = lines()
    assert line["event"] == "request"
    assert line["route"] == "/api/v1/bookings/<string:reference>"
    assert (line["status"], line["request_id"], line["method"]) == (200, "mine", "GET")
    assert line["milliseconds"] >= 0
    assert booking.reference not in json.dumps(line)


def test_no_line_knows_the_customer(db: Session, client: FlaskClient, lines: Any) -> None:
    person = {"email": "grace@example.com", "full_name": "Grace Hopper", "phone": "+12025550123"}

    client.post(BOOKINGS, json=body_for(make_slot(), customer=person))
    client.post(BOOKINGS, json=body_for(make_slot(), customer=person | {"email": "grace@"}))

    written = json.dumps(lines())
    for secret in ("grace", "Grace", "Hopper", "2025550123"):
        assert secret not in written


def test_a_database_error_is_logged_without_its_row(db: Session, lines: Any) -> None:
    user = make_user(email="grace@example.com")
    with pytest.raises(IntegrityError) as caught, db.begin_nested():
        db.execute(
            text("INSERT INTO users (email, fs_uniquifier) VALUES (:email, 'x')"),
            {"email": user.email},
        )

    structlog.get_logger("test").error("write_failed", exc_info=caught.value)

    (line,) = lines()
    assert "grace" not in json.dumps(line)
    kinds = {found["type"]: found for found in line["exception"]}
    assert kinds["UniqueViolation"]["sqlstate"] == "23505"
    assert kinds["UniqueViolation"]["constraint"] == "uq_users_email"


def test_health_makes_no_noise(client: FlaskClient, lines: Any) -> None:
    client.get("/health")

    assert lines() == []
