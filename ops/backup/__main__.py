"""Inner program: take a backup, list them, rehearse a restore, restore.

python -m ops.backup take|list|check|restore [--at INSTANT --into FOLDER …]
"""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from booking.heartbeats import BACKUP, BACKUP_CHECK, beat
from ops import screen
from ops.backup.base import scratch, take_base
from ops.backup.catalogue import all_bases, prune
from ops.backup.chosen import chosen_source, chosen_storage
from ops.backup.restore import Report, clear, restore
from ops.errors import OpsError
from ops.folder import DataFolder
from settings import settings


def main() -> int:
    """Do what the arguments ask for; return the exit code."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given = _arguments()
    try:
        match given.what:
            case "take":
                return take()
            case "list":
                return show()
            case "check":
                return check(given.at, given.source)
        return bring_back(given)
    except (OpsError, OSError) as error:  # such as a disk that is full
        screen.failure(str(error))
        return 1


def take() -> int:
    """Take a base backup now, and remove what is past retention."""
    storage = chosen_storage()
    with screen.step(f"base backup to {storage.url}"):
        base = take_base(chosen_source(), storage)
    _note(BACKUP, base.ended_at)
    with screen.step(f"removing what {settings.backup_days} days do not need"):
        gone = prune(storage, days=settings.backup_days, now=datetime.now(UTC))
    if not storage.seal.ending:
        screen.note("it is not sealed: whoever reads it reads everything; see docs/backup.md")
    screen.out.print(f"{base.id}: {base.size / 1e6:,.0f} MB, verified; {len(gone)} files removed")
    return 0


def show() -> int:
    """List the base backups, newest last."""
    bases = all_bases(chosen_storage())
    screen.table(
        "Base backups" if bases else "There is no backup yet",
        (
            (
                base.id,
                f"{base.ended_at:%Y-%m-%d %H:%M:%S} UTC  {base.size / 1e6:,.0f} MB"
                f"  PostgreSQL {base.postgres}",
            )
            for base in bases
        ),
    )
    return 0


def check(at: datetime | None, source: str | None) -> int:
    """Restore into a folder that is removed afterwards: a rehearsal."""
    began_at = datetime.now(UTC)
    with scratch(settings.data_dir / "backup", "check-") as place:
        folder = DataFolder(place / "data")
        try:
            report = restore(chosen_storage(source), folder, at=at, is_durable=False)
        finally:
            clear(folder)
    if report.invariants_hold:
        _note(BACKUP_CHECK, began_at)
    return _verdict("Rehearsal of a restore", report)


def bring_back(given: argparse.Namespace) -> int:
    """Restore into a new data folder."""
    folder = DataFolder(given.into)
    report = restore(chosen_storage(given.source), folder, at=given.at, secrets=given.secrets)
    code = _verdict("Restored", report)
    screen.note(f"it is in {given.into}; start it with ./holdfast up --data {given.into}")
    return code


def _verdict(title: str, report: Report) -> int:
    screen.table(title, report.rows())
    if not report.is_reached and report.lost_seconds > 0:
        screen.note("RPO counts from the newest commit: if nothing was committed since, it is 0")
    return 0 if report.invariants_hold else 1


def _note(what: str, at: datetime) -> None:
    """Write down when it was, for health and metrics."""
    try:
        beat(what, at=at)
    except SQLAlchemyError:
        screen.note("the database does not answer: health and metrics will not know of this")


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=["take", "list", "check", "restore"])
    options.add_argument("--at", type=datetime.fromisoformat)
    options.add_argument("--into", type=Path)
    options.add_argument("--from", dest="source")
    options.add_argument("--secrets", type=Path)
    return options.parse_args()


if __name__ == "__main__":
    sys.exit(main())
