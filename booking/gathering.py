"""Doing together what many threads want at the same moment.

Whoever comes while others are at work joins the next set; the first of it does the work for all.
Nobody waits for company: who comes alone is served alone. There is no thread that could die.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")


class _Errand(Generic[Wanted, Found]):
    """What one thread wants, and what came of it."""

    __slots__ = ("error", "found", "is_done", "turn", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.found: Found | None = None
        self.error: BaseException | None = None
        self.is_done = False
        # Held until the errand is done, or it is this thread's turn to do the work.
        self.turn = threading.Lock()
        self.turn.acquire()


class Gathering(Generic[Wanted, Found]):
    """Hands sets of errands to a function that returns a result, or an exception, for each.

    One set is on its way at a time, and what comes meanwhile makes the next. When a set takes long,
    perhaps because it waits for somebody, who has waited for `patience` begins another beside it;
    there are `lanes` at most.
    """

    def __init__(
        self,
        act: Callable[[Sequence[Wanted]], Sequence[Found | BaseException]],
        *,
        most: int,
        lanes: int,
        patience: float = 0.05,
    ) -> None:
        self._act = act
        self._most = most
        self._lanes = lanes
        self._patience = patience
        self._busy = 0
        self._waiting: deque[_Errand[Wanted, Found]] = deque()
        self._lock = threading.Lock()

    def run(self, wanted: Wanted) -> Found:
        """Have one errand done and return what came of it, or raise it."""
        mine: _Errand[Wanted, Found] = _Errand(wanted)
        with self._lock:
            is_first = self._busy == 0
            if is_first:
                self._busy = 1
            else:
                self._waiting.append(mine)
        if not is_first:
            self._await_turn(mine)
        if not mine.is_done:
            self._work(mine)
        if mine.error is not None:
            raise mine.error
        return mine.found  # type: ignore[return-value]

    def _await_turn(self, mine: _Errand[Wanted, Found]) -> None:
        while not mine.turn.acquire(timeout=self._patience):
            with self._lock:
                if self._busy < self._lanes and mine in self._waiting:
                    self._waiting.remove(mine)
                    self._busy += 1
                    return

    def _work(self, mine: _Errand[Wanted, Found]) -> None:
        """Do the own errand and what waits, and hand the lane on to who has come meanwhile."""
        with self._lock:
            count = min(len(self._waiting), self._most - 1)
            others = [self._waiting.popleft() for _ in range(count)]
        try:
            self._do([mine, *others])
        finally:
            with self._lock:
                successor = self._waiting.popleft() if self._waiting else None
                if successor is None:
                    self._busy -= 1
            for errand in [*others, *([successor] if successor else [])]:
                errand.turn.release()

    def _do(self, errands: list[_Errand[Wanted, Found]]) -> None:
        results: Sequence[Found | BaseException]
        try:
            results = self._act([errand.wanted for errand in errands])
        except Exception as error:  # noqa: BLE001 - each of those who wait raises it
            results = [error] * len(errands)
        for errand, result in zip(errands, results, strict=True):
            if isinstance(result, BaseException):
                errand.error = result
            else:
                errand.found = result
            errand.is_done = True
