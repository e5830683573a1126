"""PostgreSQL's own programs that copy, stream and verify, run beside the server they speak to."""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from ops.binaries import postgres_binaries
from ops.errors import OpsError
from ops.identity import leashed
from ops.own_database import in_one_line, plain
from ops.postgres import major_version


@dataclass(frozen=True, slots=True)
class System:
    """What a server says of itself."""

    id: str
    timeline: int
    postgres: str


def identify(url: str) -> System:
    """Ask a server who it is, by a role that may replicate. Raises OpsError."""
    try:
        with psycopg.connect(
            plain(url), replication="true", autocommit=True, connect_timeout=5
        ) as connection:
            row = connection.execute("IDENTIFY_SYSTEM").fetchone()
            version = str(connection.info.server_version // 10_000)
    except psycopg.Error as error:
        raise OpsError(
            f"HOLDFAST_BACKUP_DATABASE_URL: {in_one_line(error)} (its role needs REPLICATION)"
        ) from None
    if row is None:
        raise OpsError("the server does not say who it is")
    if version != major_version():
        raise OpsError(
            f"the server is PostgreSQL {version}, the programs here are of {major_version()}: set"
            f" HOLDFAST_POSTGRES_BIN to the folder of a PostgreSQL {version}"
        )
    return System(row[0].decode(), int(row[1]), version)


def ask(url: str, question: str, *values: object) -> Any:
    """Return the first row of an answer, or None. Raises OpsError."""
    try:
        with psycopg.connect(plain(url), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(question, values).fetchone()
    except psycopg.Error as error:
        raise OpsError(f"HOLDFAST_BACKUP_DATABASE_URL: {in_one_line(error)}") from None


def server_now(url: str) -> datetime:
    """Return the server's time, by which commits are dated. Raises OpsError."""
    (now,) = ask(url, "SELECT clock_timestamp()")
    return datetime.astimezone(now, UTC)


def tool(name: str, url: str | None, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return a program's command line, and the environment that holds the server's password."""
    program = postgres_binaries() / name
    if not program.is_file():
        raise OpsError(f"there is no {name} in {program.parent}: see HOLDFAST_POSTGRES_BIN")
    command = [str(program), *arguments]
    environment = dict(os.environ)
    if url is not None:
        # In the environment and not among the arguments, which every user of the machine can see.
        known = psycopg.conninfo.conninfo_to_dict(plain(url))
        if password := known.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        known.pop("dbname", None)
        command.append(f"--dbname={psycopg.conninfo.make_conninfo('', **known)}")
    return leashed(command), environment


def run_tool(name: str, url: str | None, *arguments: str) -> str:
    """Run a program to its end; return what it said. Raises OpsError with its last line."""
    command, environment = tool(name, url, *arguments)
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.strip().splitlines() if line.strip()]
        raise OpsError(f"{name} failed: {'; '.join(said[-3:]) or 'it said nothing'}"[:800])
    return done.stdout


def verify_copy(folder: Path) -> None:
    """Compare each file of a copy with its manifest, and read its WAL. Raises OpsError."""
    run_tool("pg_verifybackup", None, "--exit-on-error", "--quiet", str(folder))
