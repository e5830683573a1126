"""A real worker on a real broker: what is rung for is decided, and nothing that comes kills it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from booking.doorbell import DECIDE_TASK
from booking.views import BookingView
from celery_config import DECIDE, app
from models import Resource, Slot
from models.database import engine
from settings import settings
from tests.engine.books import events_of, now, place, row, violations
from tests.factories import make_slot
from tests.races.meeting import wait_until, waiting_for_locks
from tests.workers.processes import child_of, decide_worker
from workers import sweep

pytestmark = pytest.mark.xdist_group("worker")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    with decide_worker(tmp_path_factory.mktemp("worker") / "log") as process:
        yield process


def is_decided(booking: BookingView) -> bool:
    return now(booking).status != "pending"


@pytest.mark.real_doorbell
def test_a_hold_is_decided_as_soon_as_it_is_placed(
    worker: subprocess.Popen[bytes], committed_db: Session
) -> None:
    booking = place(make_slot())

    wait_until(lambda: is_decided(booking), "the worker decides", 5)

    assert now(booking).status == "confirmed"
    assert events_of(booking) == ["placed", "confirmed"]


@pytest.mark.real_doorbell
def test_a_rush_is_decided_in_its_order(
    worker: subprocess.Popen[bytes], committed_db: Session
) -> None:
    slot = make_slot(capacity=30)
    bookings = [place(slot) for _ in range(60)]

    wait_until(lambda: is_decided(bookings[-1]), "the worker decides all of them", 10)

    assert [now(each).status for each in bookings] == ["confirmed"] * 30 + ["rejected"] * 30
    assert violations() == []


def test_a_bell_that_rings_twice_or_for_nothing_does_nothing(
    worker: subprocess.Popen[bytes], committed_db: Session
) -> None:
    slot = make_slot()
    booking = place(slot)

    for resource_id in [slot.resource_id] * 5 + [booking.id]:
        app.send_task(DECIDE_TASK, [str(resource_id)])
    last = place(make_slot())
    app.send_task(DECIDE_TASK, [str(last.resource_id)])

    wait_until(lambda: is_decided(last), "the worker comes to the last message", 5)
    assert events_of(booking) == ["placed", "confirmed"]
    assert worker.poll() is None


def test_a_lost_message_is_rung_again_by_the_sweeper(
    worker: subprocess.Popen[bytes], committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = place(make_slot())  # nobody rings for it
    monkeypatch.setattr(
        sweep,
        "settings",
        replace(settings, ring_after_seconds=0.0, sweep_after_seconds=600, sweeper_decides=False),
    )

    sweep.Sweeper().sweep()

    wait_until(lambda: is_decided(booking), "the worker decides", 5)
    assert [event.actor for event in row(booking).events] == ["customer", "decider"]


@pytest.mark.parametrize("serializer", ["pickle", "yaml"])
def test_only_json_is_understood_and_the_rest_is_refused(
    worker: subprocess.Popen[bytes], committed_db: Session, tmp_path: Path, serializer: str
) -> None:
    trap = tmp_path / "sprung"
    with app.connection_for_write() as connection:
        app.amqp.Producer(connection).publish(
            Trap(trap) if serializer == "pickle" else [["x"], {}, {}],
            routing_key=DECIDE,
            serializer=serializer,
            headers={"task": DECIDE_TASK, "id": "trap", "lang": "py", "root_id": "trap"},
            declare=[],
        )
    booking = place(make_slot())
    app.send_task(DECIDE_TASK, [str(booking.resource_id)])

    wait_until(lambda: is_decided(booking), "the worker goes on", 5)

    assert not trap.exists()
    assert worker.poll() is None


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    ("task", "arguments"),
    [("no.such.task", []), (DECIDE_TASK, []), (DECIDE_TASK, ["nonsense"]), (DECIDE_TASK, [None])],
)
def test_nonsense_is_put_aside(
    worker: subprocess.Popen[bytes], committed_db: Session, task: str, arguments: list[object]
) -> None:
    app.send_task(task, arguments, queue=DECIDE)
    booking = place(make_slot())
    app.send_task(DECIDE_TASK, [str(booking.resource_id)])

    wait_until(lambda: is_decided(booking), "the worker goes on", 5)

    assert worker.poll() is None


@pytest.mark.parametrize("garbage", ["no JSON", "[]", "{}", '"text"', '{"body": 1}', b"\xff\xfe"])
def test_what_is_no_message_is_thrown_away(
    worker: subprocess.Popen[bytes], committed_db: Session, garbage: str | bytes
) -> None:
    booking = place(make_slot())
    with Redis.from_url(settings.redis_url) as broker:
        broker.lpush(DECIDE, garbage)
        app.send_task(DECIDE_TASK, [str(booking.resource_id)])
        wait_until(lambda: is_decided(booking), "the worker goes on", 5)

        assert broker.llen(DECIDE) == 0
    assert worker.poll() is None


def test_a_child_killed_in_the_middle_loses_nothing(
    worker: subprocess.Popen[bytes], committed_db: Session
) -> None:
    slot = make_slot()
    booking = place(slot)
    child = child_of(worker)
    with engine().connect() as blocking:
        lock_resource_of(blocking, slot)
        app.send_task(DECIDE_TASK, [str(slot.resource_id)])
        wait_until(is_somebody_waiting, "the worker is in the middle of its task")
        os.kill(child, signal.SIGKILL)
        blocking.rollback()

    wait_until(lambda: is_decided(booking), "the message comes again", 20)
    assert now(booking).status == "confirmed"
    assert violations() == []


def lock_resource_of(connection: Connection, slot: Slot) -> None:
    locked = select(Resource.id).where(Resource.id == slot.resource_id)
    connection.execute(locked.with_for_update(key_share=True))


def is_somebody_waiting() -> bool:
    return waiting_for_locks() > 0
