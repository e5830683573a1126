"""Reports that are made again and again, at an hour of the venue's own clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.dml import ReturningInsert

from booking.actors import SYSTEM, Actor
from booking.audit import note_act
from booking.errors import ReportInvalid, ReportNotFound
from booking.slots import read_clock
from booking.transactions import retried, transaction
from models import (
    Act,
    Every,
    FileFormat,
    Membership,
    Post,
    Report,
    ReportKind,
    ReportSchedule,
    Venue,
)
from reports.asking import require_possible
from reports.kinds import TYPES

MOST_OF_A_VENUE = 50


@dataclass(frozen=True, slots=True)
class Repeated:
    """A report that is to be made again and again, and mailed to somebody as a link."""

    venue_id: int
    kind: ReportKind
    format: FileFormat
    every: Every
    at_hour: int
    user_id: UUID
    by: Actor
    resource_id: UUID | None = None


@retried
def schedule_report(wanted: Repeated) -> int:
    """Write a schedule down; return its id. Raises ReportInvalid or ResourceNotFound."""
    if not 0 <= wanted.at_hour <= 23:
        raise ReportInvalid("at_hour", "An hour is a number from 0 to 23.")
    with transaction() as tx:
        venue = tx.get_one(Venue, wanted.venue_id, with_for_update={"key_share": True})
        require_possible(tx, venue, wanted.kind, wanted.resource_id)
        there = tx.scalars(select(ReportSchedule.id).where(ReportSchedule.venue_id == venue.id))
        if len(there.all()) >= MOST_OF_A_VENUE:
            raise ReportInvalid("kind", f"A venue has {MOST_OF_A_VENUE} schedules at most.")
        schedule = ReportSchedule(
            venue_id=venue.id,
            resource_id=wanted.resource_id,
            kind=wanted.kind,
            format=wanted.format,
            every=wanted.every,
            at_hour=wanted.at_hour,
            next_at=next_time(wanted.every, wanted.at_hour, venue.time_zone, read_clock(tx)),
            user_id=wanted.user_id,
        )
        tx.add(schedule)
        tx.flush()
        _note(tx, Act.REPORT_SCHEDULED, schedule, wanted.by)
        return schedule.id


@retried
def end_schedule(*, schedule_id: int, by: Actor) -> None:
    """Make no more of it. Raises ReportNotFound."""
    with transaction() as tx:
        schedule = tx.get(ReportSchedule, schedule_id, with_for_update=True)
        if schedule is None:
            raise ReportNotFound
        _end(tx, schedule, by)


def owe_scheduled() -> int:
    """Write down each report whose time has come, once; returns how many."""
    count = 0
    while (is_made := _owe_next()) is not None:
        count += is_made
    return count


def next_time(every: Every, at_hour: int, time_zone: str, now: datetime) -> datetime:
    """Return the next time behind `now`: of a day, of a Monday, of the first of a month.

    An hour that the clock skips is the one after it, one that comes twice is its first.
    """
    zone = ZoneInfo(time_zone)
    day = now.astimezone(zone).date()
    while True:
        if _is_day_of(every, day):
            at = datetime.combine(day, time(at_hour), zone).astimezone(UTC)
            if at > now:
                return at
        day += timedelta(days=1)


def days_of(kind: ReportKind, every: Every, day: date) -> tuple[date, date]:
    """Return the days that a report is about which is made on this day.

    Run sheets, manifests and arrivals look ahead from this day on, all others back from yesterday.
    """
    if TYPES[kind].looks_ahead:
        ahead = {Every.DAY: 1, Every.WEEK: 7, Every.MONTH: _length_of_month(day)}[every]
        return day, day + timedelta(days=ahead - 1)
    last = day - timedelta(days=1)
    match every:
        case Every.DAY:
            return last, last
        case Every.WEEK:
            return day - timedelta(days=7), last
        case Every.MONTH:
            return last.replace(day=1), last


@retried
def _owe_next() -> bool | None:
    """Write down one report that is due; None when there is none, False when it was there."""
    with transaction() as tx:
        schedule = tx.scalar(
            select(ReportSchedule)
            .options(joinedload(ReportSchedule.venue))
            .where(ReportSchedule.next_at <= read_clock(tx))
            .order_by(ReportSchedule.next_at)
            .limit(1)
            .with_for_update(skip_locked=True, of=ReportSchedule)
        )
        if schedule is None:
            return None
        if not _still_may(tx, schedule):
            _end(tx, schedule, SYSTEM)
            return False
        made = tx.scalar(_insert(schedule))
        # What was missed while nothing ran is made once, not once for each time.
        schedule.next_at = next_time(
            Every(schedule.every), schedule.at_hour, schedule.venue.time_zone, read_clock(tx)
        )
        return made is not None


def _insert(schedule: ReportSchedule) -> ReturningInsert[tuple[int]]:
    kind, every = ReportKind(schedule.kind), Every(schedule.every)
    local = schedule.next_at.astimezone(ZoneInfo(schedule.venue.time_zone)).date()
    first_on, last_on = days_of(kind, every, local)
    return (
        insert(Report)
        .values(
            venue_id=schedule.venue_id,
            resource_id=schedule.resource_id,
            schedule_id=schedule.id,
            scheduled_for=schedule.next_at,
            user_id=schedule.user_id,
            asked_by=str(SYSTEM),
            kind=kind,
            format=schedule.format,
            first_on=first_on,
            last_on=last_on,
        )
        .on_conflict_do_nothing(index_elements=["schedule_id", "scheduled_for"])
        .returning(Report.id)
    )


def _still_may(tx: Session, schedule: ReportSchedule) -> bool:
    """Whether whom it is mailed to still works there, and may have such a report."""
    post = tx.scalar(
        select(Membership.post).where(
            Membership.user_id == schedule.user_id, Membership.venue_id == schedule.venue_id
        )
    )
    return post is not None and TYPES[ReportKind(schedule.kind)].is_for(Post(post))


def _end(tx: Session, schedule: ReportSchedule, by: Actor) -> None:
    _note(tx, Act.REPORT_SCHEDULE_ENDED, schedule, by)
    tx.delete(schedule)


def _note(tx: Session, act: Act, schedule: ReportSchedule, by: Actor) -> None:
    note_act(
        tx,
        act,
        venue_id=schedule.venue_id,
        subject=f"report-schedule:{schedule.id}",
        by=by,
        kind=schedule.kind,
        every=schedule.every,
        to=str(schedule.user_id),
    )


def _is_day_of(every: Every, day: date) -> bool:
    return (
        every is Every.DAY
        or (every is Every.WEEK and day.isoweekday() == 1)
        or (every is Every.MONTH and day.day == 1)
    )


def _length_of_month(day: date) -> int:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - day.replace(day=1)).days
