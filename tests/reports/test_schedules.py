"""Reports on a schedule: at the hour of the venue, once, mailed as a link to whom still may."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.errors import ReportInvalid, ReportNotFound
from models import (
    Every,
    FileFormat,
    Membership,
    Notification,
    OneTimeLink,
    Post,
    Report,
    ReportKind,
    ReportSchedule,
    User,
    Venue,
)
from reports.schedules import (
    Repeated,
    days_of,
    end_schedule,
    next_time,
    owe_scheduled,
    schedule_report,
)
from tests.factories import make_member
from tests.reports.conftest import make_all

LONDON = "Europe/London"


@pytest.fixture
def owner(venue: Venue) -> User:
    return make_member(venue)


def repeat(venue: Venue, user: User, kind: ReportKind = ReportKind.OCCUPANCY) -> int:
    return schedule_report(
        Repeated(
            venue_id=venue.id,
            kind=kind,
            format=FileFormat.CSV,
            every=Every.DAY,
            at_hour=6,
            user_id=user.id,
            by=SYSTEM,
        )
    )


def bring_due(session: Session) -> None:
    session.execute(update(ReportSchedule).values(next_at=func.now() - timedelta(minutes=1)))
    session.commit()


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        (Every.DAY, "2026-07-01T04:59", "2026-07-01T05:00"),
        (Every.DAY, "2026-07-01T05:00", "2026-07-02T05:00"),
        (Every.DAY, "2026-10-24T12:00", "2026-10-25T06:00"),
        (Every.WEEK, "2026-07-01T12:00", "2026-07-06T05:00"),
        (Every.MONTH, "2026-07-01T12:00", "2026-08-01T05:00"),
        (Every.MONTH, "2026-12-31T12:00", "2027-01-01T06:00"),
    ],
)
def test_it_comes_at_the_hour_of_the_venue_s_clock(every: Every, now: str, expected: str) -> None:
    found = next_time(every, 6, LONDON, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_an_hour_that_the_clock_skips_is_the_one_after_it() -> None:
    night = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert next_time(Every.DAY, 1, LONDON, night) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "every", "first_on", "last_on"),
    [
        (ReportKind.RUN_SHEET, Every.DAY, date(2026, 3, 1), date(2026, 3, 1)),
        (ReportKind.ARRIVALS, Every.WEEK, date(2026, 3, 1), date(2026, 3, 7)),
        (ReportKind.MANIFEST, Every.MONTH, date(2026, 3, 1), date(2026, 3, 31)),
        (ReportKind.REVENUE, Every.DAY, date(2026, 2, 28), date(2026, 2, 28)),
        (ReportKind.REVENUE, Every.WEEK, date(2026, 2, 22), date(2026, 2, 28)),
        (ReportKind.REVENUE, Every.MONTH, date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_it_looks_ahead_or_back(
    kind: ReportKind, every: Every, first_on: date, last_on: date
) -> None:
    assert days_of(kind, every, date(2026, 3, 1)) == (first_on, last_on)


def test_what_was_missed_is_made_once_and_mailed_as_a_link(
    venue: Venue, owner: User, committed_db: Session
) -> None:
    schedule_id = repeat(venue, owner)
    committed_db.execute(update(ReportSchedule).values(next_at=func.now() - timedelta(days=3)))
    committed_db.commit()

    owed = [owe_scheduled(), owe_scheduled()]
    make_all()

    report = committed_db.scalars(select(Report)).one()
    link = committed_db.scalars(select(OneTimeLink)).one()
    message = committed_db.scalars(select(Notification)).one()
    assert owed == [1, 0]
    assert (report.state, report.user_id) == ("done", owner.id)
    assert (link.email, link.path) == (owner.email, f"/reports/{report.key}")
    assert (message.link_id, message.kind, message.venue_id) == (
        link.id,
        "report_ready",
        venue.id,
    )
    assert committed_db.get_one(ReportSchedule, schedule_id).next_at > datetime.now(UTC)


def test_the_same_time_is_owed_once(venue: Venue, owner: User, committed_db: Session) -> None:
    repeat(venue, owner)
    at = datetime.now(UTC) - timedelta(minutes=1)
    for _ in range(2):
        committed_db.execute(update(ReportSchedule).values(next_at=at))
        committed_db.commit()
        owe_scheduled()

    assert committed_db.scalar(select(func.count()).select_from(Report)) == 1


@pytest.mark.parametrize("left", [True, False])
def test_it_ends_when_they_leave_or_lose_the_post(
    venue: Venue, owner: User, committed_db: Session, left: bool
) -> None:
    repeat(venue, owner)
    membership = committed_db.scalars(select(Membership)).one()
    if left:
        committed_db.delete(membership)
    else:
        membership.post = Post.STAFF
    committed_db.commit()
    bring_due(committed_db)

    assert owe_scheduled() == 0
    assert committed_db.scalar(select(func.count()).select_from(ReportSchedule)) == 0


def test_staff_keep_their_run_sheets(venue: Venue, committed_db: Session) -> None:
    repeat(venue, make_member(venue, post=Post.STAFF), ReportKind.RUN_SHEET)
    bring_due(committed_db)

    assert owe_scheduled() == 1


def test_one_that_was_ended_makes_no_more_and_its_reports_stay(
    venue: Venue, owner: User, committed_db: Session
) -> None:
    schedule_id = repeat(venue, owner)
    bring_due(committed_db)
    owe_scheduled()

    end_schedule(schedule_id=schedule_id, by=SYSTEM)

    assert owe_scheduled() == 0
    assert committed_db.scalars(select(Report.schedule_id)).all() == [None]
    with pytest.raises(ReportNotFound):
        end_schedule(schedule_id=schedule_id, by=SYSTEM)


def test_what_a_venue_has_no_use_for_is_not_scheduled(venue: Venue, owner: User) -> None:
    with pytest.raises(ReportInvalid):
        repeat(venue, owner, ReportKind.MANIFEST)
