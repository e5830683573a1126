"""A venue with a bit of everything, and a folder for its files."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

import storage
from booking.actors import SYSTEM
from models import FileFormat, Report, ReportKind, Venue
from reports import files as report_files
from reports import writing
from reports.asking import Wanted, ask_for_report, read_report
from reports.files import read_file
from reports.writing import make_reports
from tests.factories import make_venue

TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def rows(committed_db: Session) -> Session:
    """Reports are read over a connection of their own, so the rows are committed."""
    return committed_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Files go to a folder of this test."""
    made = storage.Files(str(tmp_path / "files"))
    for module in (writing, report_files):
        monkeypatch.setattr(module, "files", lambda: made)
    return tmp_path / "files"


@pytest.fixture
def venue() -> Venue:
    return make_venue(name="The Hungry Unicorn", time_zone="Europe/London")


def ask(
    venue: Venue,
    kind: ReportKind = ReportKind.OCCUPANCY,
    form: FileFormat = FileFormat.CSV,
    *,
    first_on: date = TODAY - timedelta(days=30),
    last_on: date = TODAY + timedelta(days=120),
    resource_id: UUID | None = None,
) -> UUID:
    """Ask for a report of days around today."""
    return ask_for_report(
        Wanted(
            venue_id=venue.id,
            kind=kind,
            format=form,
            first_on=first_on,
            last_on=last_on,
            by=SYSTEM,
            resource_id=resource_id,
        )
    )


def make_all(seconds: float = 30) -> int:
    """Make what waits, as a worker does."""
    return make_reports(time.monotonic() + seconds)


def made(venue: Venue, kind: ReportKind, form: FileFormat = FileFormat.CSV) -> tuple[Report, bytes]:
    """Return a report that was made, and its file."""
    key = ask(venue, kind, form)
    make_all()
    report = read_report(key=key)
    return report, b"".join(read_file(report))
