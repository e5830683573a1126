"""Where `bench` measures: everything that `up` starts, and the reference on the same PostgreSQL."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from ops import screen
from ops.bench.usage import Usage
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.folder import DataFolder
from ops.health import wait_until
from ops.identity import leashed
from ops.leftovers import end_leftovers
from ops.ports import LOOPBACK, free_port
from ops.postgres import Cluster
from ops.roles import DATABASE
from ops.throwaway import last_lines

RESOURCES = 20
SLOTS = 1000
HOT = 0
CAPACITY = 100_000_000
READY_SECONDS = 120
SETTLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two that are compared."""

    name: str
    url: str
    database: psycopg.Connection[tuple[Any, ...]]
    usage: Usage

    def count_bookings(self) -> int:
        """Return how many bookings it has written."""
        return int(self._ask("SELECT count(*) FROM bookings"))

    def count_undecided(self) -> int:
        """Return how many bookings still wait; the reference knows no waiting."""
        return int(self._ask("SELECT count(*) FROM bookings WHERE status = 'pending'"))

    def is_right(self) -> bool:
        """Say whether what was taken of the slots is what was confirmed, of all that was asked."""
        return bool(
            self._ask("""
            SELECT sum(capacity - remaining) = (SELECT count(*) FROM bookings)
               AND min(remaining) >= 0
               AND NOT EXISTS (SELECT FROM bookings WHERE status <> 'confirmed')
            FROM slots
        """)
        )

    def settle(self) -> None:
        """Wait until everything is decided. Raises OpsError."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.count_undecided():
            if time.monotonic() > deadline:
                raise OpsError(f"{self.name}: not all is decided after {SETTLE_SECONDS} s")
            time.sleep(0.005)

    def _ask(self, question: str) -> Any:
        row = self.database.execute(question).fetchone()
        return row[0] if row else 0


@dataclass(frozen=True, slots=True)
class Stage:
    """Both servers, running."""

    ours: Server
    reference: Server
    folder: DataFolder

    def verify(self) -> None:
        """Run `verify` on ours. Raises OpsError with what it found."""
        done = subprocess.run(
            [sys.executable, "-m", "ops", "verify", "--data", str(self.folder.path)],
            cwd=ROOT,
            env=_clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise OpsError(f"a promise was broken: {done.stdout.strip() or done.stderr.strip()}")

    def forget_mail(self) -> None:
        """Drop the messages that still wait, so that they take nothing from the next round."""
        while self.ours.database.execute(_FORGET_MAIL).rowcount:
            pass


@contextmanager
def stage() -> Iterator[Stage]:
    """Start both in a folder of their own; stop them at the end. Raises OpsError."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        folder = DataFolder(place / "data")
        port = free_port(set())
        with screen.step("starting everything that `up` starts"):
            up = stack.enter_context(_up(folder, port, place / "up.log"))
            facts = _told(folder, up, place / "up.log")
        admin = _admin(facts["owner_database_url"], folder)
        with screen.step("starting the reference"):
            reference_url = _make_reference_database(admin)
            reference_port = free_port({port})
            served = stack.enter_context(
                _reference(reference_url, reference_port, place / "reference.log")
            )
        ours = stack.enter_context(psycopg.connect(_at(admin, DATABASE), autocommit=True))
        theirs = stack.enter_context(psycopg.connect(reference_url, autocommit=True))
        _fill_ours(ours)
        _fill_reference(theirs)
        postgres = Usage.of_postgres(folder.path)
        yield Stage(
            ours=Server(
                "holdfast",
                f"http://{LOOPBACK}:{port}/api/v1/bookings",
                ours,
                Usage.of_up(up.pid) | postgres,
            ),
            reference=Server(
                "reference",
                f"http://{LOOPBACK}:{reference_port}/api/v1/bookings",
                theirs,
                Usage.of_tree("web", served.pid) | postgres,
            ),
            folder=folder,
        )


@contextmanager
def _up(folder: DataFolder, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*("up", "--no-sample"), *("--port", str(port)), *("--data", str(folder.path))]
    try:
        with _running(["-m", "ops", *command], _clean_environment(), log) as process:
            yield process
    finally:
        end_leftovers(folder.path, patience_seconds=10)


