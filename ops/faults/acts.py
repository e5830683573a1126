"""What several rows do: find who is deciding, ring too often, hold a lock."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from celery import Celery

from ops.faults.load import Place
from ops.faults.processes import ports_of
from ops.faults.run import Run

DECIDE_TASK, DECIDE_QUEUE = "bookings.decide", "decide"


@asynccontextmanager
async def in_the_middle(
    run: Run,
) -> AsyncIterator[tuple[psutil.Process, psycopg.Connection[Any]]]:
    """Hold the lock of the hot resource until a child of the deciders waits for it.

    Yields the child, and the connection whose rollback lets it go on.
    """
    hot = run.load.hot[0].resource_id
    with run.stack.connect(autocommit=False) as holding:
        holding.execute("SELECT FROM resources WHERE id = %s FOR NO KEY UPDATE", [hot])
        child = await run.until(
            lambda: waiting_child(run), seconds=20, what="a decider waits for a lock"
        )
        yield child, holding
        holding.rollback()


def waiting_child(run: Run) -> psutil.Process | None:
    """Return a child of the deciders whose transaction waits for a lock just now."""
    with run.stack.connect() as connection:
        rows = connection.execute(
            "SELECT client_port FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND usename = 'holdfast_app'"
        ).fetchall()
    proxy = run.stack.database_proxy
    waiting = {proxy.client_port_of(port) for (port,) in rows}
    for child in run.stack.family.children("decide"):
        if waiting & ports_of([child]):
            return child
    return None


class Ringer:
    """Rings as the product does, and far more often than it would."""

    def __init__(self, run: Run) -> None:
        self._app = Celery("faults", broker=run.stack.valkey.url())
        self._app.conf.task_ignore_result = True

    def ring(self, resource_ids: list[str]) -> None:
        """Send one message for each."""
        with self._app.producer_pool.acquire(block=True, timeout=5) as producer:
            for resource_id in resource_ids:
                self._app.send_task(
                    DECIDE_TASK, [resource_id], queue=DECIDE_QUEUE, producer=producer
                )

    def close(self) -> None:
        """Let go of the broker."""
        self._app.close()


async def ring_too_often(
    run: Run, seconds: float, *, most: int = 5, of: Sequence[Place] = ()
) -> int:
    """Send each bell up to `most` times, out of order, for a while; returns how many messages.

    The bells are those of the places in `of`, the first one's most of all; without any, of all.
    """
    chance = random.Random(run.chance.random())
    places = of or run.places
    resources = sorted({place.resource_id for place in places})
    hot = places[0].resource_id
    ringer, count = Ringer(run), 0
    until = asyncio.get_running_loop().time() + seconds * min(1.0, run.pace)
    try:
        while asyncio.get_running_loop().time() < until:
            bells = [hot] * chance.randint(1, most)
            bells += [chance.choice(resources) for _ in range(chance.randint(1, most))]
            chance.shuffle(bells)
            await asyncio.to_thread(ringer.ring, bells)
            count += len(bells)
            await asyncio.sleep(0.25)
    finally:
        ringer.close()
    return count
