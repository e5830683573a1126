"""Threads that meet where a test wants them to: at a barrier, or in the middle of a transaction."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pytest
from sqlalchemy import event, text

from models.database import engine

T = TypeVar("T")

PATIENCE_SECONDS = 15.0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"in {seconds:.0f} s it did not happen: {what}")
        time.sleep(0.005)


class Racer(Generic[T]):
    """A thread that does one thing and keeps what came of it, an error as well."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self.outcome: T | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Racer[T]":
        self.thread.start()
        return self

    @property
    def is_done(self) -> bool:
        return self.thread.ident is not None and not self.thread.is_alive()

    def finish(self) -> T | BaseException | None:
        """Wait for the end and return what came of it."""
        self.thread.join(PATIENCE_SECONDS)
        assert self.is_done, "the thread did not come to an end"
        return self.error if self.error is not None else self.outcome

    def _run(self) -> None:
        try:
            self.outcome = self._act()
        except BaseException as error:  # noqa: BLE001 - the test judges it
            self.error = error


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Let all of them begin at the same moment; returns what came of each, in their order."""
    barrier = threading.Barrier(len(acts))

    def begin(act: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            barrier.wait(PATIENCE_SECONDS)
            return act()

        return run

    racers = [Racer(begin(act)).start() for act in acts]
    return [racer.finish() for racer in racers]


class Stop:
    """Stops one racer where it calls a function, before the call or after it, until let go."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        racer: Racer[Any],
        module: Any,
        name: str,
        *,
        after: bool = False,
    ) -> None:
        self.reached, self._go = threading.Event(), threading.Event()
        function = getattr(module, name)

        def stopping(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not racer.thread or self.reached.is_set():
                return function(*args, **kwargs)
            if after:
                result = function(*args, **kwargs)
                self._wait()
                return result
            self._wait()
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, stopping)

    def let_go(self) -> None:
        self._go.set()

    def _wait(self) -> None:
        self.reached.set()
        assert self._go.wait(PATIENCE_SECONDS), "nobody let the stopped racer go"


def overtake(
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[], Any],
    second: Callable[[], Any],
    *,
    at: tuple[Any, str],
    after: bool = False,
    between: Callable[[], None] = lambda: None,
) -> tuple[Any, Any]:
    """Stop the first in the middle, let the second come as far as it can, then let both end."""
    slow, fast = Racer(first), Racer(second)
    stop = Stop(monkeypatch, slow, *at, after=after)
    slow.start()
    wait_until(lambda: stop.reached.is_set() or slow.is_done, "the first one reaches its stop")
    between()
    fast.start()
    wait_until(lambda: fast.is_done or waiting_for_locks() > 0, "the second one waits or ends")
    stop.let_go()
    return slow.finish(), fast.finish()


def waiting_for_locks() -> int:
    """Return how many transactions of this database wait for a lock right now."""
    with engine().connect() as connection:
        return connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )


@contextmanager
def rewritten(old: str, new: str) -> Iterator[None]:
    """Rewrite every statement on its way to the database: for taking a protection out."""

    def rewrite(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        return statement.replace(old, new), parameters

    event.listen(engine(), "before_cursor_execute", rewrite, retval=True)
    try:
        yield
    finally:
        event.remove(engine(), "before_cursor_execute", rewrite)
