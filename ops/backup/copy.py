"""A restored server for as long as it takes: recovers, is asked, and stops as it should."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ops.binaries import postgres_binaries
from ops.errors import OpsError
from ops.identity import hand_over, leashed, reachable_binaries, server_identity
from ops.postgres import NOT_DURABLE, wait_for_postgres
from ops.throwaway import last_lines

LONGEST_SECONDS = 24 * 3600
STOP_SECONDS = 600
ENDED_EARLY = "recovery ended before configured recovery target was reached"
SETTINGS = {
    "listen_addresses": "",
    "hot_standby": "off",  # else it would ask for as many connections as the lost server allowed
    "restore_command": "false",  # all that is there lies in pg_wal
    "recovery_target_timeline": "current",
    "recovery_target_action": "promote",
    "max_connections": "20",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What the lost server's own files may say that has no place here.
    "archive_mode": "off",
    "shared_preload_libraries": "",
    "ssl": "off",
    "synchronous_standby_names": "",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


class EndedEarly(Exception):
    """The WAL that is there ends before the instant that was asked for."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A server that has recovered and takes writes; reached through a socket of our own alone."""

    place: Path
    superuser: str

    def url(self, database: str) -> str:
        """Return the superuser's address."""
        return f"postgresql://{self.superuser}@/{database}?host={self.place}"

    def newest_commit(self) -> datetime | None:
        """Return when the last transaction that was recovered was committed, if there was one."""
        with self._connect() as connection:
            row = connection.execute("SELECT pg_last_xact_replay_timestamp()").fetchone()
        return row[0].astimezone(UTC) if row and row[0] else None

    def set_password(self, role: str, password: str) -> None:
        """Give a role a password."""
        with self._connect() as connection:
            connection.execute(
                psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    psycopg.sql.Identifier(role), psycopg.sql.Literal(password)
                )
            )

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url("postgres"), autocommit=True)


@contextmanager
def recovered(
    folder: Path, *, superuser: str, until: datetime | None, is_durable: bool = True
) -> Iterator[Copy]:
    """Run a copy that has replayed its WAL up to an instant, or all of it.

    What is thrown away afterwards need not be durable. Stops it cleanly at the end.
    Raises EndedEarly, OpsError.
    """
    (folder / "recovery.signal").touch()
    hand_over(folder / "recovery.signal")
    # Short, as the path of a socket has to be, and closed to all others.
    with tempfile.TemporaryDirectory(prefix="holdfast-") as made:
        place = Path(made)
        hand_over(place)
        log = place / "log"
        command = _command(folder, place, until, is_durable=is_durable)
        with log.open("ab") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
            )
        copy = Copy(place, superuser)
        try:
            wait_for_postgres(
                copy.url("postgres"),
                seconds=LONGEST_SECONDS,
                gave_up=lambda: None if process.poll() is None else last_lines(log),
            )
            yield copy
        except OpsError:
            if ENDED_EARLY in log.read_text(errors="replace"):
                raise EndedEarly from None
            raise
        finally:
            process.send_signal(2)
            process.wait(STOP_SECONDS)


def _command(folder: Path, place: Path, until: datetime | None, *, is_durable: bool) -> list[str]:
    files = {"config_file": "", "hba_file": "local all all trust\n", "ident_file": ""}
    options = SETTINGS | {"unix_socket_directories": str(place)}
    if not is_durable:
        options |= NOT_DURABLE
    for name, content in files.items():
        (place / name).write_text(content)
        hand_over(place / name)
        options[name] = str(place / name)
    if until is not None:
        options["recovery_target_time"] = until.isoformat()
    program = [str(reachable_binaries(postgres_binaries()) / "postgres"), "-D", str(folder)]
    for name, value in options.items():
        program += ["-c", f"{name}={value}"]
    return leashed(program, identity=server_identity(), death_signal="SIGINT")
