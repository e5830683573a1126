"""The bounded wait under stress: collisions by the thousand, no workers at all, a crowd that waits.

The servers here are gunicorn as `up` starts it, with the settings that an installation has.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import lifecycle
from booking.decide import decide_pending
from booking.lifecycle import withdraw_hold
from models import Booking, Kind, Resource, Slot, Status, Venue
from models.database import engine
from settings import settings
from tests.api.asking import body_for
from tests.engine.books import place, violations
from tests.factories import make_contact, make_resource, make_slot, make_venue, session
from tests.races.conftest import locks_out
from tests.races.meeting import PATIENCE_SECONDS, Racer, overtake, wait_until
from tests.workers.processes import Broker, web_server

__all__ = ["locks_out"]

BOATS, ROUNDS = 20, 50
PATIENT = aiohttp.ClientTimeout(total=40)
# How much later than its time an answer may come on a machine that is busy with other tests.
MARGIN_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Heard:
    """What one client was told, and how long it took."""

    status: int
    body: dict[str, Any]
    seconds: float
    headers: dict[str, str]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, to which nobody listens."""
    made = Broker(tmp_path / "valkey")
    made.start()
    yield made
    made.die()


def test_decision_and_withdrawal_collide_a_thousand_times(committed_db: Session) -> None:
    """Whoever comes first wins, and the answer to the withdrawal is what the row says for ever.

    The head start of the decision is set by the last outcome, so that they meet all the time.
    """
    slots = [make_slot(capacity=ROUNDS) for _ in range(BOATS)]
    race = _Race()
    told: dict[UUID, Status] = {}
    for _ in range(ROUNDS):
        for booking in [place(slot, decide_within=60.0) for slot in slots]:
            told[booking.id] = race.run(booking.resource_id, booking.id)
    race.end()

    rows = {row.id: row.status for row in committed_db.execute(select(Booking.id, Booking.status))}
    outcomes = Counter(told.values())
    assert told == rows
    assert set(outcomes) == {Status.CONFIRMED, Status.EXPIRED}
    assert outcomes.total() == BOATS * ROUNDS
    assert min(outcomes.values()) > 50, outcomes
    assert _taken(slots) == outcomes[Status.CONFIRMED]
    assert violations() == []


def test_without_locks_a_withdrawal_gives_back_what_was_just_decided(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch, locks_out: Callable[[], None]
) -> None:
    """The twin: what the collisions would do if nobody waited for the other."""
    locks_out()
    slot = make_slot()
    booking = place(slot, decide_within=60.0)

    told, _ = overtake(
        monkeypatch,
        lambda: withdraw_hold(booking_id=booking.id),
        lambda: decide_pending(slot.resource_id),
        at=(lifecycle, "read_clock"),
    )

    assert (told, _taken([slot])) == (Status.EXPIRED, 1)
    assert any("places do not add up" in each for each in violations())


def test_without_workers_every_client_is_told_no_in_time_and_nothing_is_booked(
    committed_db: Session, broker: Broker, tmp_path: Path
) -> None:
    """No worker, no sweeper: sixty clients of the boats API, each told within its time."""
    departures = _departures(3, capacity=100)

    with web_server(tmp_path / "web.log", REDIS_URL=broker.url) as address:
        heard = _together(address, *[_booking_seats(departures[n % 3]) for n in range(60)])

    assert Counter((h.status, h.body["error"]) for h in heard) == {(503, "not_decided"): 60}
    assert all("Retry-After" in h.headers for h in heard)
    assert max(h.seconds for h in heard) < settings.face_wait_seconds + MARGIN_SECONDS
    assert _statuses() == {(Status.EXPIRED, "withdrawn"): 60}
    for departure in departures:
        decide_pending(departure.resource_id)
    assert _statuses() == {(Status.EXPIRED, "withdrawn"): 60}
    assert _taken(departures) == 0
    assert violations() == []


def test_three_hundred_who_wait_keep_nobody_else_waiting(
    committed_db: Session, broker: Broker, tmp_path: Path, decider: Callable[[UUID], None]
) -> None:
    """Half of them come by the boats API, half prefer to wait; the others are served meanwhile."""
    boats, tables = _departures(15, capacity=100), [make_slot(capacity=100) for _ in range(15)]
    others = make_slot(capacity=500)
    waiting = [_booking_seats(boats[n % 15]) for n in range(150)]
    waiting += [_preferring_to_wait(tables[n % 15]) for n in range(150)]
    ordinary = [_ordinary(others) for _ in range(8)]
    patience = {"HOLDFAST_FACE_WAIT_SECONDS": "12", "REDIS_URL": broker.url}

    with web_server(tmp_path / "web.log", **patience) as address:
        crowd = Racer(lambda: _together(address, *waiting)).start()
        wait_until(lambda: _pending() > 200 or crowd.is_done, "the crowd waits")
        assert _pending() > 200
        served = [heard for each in _together(address, *ordinary) for heard in each]
        waited_on = _pending()
        for slot in [*boats, *tables]:
            decider(slot.resource_id)
        heard = crowd.finish()

    assert isinstance(heard, list), heard
    assert waited_on > 200
    assert {h.status for h in served} == {200, 202}
    assert max(h.seconds for h in served) < 2
    assert len(heard) == 300
    known = (_is_last_word, _is_clear_refusal, _is_accepted)
    assert all(any(is_so(h) for is_so in known) for h in heard), heard
    assert sum(map(_is_last_word, heard)) > 200
    confirmed = sum(h.body.get("status") == "confirmed" for h in heard)
    assert _taken([*boats, *tables]) == confirmed
    assert violations() == []


