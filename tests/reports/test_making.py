"""How reports are made: once, however often rung for; resumed, cancelled, given up, removed."""

import csv
import io
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.errors import ReportInvalid, ReportNotFound, ResourceNotFound, TooManyReports
from models import AuditEvent, FileFormat, Report, ReportKind, Venue
from reports import asking, making, writing
from reports.asking import cancel_report, read_report
from reports.files import forget_old_reports, read_file, remove_expired, remove_orphans
from reports.making import claim_next, finish, is_due
from storage import StorageError
from tests.factories import make_booking, make_resource, make_slot, make_venue
from tests.reports.conftest import TODAY, ask, make_all


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PART_ROWS", 2)


def booked(venue: Venue, count: int) -> list[str]:
    slot = make_slot(make_resource(venue), capacity=50)
    return [make_booking(slot, quantity=1).reference for _ in range(count)]


def references(report: Report) -> list[str]:
    content = b"".join(read_file(report)).decode()
    return [line["reference"] for line in csv.DictReader(io.StringIO(content))]


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def set_row(session: Session, **values: object) -> None:
    session.execute(update(Report).values(**values))
    session.commit()


def test_it_is_made_once_however_many_ring(venue: Venue, folder: Path) -> None:
    booked(venue, 3)
    keys = [ask(venue), ask(venue, ReportKind.BOOKINGS)]
    taken: list[int] = []
    threads = [threading.Thread(target=lambda: taken.append(make_all())) for _ in range(5)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    reports = [read_report(key=key) for key in keys]
    assert [(report.state, report.run) for report in reports] == [("done", 1), ("done", 1)]
    assert sum(taken) == 2
    assert len(stored(folder)) == 2
    assert make_all() == 0


@pytest.mark.usefixtures("small_parts")
def test_a_long_list_comes_in_parts_and_is_whole(venue: Venue, folder: Path) -> None:
    expected = booked(venue, 5)
    csv_key = ask(venue, ReportKind.BOOKINGS)
    json_key = ask(venue, ReportKind.BOOKINGS, FileFormat.JSON)

    make_all()

    report = read_report(key=csv_key)
    assert references(report) == expected
    assert (report.rows_done, report.rows_total, len(report.files)) == (5, 5, 3)
    assert report.bytes == sum((folder / name).stat().st_size for name in report.files)
    found = json.loads(b"".join(read_file(read_report(key=json_key))))
    assert [each["reference"] for each in found] == expected


@pytest.mark.usefixtures("small_parts")
def test_each_turn_goes_on_behind_the_last_part(venue: Venue) -> None:
    expected = booked(venue, 5)
    key = ask(venue, ReportKind.BOOKINGS)
    progress = []

    while is_due():
        claim = claim_next()
        assert claim is not None
        writing._make(claim, until=time.monotonic() - 1)
        progress.append(read_report(key=key).rows_done)

    assert progress == [2, 4, 5]
    assert references(read_report(key=key)) == expected


@pytest.mark.usefixtures("small_parts")
def test_another_worker_goes_on_where_one_has_died(
    venue: Venue, committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = booked(venue, 5)
    key = ask(venue, ReportKind.BOOKINGS)
    claim = claim_next()
    assert claim is not None
    monkeypatch.setattr(writing, "note_part", _dying_after(2))
    with pytest.raises(KeyboardInterrupt):
        writing._make(claim, until=time.monotonic() + 60)
    monkeypatch.setattr(writing, "note_part", making.note_part)
    assert not is_due()
    set_row(committed_db, due_at=func.now() - timedelta(seconds=1))

    make_all()

    report = read_report(key=key)
    assert (report.state, report.run) == ("done", 2)
    assert [name.split("/")[-1][:3] for name in report.files] == ["001", "001", "002"]
    assert references(report) == expected


def test_who_comes_back_too_late_changes_nothing(venue: Venue, committed_db: Session) -> None:
    key = ask(venue)
    late = claim_next()
    set_row(committed_db, due_at=func.now() - timedelta(seconds=1))
    make_all()
    assert late is not None
    done = read_report(key=key)

    with pytest.raises(making.NotOurs):
        finish(late, files=["mine"])

    assert read_report(key=key).files == done.files


def test_without_the_number_the_late_one_would_win(
    venue: Venue, committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ask(venue)
    late = claim_next()
    assert late is not None
    set_row(committed_db, due_at=func.now() - timedelta(seconds=1))
    current = claim_next()
    assert current is not None
    monkeypatch.setattr(
        making,
        "_update",
        lambda tx, claim, **values: bool(
            tx.execute(update(Report).where(Report.id == claim.id).values(**values)).rowcount
        ),
    )

    finish(late, files=["mine"])

    assert read_report(key=key).files == ["mine"]


@pytest.mark.usefixtures("small_parts")
def test_a_cancelled_one_stops_and_leaves_no_file(
    venue: Venue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked(venue, 5)
    key = ask(venue, ReportKind.BOOKINGS)
    note_part = writing.note_part

    def cancel_then_note(claim, **values):
        cancel_report(key=key, by=SYSTEM)
        note_part(claim, **values)

    monkeypatch.setattr(writing, "note_part", cancel_then_note)

    make_all()

    assert read_report(key=key).state == "cancelled"
    assert stored(folder) == []
    cancel_report(key=key, by=SYSTEM)


def test_a_storage_that_is_away_is_tried_again_and_then_given_up(
    venue: Venue, committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ask(venue)

    class Away:
        def put(self, *_: object) -> None:
            raise StorageError("cannot store: it is away")

    monkeypatch.setattr(writing, "files", Away)
    # Progress is made before it is stored, which counts as getting on.
    monkeypatch.setattr(writing, "note_progress", lambda claim, **values: None)

    states = []
    for _ in range(making.MOST_FAILURES):
        make_all()
        states.append(read_report(key=key).state)
        set_row(committed_db, due_at=func.now() - timedelta(seconds=1))

    report = read_report(key=key)
    assert states == ["waiting"] * 4 + ["failed"]
    assert report.error == "StorageError"


def test_one_that_kills_its_worker_each_time_is_given_up(
    venue: Venue, committed_db: Session
) -> None:
    key = ask(venue)

    for _ in range(making.MOST_FAILURES + 1):
        claim_next()
        set_row(committed_db, due_at=func.now() - timedelta(seconds=1))

    assert (read_report(key=key).state, read_report(key=key).error) == ("failed", "gave_up")


def test_files_are_removed_after_their_time(
    venue: Venue, folder: Path, committed_db: Session
) -> None:
    key = ask(venue)
    make_all()
    assert remove_expired() == 0
    set_row(committed_db, expires_at=func.now() - timedelta(seconds=1))

    removed = remove_expired()

    report = read_report(key=key)
    assert (removed, report.state, report.files, report.figures) == (1, "removed", [], {})
    assert stored(folder) == []
    set_row(committed_db, finished_at=func.now() - timedelta(days=91))
    assert forget_old_reports() == 1


def test_files_without_a_report_are_removed_and_others_stay(
    venue: Venue, folder: Path, committed_db: Session
) -> None:
    kept, lost = ask(venue), ask(venue)
    make_all()
    committed_db.query(Report).filter(Report.key == lost).delete()
    committed_db.commit()

    assert remove_orphans() == 1
    assert len(stored(folder)) == 1
    assert b"".join(read_file(read_report(key=kept)))


def test_what_cannot_be_made_is_refused_by_its_field(venue: Venue) -> None:
    with pytest.raises(ReportInvalid) as manifest:
        ask(venue, ReportKind.MANIFEST)
    with pytest.raises(ReportInvalid) as backwards:
        ask(venue, first_on=TODAY, last_on=TODAY - timedelta(days=1))
    with pytest.raises(ReportInvalid) as endless:
        ask(venue, first_on=TODAY, last_on=TODAY + timedelta(days=2000))
    with pytest.raises(ResourceNotFound):
        ask(venue, resource_id=make_resource(make_venue()).id)
    with pytest.raises(ReportNotFound):
        read_report(key=ask(venue), venue_id=venue.id + 1)

    assert [refused.value.field for refused in (manifest, backwards, endless)] == [
        "kind",
        "last_on",
        "last_on",
    ]


def test_so_many_may_wait(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_WAITING", 1)
    ask(venue)

    with pytest.raises(TooManyReports):
        ask(venue)

    ask(make_venue())


def test_who_asked_and_cancelled_is_written_down(venue: Venue, committed_db: Session) -> None:
    key = ask(venue)
    cancel_report(key=key, by=SYSTEM)

    acts = committed_db.scalars(
        select(AuditEvent.act).where(AuditEvent.subject == f"report:{key}").order_by(AuditEvent.id)
    )
    assert list(acts) == ["report_asked", "report_cancelled"]


def _dying_after(parts: int) -> Callable[..., None]:
    """Return a note_part() after whose second call the process is gone."""
    noted = []

    def note(claim: making.Claim, **values: Any) -> None:
        making.note_part(claim, **values)
        noted.append(values)
        if len(noted) == parts:
            raise KeyboardInterrupt

    return note
