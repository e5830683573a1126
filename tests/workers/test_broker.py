"""A broker that is dead, frozen or restarted costs a moment and never a booking."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import doorbell
from booking.doorbell import UNREACHABLE, Doorbell, Publisher
from celery_config import DECIDE
from models import Resource
from models.database import engine
from tests.engine.books import now, place, violations
from tests.factories import make_slot
from tests.races.meeting import wait_until, waiting_for_locks
from tests.workers.processes import Broker, decide_worker

MOST_SECONDS = 0.05

Trouble = Callable[[Broker], None]
TROUBLES = [Broker.die, Broker.freeze]

pytestmark = [pytest.mark.real_doorbell, pytest.mark.xdist_group("broker")]


def messages(broker: Broker) -> int:
    with Redis.from_url(broker.url) as client:
        return int(client.llen(DECIDE))  # type: ignore[arg-type]


def seconds_for(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def test_a_ring_reaches_the_broker(broker: Broker, bell: Doorbell) -> None:
    bell.ring(uuid4())

    wait_until(lambda: messages(broker) == 1, "the message is there", 5)


def test_a_bell_that_hangs_unheard_is_not_rung_again(broker: Broker, bell: Doorbell) -> None:
    resource_id, other, publisher = uuid4(), uuid4(), Publisher()
    for _ in range(5):
        publisher.publish(resource_id)
    publisher.publish(other)
    assert messages(broker) == 1

    assert doorbell.take_down(resource_id) == {resource_id, other}
    publisher.publish(resource_id)

    assert messages(broker) == 2
    assert doorbell.take_down(other) == {resource_id, other}


def test_of_very_many_the_rest_is_left_to_another(
    broker: Broker, bell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "MOST_TOGETHER", 2)
    monkeypatch.setattr(doorbell, "ring", bell.ring)
    rung = {uuid4() for _ in range(5)}
    Publisher().publish(*rung)
    heard: set[UUID] = set()
    for turn in range(1, 4):
        wait_until(partial(lambda turn: messages(broker) == turn, turn), "the bell rings", 5)
        taken = doorbell.take_down()
        assert len(taken) <= 2
        heard |= taken

    assert heard == rung


@pytest.mark.parametrize("trouble", TROUBLES)
def test_ringing_costs_nothing_when_nobody_hears(
    broker: Broker, bell: Doorbell, trouble: Trouble
) -> None:
    trouble(broker)

    slowest = max(seconds_for(lambda: bell.ring(uuid4())) for _ in range(200))

    assert slowest < MOST_SECONDS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_placing_a_hold_is_not_slowed_down(
    committed_db: Session, broker: Broker, bell: Doorbell, trouble: Trouble
) -> None:
    slot = make_slot()
    usual = median(seconds_for(lambda: place(slot)) for _ in range(20))
    trouble(broker)

    times = [seconds_for(lambda: place(slot)) for _ in range(40)]

    assert median(times) - usual < MOST_SECONDS
    assert sorted(times)[-3] - usual < 2 * MOST_SECONDS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_publishing_gives_up_soon_and_says_so(
    broker: Broker, bell: Doorbell, trouble: Trouble
) -> None:
    """Also when the connection was made while all was well."""
    publisher = Publisher()
    publisher.publish(uuid4())
    trouble(broker)

    def publish() -> None:
        with pytest.raises(UNREACHABLE):
            publisher.publish(uuid4())

    assert seconds_for(publish) < 3


def test_after_the_trouble_the_bell_is_heard_again(broker: Broker, bell: Doorbell) -> None:
    bell.ring(uuid4())
    wait_until(lambda: messages(broker) == 1, "the message is there", 5)
    broker.die()
    bell.ring(uuid4())
    broker.start()

    def rings() -> bool:
        bell.ring(uuid4())
        return messages(broker) > 0

    wait_until(rings, "a ring comes through again", 10)


def test_a_worker_hears_again_soon_after_a_broker_that_was_long_away(
    committed_db: Session, broker: Broker, bell: Doorbell, tmp_path: Path
) -> None:
    """By now Celery by itself would pause for eight seconds, and then for ever longer."""
    with decide_worker(tmp_path / "worker.log", REDIS_URL=broker.url):
        broker.die()
        log = tmp_path / "worker.log"
        wait_until(lambda: log.read_text().count("Cannot connect to") >= 4, "it knocks", 30)
        broker.start()
        back = time.monotonic()
        booking = place(make_slot())
        Publisher().publish(booking.resource_id)

        wait_until(lambda: now(booking).status == "confirmed", "the worker hears again", 6)
        assert time.monotonic() - back < 6


def test_a_broker_restarted_in_the_middle_of_a_task_does_not_end_the_worker(
    committed_db: Session, broker: Broker, bell: Doorbell, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with decide_worker(log, REDIS_URL=broker.url) as worker:
        slot = make_slot()
        with engine().connect() as blocking:
            locked = select(Resource.id).where(Resource.id == slot.resource_id)
            blocking.execute(locked.with_for_update(key_share=True))
            first = place(slot)
            wait_until(lambda: waiting_for_locks() > 0, "the worker is in the middle of its task")
            broker.die()
            broker.start()
            # The task is to end on the connection that is gone, after the worker has another.
            wait_until(lambda: log.read_text().count("Connected to") > 1, "it connects again", 30)
            blocking.rollback()
        wait_until(lambda: now(first).status == "confirmed", "the task ends well")

        second = place(make_slot())
        publisher = Publisher()

        def is_decided_by_the_same_worker() -> bool:
            doorbell.take_down(second.resource_id)
            publisher.publish(second.resource_id)
            time.sleep(0.1)
            return now(second).status == "confirmed" or worker.poll() is not None

        wait_until(is_decided_by_the_same_worker, "the worker hears again", 20)
        assert worker.poll() is None, log.read_text()
    assert "AttributeError" not in log.read_text()
    assert violations() == []