class _Race:
    """A decider and a caller who gives up, who meet at a barrier for each booking."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self._head_start = 0.0
        self._resources: list[UUID] = []
        self._is_over = False
        self._begin, self._ended = threading.Event(), threading.Event()
        self._decider = Racer(self._decide).start()

    def run(self, resource_id: UUID, booking_id: UUID) -> Status:
        """Let both begin; returns what the caller who gave up was told."""
        self._resources.append(resource_id)
        self._begin.set()
        self._barrier.wait(PATIENCE_SECONDS)
        _spin(self._head_start)
        told = withdraw_hold(booking_id=booking_id)
        assert self._ended.wait(PATIENCE_SECONDS)
        self._ended.clear()
        step = 0.0002 if told is Status.EXPIRED else -0.0002
        self._head_start = max(0.0, self._head_start + step)
        return told

    def end(self) -> None:
        """Let the decider go home; its own errors are the test's."""
        self._is_over = True
        self._begin.set()
        assert self._decider.finish() is None

    def _decide(self) -> None:
        while self._begin.wait(PATIENCE_SECONDS) and not self._is_over:
            self._begin.clear()
            self._barrier.wait(PATIENCE_SECONDS)
            decide_pending(self._resources.pop())
            self._ended.set()


def _spin(seconds: float) -> None:
    """Let a part of a millisecond pass; nothing can be awaited for that."""
    time.sleep(seconds)


Client = Callable[[aiohttp.ClientSession], Coroutine[Any, Any, Any]]


def _together(address: str, *clients: Client) -> list[Any]:
    """Let all clients call at once, each over a connection of its own."""

    async def rush() -> list[Any]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(address, connector=connector, timeout=PATIENT) as web:
            return await asyncio.gather(*(client(web) for client in clients))

    return asyncio.run(rush())


def _booking_seats(departure: Slot) -> Client:
    """A client of the boats API."""
    body = {
        "departure_id": str(departure.id),
        "seats_requested": 1,
        "customer": make_contact(),
    }
    return lambda web: _call(web, "POST", "/api/bookings", json=body)


def _preferring_to_wait(slot: Slot) -> Client:
    """A client of the native API who would rather hear the outcome at once."""
    body = body_for(slot, quantity=1, customer=make_contact())
    headers = {"Prefer": "wait=20"}
    return lambda web: _call(web, "POST", "/api/v1/bookings", json=body, headers=headers)


def _ordinary(slot: Slot) -> Client:
    """A client who looks and asks for bookings, one call after the other, and never waits."""
    bodies = [body_for(slot, quantity=1, customer=make_contact()) for _ in range(5)]

    async def run(web: aiohttp.ClientSession) -> list[Heard]:
        heard = []
        for body in bodies:
            heard.append(await _call(web, "GET", "/api/v1/venues"))
            heard.append(await _call(web, "POST", "/api/v1/bookings", json=body))
        return heard

    return run


async def _call(web: aiohttp.ClientSession, method: str, path: str, **given: Any) -> Heard:
    began = time.monotonic()
    async with web.request(method, path, **given) as answer:
        body = await answer.json(content_type=None)
    seconds = time.monotonic() - began
    return Heard(answer.status, body, seconds, dict(answer.headers))


def _is_last_word(heard: Heard) -> bool:
    return heard.status in (200, 201) and heard.body["status"] == "confirmed"


def _is_clear_refusal(heard: Heard) -> bool:
    """Nothing is booked, and the client may come again."""
    return heard.status == 503 and (
        heard.body.get("error") == "not_decided" or "Retry-After" in heard.headers
    )


def _is_accepted(heard: Heard) -> bool:
    """Whoever only prefers to wait, on the native API, is told 202 as ever when that failed."""
    is_native = "access_token" in heard.body
    return is_native and heard.status == 202 and heard.body["status"] == "pending"


def _departures(count: int, *, capacity: int) -> list[Slot]:
    operator: Venue = make_venue(kind=Kind.BOATS, code_prefix="JKB")
    boats: list[Resource] = [make_resource(operator, max_quantity=50) for _ in range(count)]
    attributes = {"destination": "Island Paradise"}
    return [make_slot(boat, capacity=capacity, attributes=attributes) for boat in boats]


def _taken(slots: list[Slot]) -> int:
    session().expire_all()
    return sum(slot.capacity - slot.remaining for slot in slots)


def _pending() -> int:
    """Return how many bookings wait for a decision, as another connection sees it."""
    query = select(func.count()).select_from(Booking).where(Booking.status == Status.PENDING)
    with engine().connect() as connection:
        return connection.scalar(query) or 0


def _statuses() -> Counter[tuple[str, str | None]]:
    with engine().connect() as connection:
        rows = connection.execute(select(Booking.status, Booking.reason))
        return Counter((status, reason) for status, reason in rows)
