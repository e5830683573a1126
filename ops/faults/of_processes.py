"""Rows P: our own processes are killed and frozen."""

import asyncio
import signal
import time

from ops.errors import OpsError
from ops.faults.acts import in_the_middle
from ops.faults.figures import Goals
from ops.faults.processes import WORKERS, send
from ops.faults.rows import row
from ops.faults.run import Run

KILL, STOP, CONT = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


@row("P0", "nothing at all, for comparison", Goals(accepted=1.0))
async def nothing(run: Run) -> None:
    """What the figures of this machine are while all is well."""
    await run.calm()
    await run.last(8)


@row("P1", "a child that decides is killed")
async def kill_children(run: Run) -> None:
    """Once in the middle of a decision, then at any moment."""
    async for number in run.moments(4):
        if number == 1:
            async with in_the_middle(run) as (child, holding):
                await run.at_once("kill", send, [child], KILL)
                holding.rollback()
        else:
            children = run.stack.family.children("decide")
            victim = run.chance.choice(children)
            await run.at_once("kill", send, [victim], KILL)


@row("P2", "the deciders' main process is killed", Goals(recovery=10.0))
async def kill_main(run: Run) -> None:
    """Its children die with it; supervisord starts it again."""
    async for number in run.moments(3):
        main = run.stack.family.main("decide")
        if number == 1:
            async with in_the_middle(run) as (_, holding):
                await run.at_once("kill", send, [main], KILL)
                holding.rollback()
        else:
            await run.at_once("kill", send, [main], KILL)
        await run.until(_is_another, run, "decide", main.pid, seconds=20, what="it is back")


@row("P3", "all workers are kept dead for 12 s", Goals(accepted=1.0))
async def keep_workers_dead(run: Run) -> None:
    """Whoever comes back meanwhile is killed again."""
    async for _ in run.moments(1):
        async with run.fault("no worker"):
            until = time.monotonic() + 12 * min(1.0, run.pace)
            while time.monotonic() < until:
                send(run.stack.family.mains(*WORKERS), KILL)
                await asyncio.sleep(0.1)


@row("P5", "a child is frozen while it holds the lock of the hot slot", Goals(decided_p99=6.5))
async def freeze_holding_a_lock(run: Run) -> None:
    """Frozen while it waits, so that it is given the lock and does nothing with it."""
    async for _ in run.moments(2):
        async with in_the_middle(run) as (child, holding):
            async with run.fault("freeze"):
                send([child], STOP)
                holding.rollback()
                began = time.monotonic()
                await run.until(_can_lock, run, seconds=20, what="the lock is free")
                run.must("slot free", time.monotonic() - began, 6.0)
                await run.last(4)
            send([child], CONT)


@row("P6", "web processes are killed, then their master", Goals(recovery=5.0))
async def kill_web(run: Run) -> None:
    """Those who were in the middle come again with the same key."""
    async for number in run.moments(3):
        if number < 3:
            victim = run.chance.choice(run.stack.family.children("web"))
        else:
            victim = run.stack.family.main("web")
        await run.at_once("kill", send, [victim], KILL)
        if number == 3:
            # Its children still answer for a moment.
            await run.until(
                _is_another, run, "web", victim.pid, seconds=30, what="the master is back"
            )


@row("P7", "everything is killed at once and started again", Goals(None, recovery=30.0))
async def kill_everything(run: Run) -> None:
    """As a machine does that loses its power: the product, PostgreSQL and Redis."""
    async for _ in run.moments(1):
        await run.at_once("kill", run.stack.kill_everything)
        began = time.monotonic()
        await asyncio.to_thread(run.stack.start_postgres)
        await asyncio.to_thread(run.stack.start_valkey)
        run.stack.start_up()
        await asyncio.to_thread(run.stack.wait_until_ready)
        run.notes.append(f"ready after {time.monotonic() - began:.1f} s")


@row("P9", "the sweeper is killed, and frozen while bells are lost")
async def without_sweeper(run: Run) -> None:
    """Supervisord starts a killed one again; a frozen one goes on after some seconds."""
    async for number in run.moments(2):
        sweeper = run.stack.family.main("sweeper")
        if number == 1:
            await run.at_once("kill", send, [sweeper], KILL)
            await run.until(
                _is_another, run, "sweeper", sweeper.pid, seconds=20, what="the sweeper is back"
            )
        else:
            async with run.fault("freeze"):
                send([sweeper], STOP)
                await run.last(4)
            send([sweeper], CONT)


@row("R7", "the deciders run and are deaf")
async def deaf_deciders(run: Run) -> None:
    """Frozen for good: `up` misses their sign of life and has them started again."""
    async for _ in run.moments(1):
        main = run.stack.family.main("decide")
        async with run.fault("deaf"):
            began = time.monotonic()
            send([main, *main.children()], STOP)
            await run.until(
                _is_another, run, "decide", main.pid, seconds=90, what="another one is there"
            )
            run.must("started again after", time.monotonic() - began, 35.0)


@row("P11", "holds that no decision can be written of")
async def poison(run: Run) -> None:
    """Such a hold is parked after three attempts, and nobody behind it waits for long."""
    with run.stack.connect() as connection:
        connection.execute(_REFUSE)
    try:
        async for _ in run.moments(3):
            async with run.fault("poison"):
                began = time.monotonic()
                booking = await run.load.book(
                    run.load.hot[0],
                    customer={"email": "poison@example.com", "full_name": "Poison"},
                )
                if booking is None:
                    raise OpsError("P11: the poisonous hold was not accepted")
                found = await run.until(
                    run.ask,
                    "SELECT reason FROM bookings WHERE reference = %s",
                    booking["reference"],
                    seconds=60,
                    what="the poisonous hold is parked",
                )
                run.must(f"parked ({found})", time.monotonic() - began, 60)
    finally:
        with run.stack.connect() as connection:
            connection.execute("DROP FUNCTION refuse_poison CASCADE")


# Full slots refuse it as well, with another reason; so only a confirmation is refused.
_REFUSE = """
    CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'this row is poisonous' USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse_poison BEFORE UPDATE ON bookings FOR EACH ROW
    WHEN (NEW.contact_name = 'Poison' AND NEW.reason IS DISTINCT FROM 'internal'
          AND NEW.status <> 'pending')
    EXECUTE FUNCTION refuse_poison()
"""


def _is_another(run: Run, program: str, old: int) -> bool:
    return any(process.pid != old for process in run.stack.family.mains(program))


def _can_lock(run: Run) -> bool:
    hot = run.load.hot[0].resource_id
    with run.stack.connect(autocommit=False) as connection:
        connection.execute("SET LOCAL lock_timeout = '15s'")
        connection.execute("SELECT FROM resources WHERE id = %s FOR NO KEY UPDATE", [hot])
        connection.rollback()
    return True