def _told(folder: DataFolder, up: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    def not_yet() -> str | None:
        return None if folder.path.is_dir() and folder.running() else "`up` is not ready"

    wait_until(not_yet, seconds=READY_SECONDS, gave_up=_ended(up, log))
    return folder.running() or {}


@contextmanager
def _reference(url: str, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        *("-m", "uvicorn", "bench.reference:app"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", "2"),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]
    environment = _reference_environment(url)

    def not_yet() -> str | None:
        try:
            urlopen(f"http://{LOOPBACK}:{port}/openapi.json", timeout=5).close()
        except (URLError, OSError) as error:
            return f"the reference does not answer: {error}"
        return None

    with _running(command, environment, log) as process:
        wait_until(not_yet, seconds=READY_SECONDS, gave_up=_ended(process, log))
        yield process


@contextmanager
def _running(
    arguments: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python until the end of the block, then ask it to end and wait for that."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            leashed([sys.executable, *arguments]),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            process_group=0,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ended(process: subprocess.Popen[bytes], log: Path) -> Any:
    return lambda: None if process.poll() is None else last_lines(log)


def _clean_environment() -> dict[str, str]:
    """Return an environment in which nothing of the caller's own installation is left."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _reference_environment(url: str) -> dict[str, str]:
    driver_url = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return _clean_environment() | {"REFERENCE_DATABASE_URL": driver_url}


def _admin(owner_url: str, folder: DataFolder) -> str:
    """Return the superuser's address of the embedded PostgreSQL."""
    port = int(owner_url.rpartition(":")[2].partition("/")[0])
    return Cluster(folder.cluster, port, folder.secrets().superuser_password).url()


def _at(url: str, database: str) -> str:
    return url.rpartition("/")[0] + f"/{database}"


def _make_reference_database(admin: str) -> str:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE reference")
    url = _at(admin, "reference")
    made = subprocess.run(
        [sys.executable, "-c", _MAKE_TABLES],
        cwd=ROOT,
        env=_reference_environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise OpsError(f"the reference: {(made.stderr.strip().splitlines() or ['?'])[-1]}")
    return url


# In a process of its own: the reference reads its address at import, as any such program does.
_MAKE_TABLES = """
import asyncio
from bench.reference import Base, engine

async def make():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()

asyncio.run(make())
"""


def _fill_reference(database: psycopg.Connection[tuple[Any, ...]]) -> None:
    database.execute(_THEIR_SLOTS, {"capacity": CAPACITY, "slots": SLOTS})


def _fill_ours(database: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Make a venue with a resource for the hot slot and others for the many."""
    with database.transaction():
        database.execute(
            "INSERT INTO venues (slug, name, kind, time_zone, currency, is_listed)"
            " VALUES ('bench', 'Bench', 'boats', 'UTC', 'EUR', false)"
        )
        database.execute(
            "INSERT INTO resources (venue_id, name, counted_in, max_quantity, attributes)"
            " SELECT id, format('Boat %%s', n), 'seats', 10, '{\"has_ac\": false}'"
            " FROM venues, generate_series(0, %s) AS n WHERE slug = 'bench'",
            [RESOURCES],
        )
        database.execute(_OUR_SLOTS, {"capacity": CAPACITY, "slots": SLOTS, "resources": RESOURCES})
    database.execute("ANALYZE slots, resources, venues")


# Past those that a courier is about to claim, and again.
_FORGET_MAIL = """
UPDATE notifications SET state = 'dropped', last_error = 'bench'
WHERE id IN (SELECT id FROM notifications WHERE state = 'queued' FOR UPDATE SKIP LOCKED)
"""
_THEIR_SLOTS = """
INSERT INTO slots (id, starts_at, capacity, remaining)
SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       now() + interval '1 day', %(capacity)s, %(capacity)s
FROM generate_series(0, %(slots)s) AS n
"""
_OUR_SLOTS = """
INSERT INTO slots (id, resource_id, starts_at, ends_at, sold_until, local_on, capacity, remaining,
                   price, currency)
SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, resources.id,
       starts_at, starts_at + interval '1 hour', starts_at,
       starts_at::date, %(capacity)s, %(capacity)s, 25, 'EUR'
FROM generate_series(0, %(slots)s) AS n
JOIN resources ON resources.name =
    format('Boat %%s', CASE n WHEN 0 THEN 0 ELSE 1 + n %% %(resources)s END)
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) + interval '2 days' + n * interval '1 hour' AS starts_at
) AS times
"""
