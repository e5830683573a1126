"""The archiver: streams WAL out of the server and stores it, and sees to a base backup a day.

    python -m ops.backup.archive

pg_receivewal writes the WAL, as it comes, into a spool in the data folder; every few seconds what
is there goes into the storage. A replication slot makes the server keep what was not fetched.
Bookings never wait for any of it: while the storage is away the spool grows to its limit, then the
server keeps up to its own (max_slot_wal_keep_size), then the chain breaks and begins anew with a
base backup.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

import logs
from booking.heartbeats import BACKUP, WAL_ARCHIVE, beat
from ops.backup.base import Source
from ops.backup.catalogue import WAL, all_bases
from ops.backup.chosen import chosen_source, chosen_storage
from ops.backup.register import RegisterShipper
from ops.backup.storage import Storage
from ops.backup.tools import ask, identify, run_tool, tool
from ops.environment import ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.stores import ARCHIVE_SLOT
from settings import settings

logger = structlog.get_logger(__name__)

RETRY_BASE_SECONDS = 300
FLUSH_SECONDS = 5.0
_PARTIAL = ".partial"
_TICK_NS = 100_000_000


class Archiver:
    """Receives, stores, and takes a base when one is due; until it is told to stop."""

    def __init__(self, source: Source, storage: Storage) -> None:
        self.stopped = threading.Event()
        self._source = source
        self._storage = storage
        self._system = identify(source.url)
        self._spool = source.workplace / f"wal-{self._system.id}"
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._receiver: subprocess.Popen[bytes] | None = None
        self._base: subprocess.Popen[bytes] | None = None
        self._look_for_bases_at = 0.0
        self._stored_parts: dict[str, int] = {}
        self._register = RegisterShipper(storage, source.data)

    def run(self) -> None:
        """Work until stopped; an error of one turn is logged and the next turn comes."""
        while not self.stopped.is_set():
            try:
                self.archive()
                self.see_to_base()
            except (OpsError, OSError, SQLAlchemyError) as error:
                logger.warning("archive_failed", error=type(error).__name__, reason=_told(error))
            self.stopped.wait(settings.backup_ship_seconds)
        self.end()

    def archive(self) -> None:
        """Store what has come since the last turn, and note up to when nothing can be lost."""
        self._keep_receiving()
        reached = self._wait_for_flush()
        self.ship()
        if reached is not None:
            beat(WAL_ARCHIVE, at=reached)

    def ship(self) -> None:
        """Store every file of the spool, oldest first; what is stored whole leaves it.

        The register of erasures goes with it: no backup may know less of them than it should.
        """
        self._register.ship()
        for file in sorted(self._spool.iterdir()):
            with suppress(FileNotFoundError):  # completed, and renamed, meanwhile
                if file.name.endswith(_PARTIAL):
                    self._ship_part(file)
                else:
                    self._ship_whole(file)

    def see_to_base(self) -> None:
        """Start a base backup when the newest is too old; note the age of the newest."""
        if self._base is not None:
            code = self._base.poll()
            if code is None:
                return
            self._base = None
            if code == 0:
                self._broken.unlink(missing_ok=True)
            else:
                logger.error("backup_failed")
            self._look_for_bases_at = time.monotonic() + (0 if code == 0 else RETRY_BASE_SECONDS)
        if time.monotonic() < self._look_for_bases_at:
            return
        self._look_for_bases_at = time.monotonic() + RETRY_BASE_SECONDS
        newest = max(
            (
                base.ended_at
                for base in all_bases(self._storage)
                if base.system == self._system.id
                and base.timeline == f"{self._system.timeline:08X}"
            ),
            default=None,
        )
        if newest is not None:
            beat(BACKUP, at=newest)
        if newest is None or self._broken.exists() or self._is_old(newest):
            self._base = subprocess.Popen(
                leashed([sys.executable, "-m", "ops.backup", "take"]), cwd=ROOT
            )

    def end(self) -> None:
        """Stop receiving, and store what has come; what fails waits in the spool."""
        if self._base is not None:
            self._base.terminate()
        self._stop_receiving()
        with suppress(OpsError, OSError):
            self.ship()

    def _ship_whole(self, file: Path) -> None:
        name = f"{WAL}/{self._system.id}/{file.name}"
        self._storage.put_file(name, file.read_bytes())
        self._stored_parts.pop(file.name + _PARTIAL, None)
        self._storage.delete([f"{name}{_PARTIAL}.gz{self._storage.seal.ending}"])
        file.unlink()

    def _ship_part(self, file: Path) -> None:
        """Store a segment that is being written: a beginning of it is always good."""
        changed = file.stat().st_mtime_ns
        if self._stored_parts.get(file.name) == changed:
            return
        # What is written in the same tick of the file system's clock does not change the time.
        is_settled = time.time_ns() - changed > _TICK_NS
        self._storage.put_file(f"{WAL}/{self._system.id}/{file.name}", file.read_bytes())
        self._stored_parts[file.name] = changed if is_settled else 0

    def _keep_receiving(self) -> None:
        """See that WAL comes in, unless the spool is full."""
        size = sum(file.stat().st_size for file in self._spool.iterdir())
        if size > settings.backup_spool_mb * 1_000_000:
            logger.error("archive_spool_full", megabytes=size // 1_000_000)
            self._stop_receiving()
        elif self._receiver is None or self._receiver.poll() is not None:
            self._require_slot()
            command, environment = tool(
                "pg_receivewal",
                self._source.url,
                *(f"--slot={ARCHIVE_SLOT}", f"--directory={self._spool}"),
                *("--synchronous", "--no-loop", "--no-password"),
            )
            self._receiver = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

    def _require_slot(self) -> None:
        """Have a slot; where the old one was lost, the chain is broken and a new one begins."""
        row = ask(
            self._source.url,
            "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s",
            ARCHIVE_SLOT,
        )
        if row is not None and row[0] != "lost":
            return
        self.ship()
        shutil.rmtree(self._spool)
        self._spool.mkdir(mode=0o700)
        self._broken.touch()
        if row is not None:
            logger.error("archive_chain_broken")
            run_tool("pg_receivewal", self._source.url, "--drop-slot", f"--slot={ARCHIVE_SLOT}")
        run_tool("pg_receivewal", self._source.url, "--create-slot", f"--slot={ARCHIVE_SLOT}")

    def _wait_for_flush(self) -> datetime | None:
        """Wait until what is committed now lies in the spool; return the instant, or None."""
        now, place = ask(self._source.url, "SELECT clock_timestamp(), pg_current_wal_flush_lsn()")
        deadline = time.monotonic() + FLUSH_SECONDS
        while time.monotonic() < deadline and not self.stopped.is_set():
            row = ask(
                self._source.url,
                "SELECT restart_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s",
                place,
                ARCHIVE_SLOT,
            )
            if row is not None and row[0]:
                return datetime.fromisoformat(now.isoformat())
            self.stopped.wait(0.05)
        logger.warning("archive_behind")
        return None

    def _is_old(self, newest: datetime) -> bool:
        age = datetime.now(newest.tzinfo) - newest
        return age > timedelta(hours=settings.backup_every_hours)

    @property
    def _broken(self) -> Path:
        """Return the note that the chain of WAL has a gap since the newest base."""
        return self._source.workplace / f"broken-{self._system.id}"

    def _stop_receiving(self) -> None:
        if self._receiver is not None:
            self._receiver.send_signal(signal.SIGINT)
            self._receiver.wait(10)
            self._receiver = None


def _told(error: Exception) -> str:
    """Return what may be logged of an error: our own words, not a driver's."""
    return str(error) if isinstance(error, OpsError) else ""


def main() -> None:
    """Archive until SIGTERM or SIGINT."""
    logs.configure()
    os.umask(0o077)
    try:
        archiver = Archiver(chosen_source(), chosen_storage())
    except OpsError as error:
        logger.error("archive_cannot_start", reason=str(error))
        time.sleep(settings.backup_ship_seconds)  # the next attempt is not the next moment
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: archiver.stopped.set())
    archiver.run()


if __name__ == "__main__":
    main()
