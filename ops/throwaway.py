"""Servers for one test run or one check: made in an empty folder, fast, and gone afterwards."""

import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ops.ports import LOOPBACK, free_port
from ops.postgres import Cluster, wait_for_postgres
from ops.roles import BACKUP, OWNER, RUNTIME, make_roles
from ops.valkey import Valkey, wait_for_redis


@dataclass(frozen=True, slots=True)
class Servers:
    """A running PostgreSQL, and a running Valkey where one was asked for."""

    cluster: Cluster
    valkey: Valkey
    password: str = field(repr=False)

    def owner_url(self, database: str) -> str:
        """Return the address for who owns the schema."""
        return self._url(OWNER, database)

    def runtime_url(self, database: str) -> str:
        """Return the address for the processes."""
        return self._url(RUNTIME, database)

    def backup_url(self) -> str:
        """Return the address for who copies the whole server."""
        return self._url(BACKUP, "postgres")

    def admin(self) -> psycopg.Connection:
        """Connect as the superuser; each statement is its own transaction."""
        return psycopg.connect(self.cluster.url(), autocommit=True)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self.password}@{LOOPBACK}:{self.cluster.port}/{database}"


@contextmanager
def servers(folder: Path, *, is_durable: bool = False) -> Iterator[Servers]:
    """Start both in a folder; stop them at the end. Raises OpsError.

    With `is_durable` PostgreSQL waits for the disk, as it does in earnest.
    """
    password = secrets.token_urlsafe(24)
    ports = [free_port(set())]
    ports.append(free_port(set(ports)))
    cluster = Cluster(folder / "postgres", ports[0], password, is_durable)
    valkey = Valkey(folder / "valkey", ports[1], password, is_durable=False)
    cluster.make()
    valkey.prepare()
    with (
        _removed(cluster.folder),
        _running(cluster.command(), folder / "postgres.log") as postgres_died,
        _running(valkey.command(), folder / "valkey.log") as valkey_died,
    ):
        wait_for_postgres(cluster.url(), seconds=30, gave_up=postgres_died)
        wait_for_redis(valkey.url(), seconds=10, gave_up=valkey_died)
        found = Servers(cluster, valkey, password)
        with found.admin() as admin:
            make_roles(
                admin,
                owner_password=password,
                runtime_password=password,
                backup_password=password,
            )
        yield found


@contextmanager
def _removed(cluster: Path) -> Iterator[None]:
    """Remove a cluster that lies outside of the temporary folder; see reachable_folder()."""
    try:
        yield
    finally:
        if cluster.is_symlink():
            shutil.rmtree(cluster.resolve().parent)


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[Callable[[], str | None]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
        )
    try:
        yield lambda: None if process.poll() is None else last_lines(log)
    finally:
        # Nothing here is to be kept: the quick way down.
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_lines(log: Path, count: int = 3) -> str:
    """Return the end of a log on one line."""
    lines = log.read_text(errors="replace").strip().splitlines()[-count:]
    return " / ".join(line.strip() for line in lines) or "it said nothing"
