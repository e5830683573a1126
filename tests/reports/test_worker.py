"""A real worker on the queue `reports`: rung for five times, after another one was killed."""

import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

import storage
from booking import doorbell
from booking.doorbell import REPORTS_TASK
from celery_config import REPORTS, app
from models import Report, ReportKind, Venue
from reports import asking
from reports import files as report_files
from reports.asking import read_report
from reports.files import read_file
from tests.factories import make_booking, make_resource, make_slot
from tests.races.meeting import wait_until
from tests.reports.conftest import ask
from tests.workers.processes import running


@pytest.fixture
def worker_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the worker's own data, where we read."""
    made = storage.Files(str(tmp_path / "data/files"))
    monkeypatch.setattr(report_files, "files", lambda: made)
    monkeypatch.setattr(asking, "ring_for_reports", doorbell.ring_for_reports)
    return tmp_path / "data"


@pytest.fixture
def program() -> list[str]:
    return [sys.executable, "-m", "ops.worker", "test", REPORTS, "1"]


@pytest.mark.real_doorbell
def test_it_is_made_once_for_five_messages_and_after_a_killed_worker(
    venue: Venue, committed_db: Session, worker_folder: Path, program: list[str], tmp_path: Path
) -> None:
    expected = make_booking(make_slot(make_resource(venue))).reference
    data = {"HOLDFAST_DATA": str(worker_folder)}

    def state(key: object) -> str:
        return read_report(key=key).state  # type: ignore[arg-type]

    # As a worker leaves it that was killed at work.
    killed = ask(venue, ReportKind.BOOKINGS)
    committed_db.execute(update(Report).values(state="running", run=1, due_at=func.now()))
    committed_db.commit()
    rung = ask(venue, ReportKind.BOOKINGS)
    for _ in range(5):
        app.send_task(REPORTS_TASK)

    with running(program, tmp_path / "log", kill_with=signal.SIGKILL, **data):
        wait_until(
            lambda: state(killed) == state(rung) == "done",
            f"both are made; see {tmp_path / 'log'}",
            60,
        )

    reports = [read_report(key=key) for key in (killed, rung)]
    assert [report.run for report in reports] == [2, 1]
    for report in reports:
        assert expected in b"".join(read_file(report)).decode()
    assert len(list((worker_folder / "files/reports").rglob("*.csv"))) == 2
