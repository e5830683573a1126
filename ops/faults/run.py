"""One row of a run: a venue of its own under load, its faults, and the judgement."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

from ops.errors import OpsError
from ops.faults.figures import Decided, Fault, Goals, Outcome, measure, misses
from ops.faults.journal import Journal, read_journal
from ops.faults.load import Load, Place
from ops.faults.referee import Watch, judge
from ops.faults.stack import Stack
from ops.faults.venue import add_venue

SETTLE_SECONDS = 30.0
WELL_SECONDS = 30.0
_LOOK_SECONDS = 0.05


class Run:
    """What a row works with: the stack, the load, a chance of its own, and the faults so far."""

    def __init__(
        self,
        stack: Stack,
        *,
        row: str,
        seed: int,
        rate: float,
        pace: float,
        folder: Path,
        show: Callable[[str], None],
    ) -> None:
        self.stack = stack
        self.pace = pace
        self.chance = random.Random(f"{row}-{seed}-faults")
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.missed: list[str] = []
        self.extra: list[str] = []
        self.stopped = asyncio.Event()
        self.settle_seconds = SETTLE_SECONDS
        self.row, self._show = row, show
        self.slug = f"faults-{row.lower()}-{seed}"
        add_venue(stack, self.slug)
        with stack.connect() as connection:
            found = connection.execute("SELECT id FROM venues WHERE slug = %s", [self.slug])
            self.venue: int = (found.fetchone() or (0,))[0]
        places = self._places()
        hot = places[0].resource_id
        self.journal = Journal(folder / f"{row}-{seed}.jsonl")
        self.load = Load(
            stack.address,
            self.journal,
            [place for place in places if place.resource_id == hot][:1],
            [place for place in places if place.resource_id != hot],
            random.Random(f"{row}-{seed}-load"),
            self.slug,
            rate,
        )

    @property
    def places(self) -> list[Place]:
        """Return every slot of the row's venue."""
        return [*self.load.hot, *self.load.others]

    def say(self, text: str) -> None:
        """Show what is being done just now."""
        self._show(f"{self.row}: {text}, {self.load.count} bookings")

    async def moments(self, count: int) -> AsyncIterator[int]:
        """Yield `count` times, each after a pause drawn from the seed and once all is well."""
        for number in range(1, self.some(count) + 1):
            await self.calm()
            await asyncio.sleep(self.pace * self.chance.uniform(0.5, 2.0))
            self.say(f"fault {number} of {count}")
            yield number
        await self.calm()
        await self.last(2)

    def some(self, count: int, quick: int = 1) -> int:
        """Return how many times something is done: fewer times where all is to be quick."""
        return count if self.pace >= 1 else quick

    async def last(self, seconds: float) -> None:
        """Let a state last for so long, or less where all is to be quick."""
        await asyncio.sleep(seconds * min(1.0, self.pace))

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[Fault]:
        """Note a fault from its beginning to its end."""
        noted = Fault(name, time.time(), time.time())
        self.faults.append(noted)
        try:
            yield noted
        finally:
            noted.over_at = time.time()

    async def at_once(self, name: str, act: Callable[..., object], *given: Any) -> Fault:
        """Do something that is over when it is done, such as a kill."""
        async with self.fault(name) as noted:
            act(*given)
        return noted

    async def until(
        self, condition: Callable[..., Any], *given: Any, seconds: float, what: str
    ) -> Any:
        """Wait for a condition, asked on another thread. Raises OpsError when it does not come."""
        deadline = time.monotonic() + seconds
        while True:
            if found := await asyncio.to_thread(condition, *given):
                return found
            if time.monotonic() > deadline:
                raise OpsError(f"{self.row}: in {seconds:.0f} s it did not happen: {what}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def calm(self) -> None:
        """Wait until every part is well and nothing old is pending, or go on without.

        A machine that is busy with other things as well may never be calm under load.
        """
        try:
            await self.until(self._is_well, seconds=WELL_SECONDS, what="all is well")
        except OpsError:
            self.notes.append(f"not calm within {WELL_SECONDS:.0f} s")

    def ask(self, question: str, *parameters: object) -> Any:
        """Return the first value of a question to the database, None while it is away."""
        try:
            with self.stack.connect() as connection:
                row = connection.execute(question, parameters).fetchone()
        except psycopg.Error:
            return None
        return row[0] if row else None

    def decided_by_worker_since(self, moment: float) -> float | None:
        """Return when a worker, and not the sweeper, has decided for the first time since then."""
        return self.ask(
            "SELECT extract(epoch FROM min(at))::float FROM booking_events WHERE venue_id = %s"
            " AND actor = 'decider' AND kind <> 'placed' AND at > to_timestamp(%s)",
            self.venue,
            moment,
        )

    def oldest_pending(self) -> float | None:
        """Return the age of the oldest pending booking of the venue, None while nobody knows."""
        return self.ask(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float"
            " FROM bookings WHERE venue_id = %s AND status = 'pending'",
            self.venue,
        )

    def must(self, name: str, seconds: float, goal: float) -> None:
        """Note a time that this row measures itself, and whether it was good enough."""
        self.notes.append(f"{name} {seconds:.2f} s")
        if seconds > goal:
            self.missed.append(f"{name} {seconds:.2f} s, goal {goal:g} s")

    def _is_well(self) -> bool:
        checks = self.stack.health()
        if checks is None or set(checks.values()) - {"off"} != {"ok"}:
            return False
        oldest = self.oldest_pending()
        return oldest is not None and oldest < 2.0

    def _places(self) -> list[Place]:
        url = f"{self.stack.address}/api/v1/venues/{self.slug}/slots?limit=200"
        with urlopen(url, timeout=10) as answer:
            items = json.load(answer)["items"]
        found = [Place(each["id"], each["resource_id"]) for each in items]
        with self.stack.connect() as connection:
            named = "SELECT id::text FROM resources WHERE venue_id = %s ORDER BY name"
            order = [row[0] for row in connection.execute(named, [self.venue])]
        return sorted(found, key=lambda place: order.index(place.resource_id))


async def run_row(
    run: Run,
    act: Callable[[Run], Any],
    *,
    what: str,
    seed: int,
    goals: Goals,
    is_control: bool,
) -> Outcome:
    """Let the load begin, break things, wait until all is settled, and judge."""
    with Watch(run.stack.direct_url, run.venue) as watch:
        crowd = asyncio.create_task(run.load.run(run.stopped))
        try:
            await act(run)
        except OpsError as error:
            run.missed.append(f"broke off: {error}")
        finally:
            run.stopped.set()
            run.say("waiting for the last clients")
            await crowd
        await _settle(run)
    run.journal.close()
    outcome = Outcome(run.row, what, seed, is_control=is_control)
    with run.stack.connect() as connection:
        outcome.violations = judge(connection, run.venue, read_journal(run.journal.path))
        decided = [Decided(*row) for row in connection.execute(_TIMES, [run.venue])]
    outcome.violations += sorted(watch.seen)
    outcome.violations += [f"{name}, {count} times" for name, count in run.load.wrong.items()]
    outcome.violations += run.extra
    outcome.bookings, outcome.faults = len(decided), len(run.faults)
    outcome.figures = measure(run.faults, decided, run.load.attempts) | {"looks": watch.looks}
    outcome.notes = run.notes
    outcome.missed = [*run.missed, *([] if is_control else misses(goals, outcome.figures))]
    return outcome


async def _settle(run: Run) -> None:
    """Wait until nothing is pending; what still is after that time is for the referee to see."""
    run.say("settling")
    deadline = time.monotonic() + run.settle_seconds
    while time.monotonic() < deadline:
        pending = await asyncio.to_thread(
            run.ask,
            "SELECT count(*) FROM bookings WHERE venue_id = %s AND status = 'pending'",
            run.venue,
        )
        if pending == 0:
            return
        await asyncio.sleep(_LOOK_SECONDS)


_TIMES = """
    SELECT extract(epoch FROM created_at)::float, extract(epoch FROM decided_at)::float
      FROM bookings WHERE venue_id = %s
"""
