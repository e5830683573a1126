"""Rows D and N: PostgreSQL is killed, its sessions end, its commits go unheard, it has no room."""

import asyncio
import contextlib
import random
import time
from urllib.request import urlopen

import psycopg

from ops.faults.acts import in_the_middle
from ops.faults.figures import Goals
from ops.faults.load import Place
from ops.faults.processes import ports_of
from ops.faults.rows import row
from ops.faults.run import Run
from ops.roles import DATABASE, RUNTIME


@row("D1", "PostgreSQL is killed and started again", Goals(recovery=5.0))
async def kill_postgres(run: Run) -> None:
    """From the kill to the last who felt it, the start of the server included."""
    async for _ in run.moments(3):
        await run.at_once("kill", run.stack.kill, "postgres")
        await asyncio.to_thread(run.stack.start_postgres)


@row("D3", "sessions of the database are ended at random")
async def terminate_sessions(run: Run) -> None:
    """Four times a second one of them, whatever it is at."""
    async for _ in run.moments(1):
        with run.stack.connect() as connection:
            for _ in range(run.some(32, 8)):
                rows = connection.execute(_SESSIONS).fetchall()
                if rows:
                    (pid,) = run.chance.choice(rows)
                    await run.at_once("terminate", _end, connection, pid)
                await asyncio.sleep(0.25)


@row("D4", "the connection is cut after COMMIT was sent, before its answer")
async def cut_after_commit(run: Run) -> None:
    """Nobody but the database knows what happened; the same key gives what it knows."""
    chance, proxy = random.Random(run.chance.random()), run.stack.database_proxy
    before = proxy.cut_count
    async for _ in run.moments(1):
        async with run.fault("cut"):
            proxy.cuts_after = lambda words: b"COMMIT" in words and chance.random() < 0.1
            await run.last(10)
            proxy.pass_unchanged()
    run.notes.append(f"{proxy.cut_count - before} commits unheard")
    if proxy.cut_count == before:
        run.extra.append("no commit went unheard: the row has tested nothing")


@row("D7", "the server has no connection left", Goals(None))
async def exhaust_connections(run: Run) -> None:
    """Every place is taken, and the product's own connections are cut."""
    url = run.stack.cluster.url(DATABASE)
    password = run.stack.secrets.runtime_role_password
    async for _ in run.moments(2):
        async with contextlib.AsyncExitStack() as held, run.fault("exhausted"):
            connections = await asyncio.to_thread(_take_all, url, password)
            held.callback(_close_all, connections)
            run.stack.database_proxy.cut()
            connections += await asyncio.to_thread(_take_all, url, password)
            before = len(run.load.attempts)
            await run.last(5)
            await asyncio.to_thread(_require_life, run)
            refused = [e.seconds for e in run.load.attempts[before:] if not e.is_good]
        run.must("slowest refusal", max(refused, default=0.0), 3.0)


@row("D8", "transactions fail by deadlock, serialization and lock timeout", Goals(accepted=0.99))
async def forced_retries(run: Run) -> None:
    """Every tenth write of places fails; bookings are moved to and fro in opposite order."""
    with run.stack.connect() as connection:
        connection.execute(_FAIL_SOMETIMES)
    try:
        async for _ in run.moments(1):
            async with run.fault("storm"):
                for number in range(run.some(24, 8)):
                    pair = run.chance.sample(_of_one_resource(run), 2)
                    run.load.send(_move(run, *(pair if number % 2 else reversed(pair))))
                await run.last(10)
    finally:
        with run.stack.connect() as connection:
            connection.execute("DROP FUNCTION fail_sometimes CASCADE")


@row("N2", "the deciders' connections to the database are cut")
async def cut_deciders(run: Run) -> None:
    """Once in the middle of a decision, whose locks must be free soon; then at any moment."""
    async for number in run.moments(4):
        children = run.stack.family.children("decide")
        cut = run.stack.database_proxy.cut
        if number == 1:
            async with in_the_middle(run) as (child, holding):
                await run.at_once("cut", cut, ports_of([child]))
                holding.rollback()
                began = time.monotonic()
                holding.execute(
                    "SELECT FROM resources WHERE id = %s FOR NO KEY UPDATE",
                    [run.load.hot[0].resource_id],
                )
                run.must("locks free after", time.monotonic() - began, 6.0)
        else:
            await run.at_once("cut", cut, ports_of(children))


_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename = 'holdfast_app'"

_FAIL_SOMETIMES = """
    CREATE FUNCTION fail_sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.1 THEN
            RAISE EXCEPTION 'forced' USING ERRCODE =
                (ARRAY['40001', '40P01', '55P03'])[1 + floor(random() * 3)::int];
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fail_sometimes BEFORE UPDATE ON slots FOR EACH ROW
    EXECUTE FUNCTION fail_sometimes()
"""


def _end(connection: psycopg.Connection[object], pid: int) -> None:
    connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def _take_all(url: str, password: str) -> list[psycopg.Connection[object]]:
    """Open connections as the product's role until the server refuses one more."""
    taken: list[psycopg.Connection[object]] = []
    while True:
        try:
            taken.append(psycopg.connect(url, user=RUNTIME, password=password, connect_timeout=5))
        except psycopg.OperationalError:
            return taken


def _close_all(connections: list[psycopg.Connection[object]]) -> None:
    for connection in connections:
        connection.close()


def _require_life(run: Run) -> None:
    with urlopen(f"{run.stack.address}/health/live", timeout=3) as answer:
        if answer.status != 200:
            run.extra.append(f"/health/live answers {answer.status}")


def _of_one_resource(run: Run) -> list[Place]:
    resource = run.load.others[0].resource_id
    return [place for place in run.load.others if place.resource_id == resource]


async def _move(run: Run, here: Place, there: Place) -> None:
    """Book here, and move to there and back while others do the opposite."""
    booking = await run.load.book(here)
    if booking is None or await run.load.look(booking, 8) != "confirmed":
        return
    for place in (there, here, there):
        await run.load.act(booking, "change", "confirmed", slot_ids=[place.id])
