"""The same key and body give the same booking, however often and however fast they are sent."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.decide import decide_pending
from booking.expiry import expire_undecided
from models import Booking
from tests.api.asking import BOOKINGS, assert_problem, body_for, fields_of, post_booking
from tests.factories import make_slot, set_overdue

KEY = "order 17/a"


def test_a_repeated_request_gives_the_booking_as_it_is_now(
    db: Session, client: FlaskClient
) -> None:
    slot = make_slot()

    first = post_booking(client, slot, Idempotency_Key=KEY)
    pending = post_booking(client, slot, Idempotency_Key=KEY)
    decide_pending(slot.resource_id)
    decided = post_booking(client, slot, Idempotency_Key=KEY)

    assert [answer.status_code for answer in (first, pending, decided)] == [202, 202, 200]
    assert "Idempotency-Replayed" not in first.headers
    assert pending.headers["Idempotency-Replayed"] == "true"
    assert decided.headers["Idempotency-Replayed"] == "true"
    assert decided.headers["Location"] == first.headers["Location"]
    assert decided.get_json()["id"] == first.get_json()["id"]
    assert decided.get_json()["access_token"] == first.get_json()["access_token"]
    assert decided.get_json()["status"] == "confirmed"
    assert _bookings(db) == 1


def test_another_body_under_the_same_key_is_refused(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    post_booking(client, slot, Idempotency_Key=KEY)

    answer = client.post(
        BOOKINGS, json=body_for(slot, quantity=3), headers={"Idempotency-Key": KEY}
    )

    assert_problem(answer, 422, "idempotency_key_reused")
    assert _bookings(db) == 1


def test_spaces_and_order_make_no_other_body(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    post_booking(client, slot, Idempotency_Key=KEY)
    turned = dict(reversed(body_for(slot, channel="api", guests=None).items()))

    answer = client.post(BOOKINGS, json=turned, headers={"Idempotency-Key": KEY})

    assert answer.headers["Idempotency-Replayed"] == "true"


def test_a_key_of_one_venue_says_nothing_at_another(db: Session, client: FlaskClient) -> None:
    here = post_booking(client, make_slot(), Idempotency_Key=KEY)
    there = post_booking(client, make_slot(), Idempotency_Key=KEY)

    assert (here.status_code, there.status_code) == (202, 202)
    assert "Idempotency-Replayed" not in there.headers


def test_a_hold_that_nobody_decided_frees_its_key(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    first = post_booking(client, slot, Idempotency_Key=KEY)
    set_overdue(first.get_json()["id"])
    expire_undecided(slot.resource_id)

    second = post_booking(client, slot, Idempotency_Key=KEY)

    assert second.status_code == 202
    assert second.get_json()["id"] != first.get_json()["id"]


@pytest.mark.parametrize("key", ["", "   ", "a" * 256, "ü", "a\tb", "a\x7f"])
def test_a_key_that_is_none_is_refused(db: Session, client: FlaskClient, key: str) -> None:
    answer = post_booking(client, make_slot(), Idempotency_Key=key)

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {"Idempotency-Key"}
    assert _bookings(db) == 0


def test_the_longest_key_is_accepted(db: Session, client: FlaskClient) -> None:
    assert post_booking(client, make_slot(), Idempotency_Key="k" * 255).status_code == 202


def test_a_race_of_one_key_makes_one_booking(committed_db: Session, app: Flask) -> None:
    slot = make_slot()
    body = body_for(slot)
    together = threading.Barrier(8)
    answers = []

    def send() -> None:
        client = app.test_client()
        together.wait()
        answers.append(client.post(BOOKINGS, json=body, headers={"Idempotency-Key": KEY}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert _bookings(committed_db) == 1


def _bookings(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Booking)) or 0
