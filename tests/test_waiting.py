"""Waiting for a decision: preferred, by long poll, as a stream, never taking all places."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from booking import waiting
from booking.access import access_token
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking
from booking.views import read_booking
from models import Booking, Status
from tests.api.asking import BOOKINGS, assert_problem, bearer, body_for, post_booking, url_of
from tests.factories import make_booking, make_slot
from webapp import waiters
from webapp.api import events

Decider = Callable[[UUID], None]


@pytest.fixture
def no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """All places to wait are taken."""
    monkeypatch.setattr(waiters, "_places", threading.Semaphore(0))


def test_who_prefers_to_wait_hears_the_outcome(
    committed_db: Session, client: FlaskClient, decider: Decider
) -> None:
    slot = make_slot()
    decider(slot.resource_id)

    answer = post_booking(client, slot, Prefer="wait=20")

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.get_json()["status"] == "confirmed"
    assert answer.get_json()["access_token"]


def test_who_waits_in_vain_is_told_202_and_keeps_the_hold(
    committed_db: Session, client: FlaskClient
) -> None:
    slot = make_slot()
    began = time.monotonic()

    answer = post_booking(client, slot, Prefer="wait=1")

    assert answer.status_code == 202
    assert 0.9 < time.monotonic() - began < 5
    assert answer.get_json()["status"] == "pending"
    decide_pending(slot.resource_id)
    assert committed_db.get_one(Booking, UUID(answer.get_json()["id"])).status == "confirmed"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("wait=10", 10),
        ("WAIT = 10", 10),
        ('wait="7"', 7),
        ("respond-async, wait=5", 5),
        ("wait=5; foo=bar", 5),
        ("wait=5, wait=9", 5),
        ("wait=31", 30),
        ("wait=999999", 30),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("wait", 0),
        ("", 0),
        ("swait=5", 0),
    ],
)
def test_a_preference_is_read_as_the_rfc_wants(app: Flask, given: str, seconds: int) -> None:
    from webapp.api.headers import preferred_wait

    with app.test_request_context(headers={"Prefer": given}):
        assert preferred_wait() == seconds


def test_a_long_poll_answers_with_the_decision(
    committed_db: Session, client: FlaskClient, decider: Decider
) -> None:
    booking = make_booking(status=Status.PENDING)
    decider(booking.resource_id)

    answer = client.get(f"{url_of(booking)}?wait=20", headers=bearer(booking))

    assert answer.get_json()["status"] == "confirmed"


def test_a_long_poll_of_what_is_decided_answers_at_once(db: Session, client: FlaskClient) -> None:
    booking = make_booking()

    answer = client.get(f"{url_of(booking)}?wait=86400", headers=bearer(booking))

    assert answer.get_json()["status"] == "confirmed"


def test_a_notification_wakes_who_waits(
    committed_db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a look only every 20 s, an answer within 5 s can only come by notification."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 20.0)
    slot = make_slot()
    _listen(client)

    with _deciding_once(slot.resource_id):
        began = time.monotonic()
        answer = post_booking(client, slot, Prefer="wait=25")

    assert answer.status_code == 200
    assert time.monotonic() - began < 5


def test_without_notifications_the_answer_still_comes(
    committed_db: Session,
    client: FlaskClient,
    decider: Decider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting.Listener, "_wake", lambda *_: None)
    slot = make_slot()
    decider(slot.resource_id)

    assert post_booking(client, slot, Prefer="wait=20").status_code == 200


def test_a_stream_tells_each_change_and_ends_with_the_last(
    committed_db: Session, client: FlaskClient
) -> None:
    booking = make_booking(status=Status.PENDING)
    stream = client.get(url_of(booking, "events"), headers=bearer(booking), buffered=False)
    told = _told(stream.iter_encoded())

    first = next(told)
    decide_pending(booking.resource_id)
    second = next(told)
    cancel_booking(booking_id=booking.id)
    rest = list(told)

    assert stream.mimetype == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    assert first["status"] == "pending"
    assert second["status"] == "confirmed"
    assert [booking["status"] for booking in rest] == ["cancelled"]
    assert set(first) == set(client.get(url_of(booking), headers=bearer(booking)).get_json())


def test_a_stream_shows_that_it_lives(
    committed_db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.05)
    booking = make_booking(status=Status.PENDING)
    stream = client.get(url_of(booking, "events"), headers=bearer(booking), buffered=False)

    pieces = stream.iter_encoded()
    begin = [next(pieces) for _ in range(4)]
    stream.close()

    assert begin[0].startswith(b"retry: ")
    assert any(piece.startswith(b": ") for piece in begin)


def test_a_stream_ends_after_its_time(
    committed_db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 0)
    booking = make_booking()

    stream = client.get(url_of(booking, "events"), headers=bearer(booking))

    assert stream.text.count("event: booking") == 1


def test_a_client_that_has_heard_the_last_word_is_not_kept_coming(
    db: Session, client: FlaskClient
) -> None:
    booking = make_booking(status=Status.CANCELLED)
    heard = client.get(url_of(booking, "events"), headers=bearer(booking)).text
    last = next(line[4:] for line in heard.splitlines() if line.startswith("id: "))

    again = client.get(url_of(booking, "events"), headers=bearer(booking) | {"Last-Event-ID": last})

    assert again.status_code == 204


def test_beyond_the_limit_nobody_waits(
    committed_db: Session, client: FlaskClient, no_places: None
) -> None:
    slot = make_slot()
    began = time.monotonic()

    placed = post_booking(client, slot, Prefer="wait=20")
    headers = {"Authorization": f"Bearer {placed.get_json()['access_token']}"}
    poll = client.get(f"{placed.headers['Location']}?wait=20", headers=headers)
    stream = client.get(f"{placed.headers['Location']}/events", headers=headers)

    assert placed.status_code == 202
    assert "Preference-Applied" not in placed.headers
    assert poll.get_json()["status"] == "pending"
    assert_problem(stream, 503, "unavailable")
    assert int(stream.headers["Retry-After"]) > 0
    assert time.monotonic() - began < 5


def test_a_database_that_goes_away_meanwhile_takes_nothing_back(
    db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(waiters, "wait_while_pending", lose)

    answer = post_booking(client, make_slot(), Prefer="wait=5")

    assert answer.status_code == 202
    assert answer.get_json()["access_token"]


def test_every_place_is_given_back(
    committed_db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = threading.Semaphore(1)
    monkeypatch.setattr(waiters, "_places", places)
    booking = make_booking(status=Status.PENDING)
    for _ in range(3):
        client.get(url_of(booking, "events"), headers=bearer(booking), buffered=False).close()
        client.get(f"{url_of(booking)}?wait=1", headers=bearer(booking))
        client.post(BOOKINGS, json=body_for(booking.lines[0].slot, quantity=99))

    assert places.acquire(blocking=False)


def _told(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the bookings out of a stream, past its comments."""
    for piece in pieces:
        lines = piece.decode().splitlines()
        if "event: booking" in lines:
            yield json.loads(next(line[6:] for line in lines if line.startswith("data: ")))


def _listen(client: FlaskClient) -> None:
    """Have the listener of this process connected before the clock runs."""
    booking = make_booking(status=Status.PENDING)
    token = access_token(read_booking(booking_id=booking.id))
    with _deciding_once(booking.resource_id):
        url = f"{url_of(booking)}?wait=25"
        client.get(url, headers={"Authorization": f"Bearer {token}"})


class _deciding_once:
    """Decide one resource as soon as somebody waits for it, on a thread of its own."""

    def __init__(self, resource_id: UUID) -> None:
        self._thread = threading.Thread(target=self._work, args=(resource_id,), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(20)

    def _work(self, resource_id: UUID) -> None:
        topic = f"resource:{resource_id}"
        while topic not in waiting._listener._waiting:
            time.sleep(0.01)
        # It looks once after it has begun to listen; what is decided then must be told to it.
        time.sleep(0.3)
        decide_pending(resource_id)
