"""Controls: with one protection out, the same referee must find what is broken.

No setting of the product switches a protection off. What locks is blanked out on its way to the
database; constraints are dropped in the database of this run alone.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ops.faults.acts import ring_too_often
from ops.faults.load import Place
from ops.faults.processes import send
from ops.faults.referee import UNBALANCED
from ops.faults.rows import row
from ops.faults.run import Run

LOCK = b" FOR NO KEY UPDATE"
CHECK = "0 <= remaining AND remaining <= capacity"
# It has to break within a minute.
SECONDS, ROUNDS = 8.0, 7


@row("C1", "control: no row is locked", is_control=True)
async def without_locks(run: Run) -> None:
    """Two who decide at once confirm from the same remaining."""
    async for _ in run.moments(1):
        async with run.fault("no lock"), _no_lock(run):
            await _rush(run)


@row("C2", "control: no row is locked, and no CHECK guards the places", is_control=True)
async def without_check(run: Run) -> None:
    """What the CHECK would have stopped is sold."""
    async for _ in run.moments(1):
        _execute(run, "ALTER TABLE slots DROP CONSTRAINT ck_slots_remaining_fits")
        try:
            async with run.fault("no check"), _no_lock(run):
                await _rush(run)
        finally:
            # What is broken by now stays so, at the venue of this row.
            _execute(
                run,
                "ALTER TABLE slots ADD CONSTRAINT ck_slots_remaining_fits"
                f" CHECK ({CHECK}) NOT VALID",
            )


@row("C3", "control: no sweeper, and Redis is lost", is_control=True)
async def without_sweeper(run: Run) -> None:
    """Nobody rings again for what was accepted while Redis was away."""
    run.settle_seconds = 6.0
    await run.calm()
    async with run.fault("no sweeper"):
        send([run.stack.family.main("sweeper")], signal.SIGSTOP)
        with run.stack.broker() as broker:
            # Or what it has on its disk would ring when it is back.
            broker.flushall()
            run.stack.kill("valkey")
        await asyncio.sleep(4)
        run.stopped.set()
        await run.until(lambda: run.load.is_idle, seconds=60, what="the last client ends")
        await asyncio.to_thread(run.stack.start_valkey)


@row("C4", "control: no key is unique", is_control=True)
async def without_key(run: Run) -> None:
    """Who sends a request twice at once gets two bookings."""
    async for _ in run.moments(1):
        index = run.ask("SELECT pg_get_indexdef('uq_bookings_idempotency'::regclass)")
        _execute(run, "DROP INDEX uq_bookings_idempotency")
        try:
            async with run.fault("no key"):
                for place in run.load.others:
                    run.load.send(_twice(run, place))
                    await asyncio.sleep(0.05)
                await run.last(3)
        finally:
            _execute(run, _FORGET_DOUBLE_KEYS)
            _execute(run, index)


# The later one of two forgets its key, so that the index can be made again.
_FORGET_DOUBLE_KEYS = """
    UPDATE bookings b SET idempotency_key = NULL WHERE EXISTS (
        SELECT FROM bookings o WHERE o.idempotency_scope = b.idempotency_scope
           AND o.idempotency_key = b.idempotency_key AND o.seq < b.seq)
"""


async def _twice(run: Run, place: Place) -> None:
    await run.load.book(place, times=4)


@asynccontextmanager
async def _no_lock(run: Run) -> AsyncIterator[None]:
    proxy = run.stack.database_proxy
    proxy.rewrite = lambda words: words.replace(LOCK, b" " * len(LOCK))
    # Statements that were prepared before still lock: begin with new connections.
    proxy.cut()
    try:
        yield
    finally:
        proxy.pass_unchanged()
        proxy.cut()


async def _rush(run: Run) -> None:
    """Let many want the same slots while both deciders are called to them again and again.

    Whoever writes places takes his time, so that the other has read them by then.
    """
    _execute(run, _SLOW_DOWN)
    try:
        for first in range(0, 2 * ROUNDS, 2):
            places = run.load.others[first : first + 2]
            for number in range(80):
                run.load.send(_once(run, places[number % len(places)]))
            await ring_too_often(run, SECONDS, most=4, of=places)
            if _is_unbalanced(run):
                break
    finally:
        _execute(run, "DROP FUNCTION slow_down CASCADE")


_SLOW_DOWN = """
    CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;
    CREATE TRIGGER slow_down BEFORE UPDATE ON slots FOR EACH ROW EXECUTE FUNCTION slow_down()
"""


async def _once(run: Run, place: Place) -> None:
    await asyncio.sleep(SECONDS * run.chance.random() * min(1.0, run.pace))
    await run.load.book(place)


def _is_unbalanced(run: Run) -> bool:
    with run.stack.connect() as connection:
        found = connection.execute(UNBALANCED, {"venue": run.venue})
        return found.fetchone() is not None


def _execute(run: Run, statement: str) -> None:
    with run.stack.connect() as connection:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute(statement)
