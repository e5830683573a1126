"""Rows L and O: a crowd on one slot, a rolling restart, a wrong configuration."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ops.faults.figures import Goals
from ops.faults.processes import WORKERS, send
from ops.faults.rows import row
from ops.faults.run import Run
from ops.ports import LOOPBACK, free_port
from ops.roles import OWNER

CROWD = 1500


@row("L1", f"{CROWD:,} people want one slot within a second", Goals(None))
async def crowd(run: Run) -> None:
    """All are answered, exactly the capacity is sold, in the order of arrival."""
    run.load.is_patient = True
    people = CROWD if run.pace >= 1 else CROWD // 10
    place = run.load.hot[0]
    async for _ in run.moments(1):
        async with run.fault("crowd"):
            began = time.time()
            await asyncio.gather(*(_arrive(run, number / people) for number in range(people)))
            answered = time.time()
        run.must("all answered after", answered - began, 15.0)
        await run.until(
            _is_decided, run, answered, seconds=60, what="everybody who was answered is decided"
        )
        last = run.ask(
            "SELECT extract(epoch FROM max(decided_at))::float FROM bookings WHERE venue_id = %s"
            " AND created_at <= to_timestamp(%s)",
            run.venue,
            answered,
        )
        run.must("the last decided after", max(0.0, last - answered), 5.0)
        left = run.ask("SELECT remaining FROM slots WHERE id = %s", place.id)
        if left != 0:
            run.extra.append(f"{left} places were left although {people} wanted them")


def _is_decided(run: Run, moment: float) -> bool:
    waiting = run.ask(
        "SELECT count(*) FROM bookings WHERE venue_id = %s AND status = 'pending'"
        " AND created_at <= to_timestamp(%s)",
        run.venue,
        moment,
    )
    return bool(waiting == 0)


async def _arrive(run: Run, after: float) -> None:
    await asyncio.sleep(after)
    await run.load.book(run.load.hot[0])


@row("O1", "web and workers are restarted one after the other", Goals(accepted=1.0))
async def rolling_restart(run: Run) -> None:
    """In order, each time when the one before is back: nobody is turned away."""
    async for _ in run.moments(3):
        async with run.fault("restart"):
            await _renew_web(run)
            for name in WORKERS:
                await _renew(run, name)


async def _renew_web(run: Run) -> None:
    old = {child.pid for child in run.stack.family.children("web")}
    send([run.stack.family.main("web")], signal.SIGHUP)
    await run.until(
        lambda: not old & {child.pid for child in run.stack.family.children("web")},
        seconds=30,
        what="every web process is a new one",
    )


async def _renew(run: Run, name: str) -> None:
    old = run.stack.family.main(name)
    send([old], signal.SIGQUIT)
    await run.until(
        lambda: any(each.pid != old.pid for each in run.stack.family.mains(name)),
        seconds=30,
        what=f"{name} is back",
    )


@row("O4", "a wrong configuration", Goals(None))
async def wrong_configuration(run: Run) -> None:
    """`up` refuses to start and names what is wrong in one line."""
    nobody = free_port({run.stack.port})
    cases: list[tuple[str, dict[str, str]]] = [
        ("SECRET_KEY", {"SECRET_KEY": "short"}),
        ("DATABASE_URL", {"DATABASE_URL": f"postgresql://x@{LOOPBACK}:{nobody}/x"}),
        ("REDIS_URL", {"REDIS_URL": f"redis://{LOOPBACK}:{nobody}/0"}),
        ("HOLDFAST_DECIDE_WORKERS", {"HOLDFAST_DECIDE_WORKERS": "many"}),
        ("SMTP_URL", {"SMTP_URL": "mail.example.com"}),
        ("revision 9999", _at_database(run, "newer")),
    ]
    with _newer_database(run):
        for named, environment in cases[:: 1 if run.pace >= 1 else 3]:
            await _refuses(run, named, environment)
    with run.stack.broker() as broker:
        broker.config_set("maxmemory-policy", "allkeys-lru")
        try:
            await _refuses(run, "noeviction", {})
        finally:
            broker.config_set("maxmemory-policy", "noeviction")


async def _refuses(run: Run, named: str, environment: dict[str, str]) -> None:
    run.say(f"starting with a wrong {named}")
    port = free_port({run.stack.port})
    data = run.stack.folder / "wrong"
    async with run.fault(named):
        done = await asyncio.to_thread(
            lambda: run.stack.command(
                "up", "--no-sample", "--port", str(port), "--data", str(data), **environment
            )
        )
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode != 1 or named not in "".join(lines[-1:]):
        run.extra.append(f"a wrong {named} ended with {done.returncode}: {lines[-1:]}")


def _at_database(run: Run, name: str) -> dict[str, str]:
    given = run.stack.product_environment()
    names = ("DATABASE_URL", "HOLDFAST_OWNER_DATABASE_URL")
    return {each: f"{given[each].rpartition('/')[0]}/{name}" for each in names}


@contextmanager
def _newer_database(run: Run) -> Iterator[None]:
    """Make a database that a later version has written."""
    with run.stack.connect() as connection:
        connection.execute(f"CREATE DATABASE newer OWNER {OWNER}")
    try:
        with psycopg.connect(run.stack.cluster.url("newer"), autocommit=True) as newer:
            newer.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
            newer.execute(f"ALTER TABLE alembic_version OWNER TO {OWNER}")
            newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        yield
    finally:
        with run.stack.connect() as connection:
            connection.execute("DROP DATABASE newer WITH (FORCE)")
