"""Two or three sessions, statement by statement, in orders drawn from a seed: the books balance.

Each session stops before each of its statements and each commit, and goes on when the order says
so; one that waits for another's lock is passed over until it is let through.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.errors import BookingError
from booking.expiry import expire_held
from booking.lifecycle import cancel_booking, confirm_hold, withdraw_hold
from models import Slot, Status
from models.database import engine
from tests.engine.books import EXAMPLES, place, violations
from tests.factories import make_booking, make_slot
from tests.races.conftest import locks_out
from tests.races.meeting import PATIENCE_SECONDS, Racer, wait_until, waiting_for_locks

__all__ = ["locks_out"]

Act = Callable[[], Any]

STAFF = Actor("staff", "somebody")
ORDERS = EXAMPLES or 4
STEPS = 40


def deciding(slot: Slot) -> list[Act]:
    """Two deciders, and one who takes back a hold that they decide."""
    holds = [place(slot, quantity=1) for _ in range(3)]
    resource_id, first = slot.resource_id, holds[0].id
    return [
        lambda: decide_pending(resource_id),
        lambda: decide_pending(resource_id),
        lambda: withdraw_hold(booking_id=first),
    ]


def changing(slot: Slot) -> list[Act]:
    """One who wants more places, one who gives up theirs, and a decider."""
    mine, theirs = make_booking(slot, quantity=1), make_booking(slot, quantity=1)
    place(slot, quantity=1)
    more, resource_id = mine.id, slot.resource_id
    given_up = theirs.id
    return [
        lambda: change_booking(booking_id=more, change=Change(quantity=2), by=STAFF),
        lambda: cancel_booking(booking_id=given_up, by=STAFF),
        lambda: decide_pending(resource_id),
    ]


def confirming(slot: Slot) -> list[Act]:
    """A hold that is confirmed and cancelled while the sweeper and a decider pass by."""
    held = make_booking(slot, status=Status.HELD, quantity=1)
    place(slot, quantity=1)
    held_id, resource_id = held.id, slot.resource_id
    return [
        lambda: confirm_hold(booking_id=held_id),
        lambda: cancel_booking(booking_id=held_id, by=STAFF),
        lambda: (expire_held(resource_id), decide_pending(resource_id)),
    ]


SCENES = [deciding, changing, confirming]


@pytest.mark.parametrize("seed", range(ORDERS))
@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_in_any_order_of_statements_the_books_balance(
    committed_db: Session, scene: Callable[[Slot], list[Act]], seed: int
) -> None:
    acts = scene(make_slot(capacity=2))
    committed_db.rollback()

    outcomes = _in_order(acts, seed)

    assert not [each for each in outcomes if not _is_known(each)], outcomes
    assert violations() == []


def test_without_locks_some_order_breaks_them(
    committed_db: Session, locks_out: Callable[[], None]
) -> None:
    """The twin: the same orders, and nobody waits for anybody."""
    locks_out()
    broken = set[str]()
    for seed in range(32):
        acts = changing(make_slot(capacity=2))
        committed_db.rollback()
        _in_order(acts, seed)
        broken |= set(violations())
        if broken:
            break

    assert broken


def _is_known(outcome: object) -> bool:
    return not isinstance(outcome, BaseException) or isinstance(outcome, BookingError)


def _in_order(acts: list[Act], seed: int) -> list[Any]:
    """Let the acts go on step by step in an order of this seed; returns what came of each."""
    chance = random.Random(seed)
    scheduler = Scheduler(acts)
    with scheduler.stopping():
        for _ in range(STEPS):
            scheduler.step(chance.randrange(len(acts)))
        return scheduler.end()


class Scheduler:
    """Racers that stop before each statement and each commit until it is their turn."""

    def __init__(self, acts: list[Act]) -> None:
        self._racers = [Racer(act) for act in acts]
        self._turns = [threading.Semaphore(0) for _ in acts]
        self._stands = [threading.Event() for _ in acts]
        self._is_over = False

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Start all and keep them stopping; each stands before its first statement then."""
        event.listen(engine(), "before_cursor_execute", self._stop)
        event.listen(engine(), "commit", self._stop)
        try:
            for racer in self._racers:
                racer.start()
            wait_until(lambda: all(map(self._is_still, range(len(self._racers)))), "all stand")
            yield
        finally:
            self._let_all_go()
            event.remove(engine(), "before_cursor_execute", self._stop)
            event.remove(engine(), "commit", self._stop)

    def step(self, number: int) -> None:
        """Let one go on to its next stop, its end, or a lock that another holds."""
        if not self._stands[number].is_set():
            return
        behind_locks = sum(not self._is_still(each) for each in range(len(self._racers)))
        self._stands[number].clear()
        self._turns[number].release()
        wait_until(
            lambda: self._is_still(number) or waiting_for_locks() > behind_locks,
            "it comes to its next stop",
        )

    def end(self) -> list[Any]:
        """Let all go on to their ends."""
        self._let_all_go()
        return [racer.finish() for racer in self._racers]

    def _is_still(self, number: int) -> bool:
        return self._stands[number].is_set() or self._racers[number].is_done

    def _let_all_go(self) -> None:
        self._is_over = True
        for turn in self._turns:
            turn.release()

    def _stop(self, *_: object) -> None:
        for number, racer in enumerate(self._racers):
            if racer.thread is threading.current_thread() and not self._is_over:
                self._stands[number].set()
                assert self._turns[number].acquire(timeout=PATIENCE_SECONDS), "nobody let it go"


def test_the_scheduler_keeps_the_order_that_it_is_given(committed_db: Session) -> None:
    said: list[str] = []

    def speak(name: str) -> Act:
        def act() -> None:
            with engine().connect() as connection:
                for count in range(2):
                    connection.execute(text("SELECT 1"))
                    said.append(f"{name}{count}")

        return act

    scheduler = Scheduler([speak("a"), speak("b")])
    with scheduler.stopping():
        for number in (1, 1, 0, 0):
            scheduler.step(number)
        scheduler.end()

    assert said == ["b0", "b1", "a0", "a1"]
