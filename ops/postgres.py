"""The embedded PostgreSQL: making its cluster, its command line, and waiting for it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ops.binaries import postgres_binaries
from ops.errors import OpsError
from ops.identity import (
    Identity,
    hand_over,
    leashed,
    reachable_binaries,
    server_identity,
    shared_folder,
)
from ops.ports import LOOPBACK

SUPERUSER = "holdfast_admin"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    # Refused rows and parameters can hold personal data: they stay out of the log.
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m %p %e ",
    # So much WAL is kept for an archive that does not fetch it; see docs/backup.md.
    "max_slot_wal_keep_size": "4GB",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """One data folder of PostgreSQL and the port that it is served on."""

    folder: Path
    port: int
    password: str = field(repr=False)
    is_durable: bool = True

    @property
    def exists(self) -> bool:
        """Tell whether initdb has finished here once."""
        return (self.folder / "PG_VERSION").is_file()

    def make(self) -> None:
        """Run initdb. Raises OpsError.

        Aside and then renamed, so that a broken attempt is never taken for a cluster.
        """
        target = reachable_folder(self.folder)
        fresh = target.with_name(f"{target.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        hand_over(fresh)
        with tempfile.NamedTemporaryFile("w", dir=fresh.parent, prefix="pw.") as secret:
            secret.write(self.password)
            secret.flush()
            hand_over(Path(secret.name))
            self._initdb(fresh, secret.name)
        fresh.rename(target)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        options = SETTINGS | ({} if self.is_durable else NOT_DURABLE)
        program = [
            str(reachable_binaries(postgres_binaries()) / "postgres"),
            *("-D", str(self.folder.resolve())),
            *("-p", str(self.port)),
        ]
        for name, value in options.items():
            program += ["-c", f"{name}={value}"]
        return leashed(program, identity=server_identity(), death_signal="SIGINT")

    def url(self, database: str = "postgres") -> str:
        """Return the superuser's address."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def _initdb(self, folder: Path, secret: str) -> None:
        program = [
            str(reachable_binaries(postgres_binaries()) / "initdb"),
            *("-D", str(folder), "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={secret}"),
            *("-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *("--data-checksums", "--no-instructions"),
            *([] if self.is_durable else ["--no-sync"]),
        ]
        done = subprocess.run(
            leashed(program, identity=server_identity()),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = [line for line in (done.stderr or done.stdout).splitlines() if "error" in line]
            raise OpsError(f"initdb failed: {' '.join(lines) or done.stderr.strip()}")


def check_version(folder: Path) -> None:
    """Refuse a data folder that another major version wrote. Raises OpsError."""
    written_by = folder / "PG_VERSION"
    if not written_by.is_file():
        return
    theirs, ours = written_by.read_text().strip(), major_version()
    if theirs != ours:
        raise OpsError(
            f"{folder} was written by PostgreSQL {theirs}, this is {ours}: name another folder"
            f" with --data, set HOLDFAST_POSTGRES_BIN to a PostgreSQL {theirs}, or use pg_upgrade"
        )


def major_version() -> str:
    """Return the major version of the binaries in use."""
    done = subprocess.run(
        [str(postgres_binaries() / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"cannot run {postgres_binaries() / 'postgres'}: {done.stderr.strip()}")
    return done.stdout.split()[2].split(".")[0]


def reachable_folder(folder: Path) -> Path:
    """Return where the cluster really lies: aside when its server cannot reach the data folder."""
    if server_identity() is not Identity.NOBODY or folder.exists():
        return folder.resolve()
    aside = shared_folder("postgres-")
    hand_over(aside)
    folder.unlink(missing_ok=True)
    folder.symlink_to(aside / "cluster")
    return aside / "cluster"


def wait_for_postgres(url: str, *, seconds: float, gave_up: Callable[[], str | None]) -> None:
    """Wait until the server lets us in. `gave_up` says why waiting is useless. Raises OpsError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError as error:
            reason = gave_up()
            if reason is None and time.monotonic() > deadline:
                reason = f"no answer in {seconds:.0f} s: {str(error).strip()}"
            if reason is not None:
                raise OpsError(f"PostgreSQL does not start: {reason}") from None
            time.sleep(0.02)
