"""Reports in the house: asked for, followed, fetched; each of them for whom it is meant."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import storage
from booking.actors import SYSTEM
from booking.links import token_of
from models import (
    AuditEvent,
    Every,
    FileFormat,
    Membership,
    OneTimeLink,
    Post,
    Report,
    ReportKind,
    ReportSchedule,
    User,
)
from reports import files as report_files
from reports import writing
from reports.schedules import Repeated, owe_scheduled, schedule_report
from reports.writing import make_reports
from tests.admin.conftest import House
from tests.admin.visiting import Visitor, make_person


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = storage.Files(str(tmp_path / "files"))
    for module in (writing, report_files):
        monkeypatch.setattr(module, "files", lambda: made)
    return tmp_path / "files"


def asked(visitor: Visitor, house: House, kind: str = "occupancy", form: str = "csv") -> str:
    """Ask for a report by the form; return what is flashed or refused."""
    day = house.slot.local_on
    answer = visitor.post(
        "/admin/reports/ask/",
        venue=house.venue.id,
        kind=kind,
        format=form,
        resource_id="",
        first_on=day - timedelta(days=3),
        last_on=day + timedelta(days=3),
    )
    return visitor.get(answer.location).text if answer.location else answer.text


def newest(session: Session) -> Report:
    return session.scalars(select(Report).order_by(Report.id.desc()).limit(1)).one()


def make_all() -> None:
    make_reports(time.monotonic() + 30)


def test_a_report_is_asked_for_made_shown_and_fetched(
    signed_in: Visitor, ours: House, rows: Session
) -> None:
    assert "being made" in asked(signed_in, ours)
    page_before = signed_in.get("/admin/reports/details/", id=newest(rows).id).text
    make_all()

    listed = signed_in.get("/admin/reports/").text
    page = signed_in.get("/admin/reports/details/", id=newest(rows).id).text
    there = signed_in.get("/admin/reports/file/", id=newest(rows).id)
    file = signed_in.get(there.location)

    assert 'http-equiv="refresh"' in page_before
    assert 'http-equiv="refresh"' not in page
    assert "Occupancy and covers" in listed
    assert 'id="report-charts"' in page
    assert "Room of Ours" in page
    assert file.headers["Content-Disposition"].startswith('attachment; filename="venue-')
    assert int(file.headers["Content-Length"]) == len(file.data)
    assert b"Room of Ours" in file.data
    assert rows.scalars(select(AuditEvent.act).order_by(AuditEvent.id)).all() == [
        "report_asked",
        "report_fetched",
    ]


def test_a_report_that_names_people_is_only_in_its_file(
    signed_in: Visitor, ours: House, rows: Session
) -> None:
    asked(signed_in, ours, "run_sheet")
    make_all()

    page = signed_in.get("/admin/reports/details/", id=newest(rows).id).text
    file = signed_in.get("/admin/reports/file/", id=newest(rows).id)

    assert "Guest of Ours" not in page
    assert "Guest of Ours" in signed_in.get(file.location).text


def test_nobody_else_sees_it_not_even_an_operator(
    signed_in: Visitor, ours: House, theirs: House, rows: Session, app: Flask
) -> None:
    asked(signed_in, ours)
    make_all()
    report = newest(rows)
    strangers = [make_person(theirs.venue), make_person(is_operator=True)]
    staff = make_person(ours.venue, post=Post.STAFF)

    for person in (*strangers, staff):
        other = Visitor(app)
        other.sign_in(person)
        for view in ("details", "file"):
            assert other.get(f"/admin/reports/{view}/", id=report.id).status_code in (403, 404)
        assert other.post("/admin/reports/cancel/", id=report.id).status_code in (403, 404)
    assert newest(rows).state == "done"


def test_staff_have_run_sheets_and_nothing_else(
    visitor: Visitor, ours: House, rows: Session
) -> None:
    visitor.sign_in(make_person(ours.venue, post=Post.STAFF))

    refused = asked(visitor, ours, "revenue")
    taken = asked(visitor, ours, "run_sheet")

    assert "Not a valid choice" in refused
    assert "being made" in taken
    assert rows.scalars(select(Report.kind)).all() == ["run_sheet"]


def test_another_venue_cannot_be_named(signed_in: Visitor, theirs: House, rows: Session) -> None:
    assert "Not a valid choice" in asked(signed_in, theirs)
    assert rows.scalar(select(func.count()).select_from(Report)) == 0


def test_it_can_be_cancelled(signed_in: Visitor, ours: House, rows: Session) -> None:
    asked(signed_in, ours)

    signed_in.post("/admin/reports/cancel/", id=newest(rows).id)
    make_all()

    assert newest(rows).state == "cancelled"
    assert signed_in.get("/admin/reports/file/", id=newest(rows).id).status_code == 404


def test_an_address_of_a_file_ends(
    signed_in: Visitor, ours: House, rows: Session, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    asked(signed_in, ours)
    make_all()
    there = signed_in.get("/admin/reports/file/", id=newest(rows).id).location

    assert app.test_client().get(there).status_code == 200
    assert app.test_client().get(there[:-1]).status_code == 410
    monkeypatch.setattr(report_files, "GOOD_FOR", timedelta(seconds=-1))
    assert app.test_client().get(there).status_code == 410


def test_a_schedule_is_made_shown_and_ended(signed_in: Visitor, ours: House, rows: Session) -> None:
    made = signed_in.post(
        "/admin/repeats/ask/",
        venue=ours.venue.id,
        kind="run_sheet",
        format="pdf",
        resource_id="",
        every="day",
        at_hour=7,
    )
    listed = signed_in.get("/admin/repeats/").text
    schedule = rows.scalars(select(ReportSchedule)).one()

    ended = signed_in.post("/admin/repeats/end/", id=schedule.id)

    assert (made.status_code, ended.status_code) == (302, 302)
    assert "Run sheet" in listed
    assert "every day, 07:00" in listed
    assert rows.scalar(select(func.count()).select_from(ReportSchedule)) == 0


@pytest.mark.parametrize("still_there", [True, False])
def test_the_mailed_link_works_once_and_only_while_they_work_there(
    owner: User, ours: House, rows: Session, app: Flask, still_there: bool
) -> None:
    schedule_report(
        Repeated(ours.venue.id, ReportKind.REVENUE, FileFormat.CSV, Every.DAY, 6, owner.id, SYSTEM)
    )
    rows.execute(update(ReportSchedule).values(next_at=func.now() - timedelta(minutes=1)))
    rows.commit()
    owe_scheduled()
    make_all()
    link = rows.scalars(select(OneTimeLink)).one()
    url = f"{link.path}?token={token_of(link.id)}"
    if not still_there:
        rows.query(Membership).filter(Membership.user_id == owner.id).delete()
        rows.commit()
    client = app.test_client()

    looks = [client.get(url).status_code for _ in range(2)]
    opened = client.post(link.path, data={"token": token_of(link.id)})
    again = client.post(link.path, data={"token": token_of(link.id)})

    assert looks == [200, 200]
    assert opened.status_code == (303 if still_there else 410)
    assert again.status_code == 410
    if still_there:
        assert client.get(opened.location).data.startswith(b"day,resource,currency")
