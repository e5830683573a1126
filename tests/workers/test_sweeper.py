"""The sweeper: what nobody was told of, nobody came for, or nobody wanted in time."""

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from settings import settings
from tests.engine.books import events_of, left, now, place, place_and_decide, row, run_out
from tests.factories import make_slot
from tests.races.meeting import wait_until
from tests.workers.processes import last_beat, running
from workers import sweep
from workers.sweep import Sweeper


class Bells:
    """Stands in for the publisher: notes who was rung for, or does not answer."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []
        self.is_dead = False
        self.tried = 0

    def publish(self, resource_id: UUID) -> None:
        self.tried += 1
        if self.is_dead:
            raise ConnectionError("nobody answers")
        self.rung.append(resource_id)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> Bells:
    made = Bells()
    monkeypatch.setattr(sweep, "Publisher", lambda: made)
    set_ages(monkeypatch)
    return made


def set_ages(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """Ring for everything at once and decide nothing because of its age, unless told otherwise."""
    given = {"ring_after_seconds": 0.0, "sweep_after_seconds": 600.0} | values
    monkeypatch.setattr(sweep, "settings", replace(settings, **given))


def test_what_waits_is_rung_for_once_a_resource(db: Session, bells: Bells) -> None:
    here, there = make_slot(), make_slot()
    bookings = [place(here), place(here), place(there)]

    Sweeper().sweep()

    assert sorted(bells.rung) == sorted([here.resource_id, there.resource_id])
    assert {now(each).status for each in bookings} == {"pending"}


def test_what_is_young_is_left_to_the_workers(
    db: Session, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ages(monkeypatch, ring_after_seconds=60.0)
    booking = place(make_slot())

    Sweeper().sweep()

    assert bells.rung == []
    assert now(booking).status == "pending"


def test_it_decides_by_itself_when_the_broker_does_not_answer(db: Session, bells: Bells) -> None:
    bells.is_dead = True
    bookings = [place(make_slot()) for _ in range(3)]

    Sweeper().sweep()

    assert {now(each).status for each in bookings} == {"confirmed"}
    assert bells.tried == 1  # a frozen broker would cost its time once a turn
    assert [event.actor for event in row(bookings[0]).events] == ["customer", "sweeper"]


def test_it_decides_by_itself_what_nobody_came_for(
    db: Session, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ages(monkeypatch, sweep_after_seconds=0.0)
    booking = place(make_slot())

    Sweeper().sweep()

    assert now(booking).status == "confirmed"
    assert bells.rung == []


@pytest.mark.parametrize("is_dead", [True, False])
def test_its_deciding_can_be_turned_off(
    db: Session, bells: Bells, monkeypatch: pytest.MonkeyPatch, is_dead: bool
) -> None:
    set_ages(monkeypatch, sweep_after_seconds=0.0, sweeper_decides=False)
    bells.is_dead = is_dead
    booking = place(make_slot())

    Sweeper().sweep()

    assert now(booking).status == "pending"


def test_what_is_past_its_deadline_is_let_go_and_given_back(db: Session, bells: Bells) -> None:
    slot = make_slot(capacity=3)
    held = place_and_decide(slot, hold_minutes=5)
    run_out(held)
    undecided = place(slot)
    run_out(undecided)

    Sweeper().sweep()

    assert (row(held).status, row(held).reason) == ("expired", "not_confirmed")
    assert (row(undecided).status, row(undecided).reason) == ("expired", "not_decided")
    assert left(slot) == 3


def test_a_resource_that_fails_does_not_stop_the_others(
    db: Session, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ages(monkeypatch, sweep_after_seconds=0.0)
    bad, good = make_slot(), make_slot(capacity=3)
    place(bad)
    waits, held = place(good), place_and_decide(make_slot(), hold_minutes=5)
    run_out(held)
    decide_pending = sweep.decide_pending

    def fail_for_one(resource_id: UUID, **given: Any) -> int:
        if resource_id == bad.resource_id:
            raise ConnectionError("its slot is locked by somebody who sleeps")
        return decide_pending(resource_id, **given)

    monkeypatch.setattr(sweep, "decide_pending", fail_for_one)

    Sweeper().sweep()

    assert now(waits).status == "confirmed"
    assert row(held).status == "expired"


def test_it_shows_that_it_lives(db: Session, bells: Bells) -> None:
    assert last_beat("sweeper") is None

    Sweeper().sweep()

    assert last_beat("sweeper") is not None


def test_an_error_of_one_turn_does_not_end_it(
    db: Session, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ages(monkeypatch, sweep_interval_seconds=0.0)
    sweeper = Sweeper()
    turns: list[int] = []

    def fail_twice(**_: Any) -> list[Any]:
        turns.append(1)
        if len(turns) == 3:
            sweeper.stopped.set()
            return []
        raise ConnectionError("the database is away")

    monkeypatch.setattr(sweep, "read_backlogs", fail_twice)

    sweeper.run()

    assert len(turns) == 3


def test_the_process_sweeps_without_any_broker_and_stops_when_told(
    committed_db: Session, tmp_path: Path
) -> None:
    """Everything is real but the broker, which is not there."""
    slot = make_slot(capacity=1)
    bookings = [place(slot), place(slot)]
    late = place_and_decide(make_slot(), hold_minutes=5)
    run_out(late)
    log = tmp_path / "sweeper.log"
    nobody = "redis://127.0.0.1:9/0"
    program = [sys.executable, "-m", "workers.sweep"]
    with running(program, log, REDIS_URL=nobody, HOLDFAST_RING_AFTER_SECONDS="0.1") as process:
        wait_until(
            lambda: (
                [row(each).status for each in [*bookings, late]]
                == ["confirmed", "rejected", "expired"]
            ),
            f"the sweeper decides; see {log}",
            20,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert "Traceback" not in log.read_text()
    assert events_of(bookings[0]) == ["placed", "confirmed"]
