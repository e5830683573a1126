"""The answer is the last word, in time, and never one that makes a client book again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from datetime import time as at
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from booking.errors import TooBusy
from models import Booking, CountedIn, Slot, Status
from settings import settings
from tests.factories import make_resource, make_venue
from tests.restaurant.asking import Asking, booking_form, detail
from tests.restaurant.conftest import make_sitting
from webapp import waiters
from webapp.restaurant import placing, views

Decider = Callable[[UUID], None]
SAYS_NOTHING_BOOKED = "Nothing was booked"


@pytest.fixture
def table(committed_db: Session, day: date) -> Slot:
    """Noon at The Hungry Unicorn, truly committed."""
    venue = make_venue(slug="TheHungryUnicorn", time_zone="Europe/London")
    room = make_resource(venue, counted_in=CountedIn.PARTIES, max_quantity=8)
    return make_sitting(room, day, at(12))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a third of a second only."""
    monkeypatch.setattr(placing, "settings", replace(settings, face_wait_seconds=0.3))


def test_the_answer_comes_with_the_decision(
    ask: Asking, table: Slot, day: date, decider: Decider
) -> None:
    decider(table.resource_id)

    assert ask.book(day).get_json()["status"] == "confirmed"


@pytest.mark.usefixtures("impatient")
def test_without_workers_a_client_is_told_no_in_time_and_nothing_is_booked(
    ask: Asking, committed_db: Session, table: Slot, day: date
) -> None:
    began = time.monotonic()
    answer = ask.book(day)

    assert time.monotonic() - began < 2
    assert SAYS_NOTHING_BOOKED in detail(answer, 400)
    booking = committed_db.scalars(select(Booking)).one()
    assert (booking.status, booking.reason) == (Status.EXPIRED, "withdrawn")
    assert detail(ask.read(booking.reference), 404) == "Booking not found"


def test_without_a_place_to_wait_nothing_is_booked(
    app: Flask, committed_db: Session, table: Slot, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting never takes the last thread: without a place nothing is written at all."""
    monkeypatch.setattr(waiters, "_places", threading.Semaphore(0))

    answer = _book(app, day)

    assert answer.status_code == 400
    assert "Nothing was booked" in answer.get_json()["detail"]
    assert committed_db.scalars(select(Booking.id)).all() == []


@pytest.mark.usefixtures("impatient")
def test_whatever_is_answered_is_what_is_booked(
    app: Flask, committed_db: Session, table: Slot, day: date, decider: Decider
) -> None:
    """Decisions and withdrawals meet: no confirmed booking without its 200, and none too many."""
    deciding = threading.Timer(0.28, decider, [table.resource_id])
    deciding.start()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _book(app, day), range(8)))
    deciding.join()

    told = {a.get_json()["booking_reference"] for a in answers if a.status_code == 200}
    rows = committed_db.execute(select(Booking.reference, Booking.status)).all()
    assert told == {reference for reference, status in rows if status == Status.CONFIRMED}
    assert {answer.status_code for answer in answers} <= {200, 400}


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (TooBusy(), 400, SAYS_NOTHING_BOOKED),
        (PoolTimeout(), 503, ""),
        (OperationalError("x", {}, psycopg.OperationalError()), 503, ""),
        (
            OperationalError("x", {}, psycopg.OperationalError(), connection_invalidated=True),
            400,
            "not known",
        ),
    ],
)
def test_a_5xx_is_given_only_while_nothing_can_have_been_written(
    ask: Asking,
    lunch: Slot,
    day: date,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    says: str,
) -> None:
    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr(placing, "place_hold", fail)

    answer = ask.book(day)

    assert says in detail(answer, status)
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_a_database_that_is_lost_after_the_hold_is_no_5xx(
    ask: Asking, db: Session, lunch: Slot, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> Any:
        raise PoolTimeout

    monkeypatch.setattr(placing, "wait_or_withdraw", lose)

    assert "not known" in detail(ask.book(day), 400)
    assert db.scalar(select(func.count()).select_from(Booking)) == 1


def test_our_own_mistake_has_this_face_s_shape(
    ask: Asking, lunch: Slot, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(views, "offered", fail)

    assert isinstance(detail(ask.search(day), 500), str)


def _book(app: Flask, day: date) -> Any:
    return Asking(app.test_client())("POST", "/BookingWithStripeToken", booking_form(day))
