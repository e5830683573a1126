"""The way back: fetch, verify, replay up to an instant, prove the invariants, and say how long."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ops import screen
from ops.backup.catalogue import Base, all_bases, archived_after, base_for
from ops.backup.copy import Copy, EndedEarly, recovered
from ops.backup.register import fetch_register
from ops.backup.storage import Storage, Stored
from ops.backup.streams import unpack_folder
from ops.backup.tools import verify_copy
from ops.environment import ROOT, replaced
from ops.errors import OpsError
from ops.folder import SECRETS, DataFolder
from ops.identity import Identity, hand_over, leashed, server_identity
from ops.postgres import SUPERUSER, major_version, reachable_folder

FETCHED_AT_A_TIME = 4
# What reads the whole of a large database takes longer than a request may.
PATIENT = {
    f"HOLDFAST_{name}_TIMEOUT_MS": "600000"
    for name in ("STATEMENT", "TRANSACTION", "IDLE_IN_TRANSACTION")
}


@dataclass(slots=True)
class Report:
    """What was restored, from what, and how far it is from what was wanted."""

    base: Base
    wanted_at: datetime
    is_reached: bool = True
    newest_commit: datetime | None = None
    invariants_hold: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def lost_seconds(self) -> float:
        """Return what may be missing before the instant that was wanted: RPO."""
        if self.is_reached:
            return 0.0
        newest = max(self.newest_commit or self.base.ended_at, self.base.ended_at)
        return max(0.0, (self.wanted_at - newest).total_seconds())

    @property
    def needed_seconds(self) -> float:
        """Return how long it took: RTO."""
        return sum(self.seconds.values())

    def rows(self) -> Iterator[tuple[str, str]]:
        """Return what to show."""
        yield "base backup", f"{self.base.id}, {self.base.size / 1e6:,.0f} MB"
        yield "wanted", _told(self.wanted_at)
        yield "newest commit", _told(self.newest_commit) if self.newest_commit else "in the base"
        yield "RPO", f"{self.lost_seconds:.1f} s"
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.seconds.items())
        yield "RTO", f"{self.needed_seconds:.1f} s ({parts})"
        yield "invariants", "all hold" if self.invariants_hold else "VIOLATED"


def restore(
    storage: Storage,
    into: DataFolder,
    *,
    at: datetime | None,
    secrets: Path | None = None,
    is_durable: bool = True,
) -> Report:
    """Make a data folder as it was at an instant, or as near to now as the archive comes.

    The folder has to be new or empty. What does not pass verification is not left there; what
    passes it and breaks an invariant is, and the report says so. What is thrown away afterwards
    need not be durable. Raises OpsError.
    """
    _require_empty(into.path)
    wanted_at = at or datetime.now(UTC)
    bases = all_bases(storage)
    base = base_for(bases, wanted_at)
    if base.postgres != major_version():
        raise OpsError(
            f"the backup is of PostgreSQL {base.postgres}, the programs here are of"
            f" {major_version()}: set HOLDFAST_POSTGRES_BIN to the folder of a PostgreSQL"
            f" {base.postgres}"
        )
    report = Report(base, wanted_at)
    into.make()
    with _cleared_on_failure(into) as fresh:
        with _timed(report, "fetch"):
            unpack_folder(storage.get(base.stored_as), fresh)
        with _timed(report, "verify"):
            verify_copy(fresh)
        with _timed(report, "WAL"):
            _fetch_wal(storage, archived_after(storage, base, bases), fresh / "pg_wal")
            _hand_over_all(fresh)
        _take_secrets(storage, base, into, secrets)
        fetch_register(storage, into.path)
        _recover(report, fresh, into, until=at, is_durable=is_durable)
        fresh.rename(into.cluster.resolve())
    return report


def _recover(
    report: Report, fresh: Path, into: DataFolder, *, until: datetime | None, is_durable: bool
) -> None:
    """Replay, and ask what was recovered; to the end of the archive if it ends too early."""
    began = time.monotonic()
    try:
        with recovered(
            fresh, superuser=report.base.superuser, until=until, is_durable=is_durable
        ) as copy:
            report.seconds["replay"] = time.monotonic() - began
            report.is_reached = until is not None
            _examine(report, copy, into)
    except EndedEarly:
        report.seconds["replay to the end"] = time.monotonic() - began
        _recover(report, fresh, into, until=None, is_durable=is_durable)


def _examine(report: Report, copy: Copy, into: DataFolder) -> None:
    report.newest_commit = copy.newest_commit()
    if report.base.superuser == SUPERUSER:
        copy.set_password(SUPERUSER, into.secrets().superuser_password)
    with _timed(report, "invariants"):
        done = subprocess.run(
            leashed([sys.executable, "-m", "ops.verify"]),
            cwd=ROOT,
            env=replaced(os.environ, **PATIENT, DATABASE_URL=copy.url(report.base.database)),
            check=False,
        )
    report.invariants_hold = done.returncode == 0


def _fetch_wal(storage: Storage, files: list[Stored], into: Path) -> None:
    """Put archived WAL beside what came with the base, of which it is the continuation."""

    def fetch(stored: Stored) -> None:
        name = Path(stored.name).name.split(".gz")[0]
        content = storage.get_file(stored.name)
        target = into / name.removesuffix(".partial")
        # Two beginnings of one segment differ in their length: the rest is noughts.
        if not target.exists() or _written(content) >= _written(target.read_bytes()):
            target.write_bytes(content)

    with ThreadPoolExecutor(FETCHED_AT_A_TIME) as pool:
        # A part after all that is whole: it may be an older beginning of the same segment.
        list(pool.map(fetch, [each for each in files if ".partial." not in each.name]))
        list(pool.map(fetch, [each for each in files if ".partial." in each.name]))


def _written(segment: bytes) -> int:
    return len(segment.rstrip(b"\0"))


def _take_secrets(storage: Storage, base: Base, into: DataFolder, given: Path | None) -> None:
    """Put the installation's secrets into the folder: those given, those backed up, or new ones."""
    target = into.path / SECRETS
    if given is not None:
        content = given.read_bytes()
    else:
        stored = [each.name for each in storage.files(base.folder) if f"/{SECRETS}." in each.name]
        content = storage.get_file(stored[0]) if stored else b""
    if content:
        target.touch(mode=0o600)
        target.write_bytes(content)
    elif base.superuser == SUPERUSER:
        screen.note(
            f"{SECRETS} was not backed up and is made anew: sessions, tokens and second factors"
            " of the lost installation are void; give its file with --secrets to keep them"
        )
    into.secrets()


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OpsError(f"{folder} is not empty: restore into a new folder, and move it afterwards")


@contextmanager
def _cleared_on_failure(into: DataFolder) -> Iterator[Path]:
    """Give the folder in which the cluster grows; on failure nothing of it is left."""
    fresh = reachable_folder(into.cluster)
    fresh = fresh.with_name(f"{fresh.name}.fresh")
    fresh.mkdir(mode=0o700, parents=True)
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        clear(into)
        raise


def clear(folder: DataFolder) -> None:
    """Remove a restored data folder, wherever its cluster lies."""
    if folder.cluster.is_symlink():
        shutil.rmtree(folder.cluster.resolve().parent, ignore_errors=True)
    shutil.rmtree(folder.path, ignore_errors=True)


def _hand_over_all(folder: Path) -> None:
    if server_identity() is Identity.NOBODY:
        for path in [folder, *folder.rglob("*")]:
            hand_over(path)


@contextmanager
def _timed(report: Report, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    report.seconds[name] = time.monotonic() - began


def _told(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
