"""What an operator looks after: what waits, what runs and what failed, without a name in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from booking.slots import read_clock
from booking.transactions import reading
from models import (
    Booking,
    BulkItem,
    BulkJob,
    Deed,
    Heartbeat,
    ItemState,
    JobRun,
    Notification,
    NotificationState,
    RunState,
    Status,
    Venue,
)

MOST_VENUES = 200
MOST_ROWS = 25
LOOKED_THROUGH = 20_000
# A run whose lease is over for so long has been left by whoever ran it.
STUCK_AFTER = timedelta(minutes=2)
AGES = (2, 10, 60)


@dataclass(frozen=True, slots=True)
class VenueWait:
    """A venue, how many of its holds wait for a decision, and since when the oldest does."""

    id: int
    name: str
    kind: str
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job; `is_stuck` when nobody has gone on with it in its time."""

    run: JobRun
    is_stuck: bool


@dataclass(frozen=True, slots=True)
class OpenBulk:
    """A job on many bookings that is not through."""

    id: str
    venue: str
    deed: Deed
    begun_at: datetime
    waiting: int


@dataclass(frozen=True, slots=True)
class Overview:
    """How the installation fares at this moment.

    `waiting_by_age` counts the pending holds that are at least so many seconds old.
    """

    now: datetime
    venues: tuple[VenueWait, ...]
    waiting_by_age: dict[int, int]
    jobs: tuple[Run, ...]
    failed: tuple[JobRun, ...]
    bulk: tuple[OpenBulk, ...]
    messages: dict[str, int]
    troubled: tuple[Notification, ...]
    seen_seconds: dict[str, float]


def read_overview() -> Overview:
    """Ask the database; each question reads a bounded part of it."""
    with reading() as tx:
        now = read_clock(tx)
        return Overview(
            now=now,
            venues=_venues(tx, now),
            waiting_by_age=_waiting_by_age(tx, now),
            jobs=tuple(Run(run, _is_stuck(run, now)) for run in _last_runs(tx)),
            failed=tuple(_runs(tx, JobRun.state == RunState.FAILED)),
            bulk=_open_bulk(tx),
            messages=_messages_by_state(tx),
            troubled=tuple(_troubled(tx)),
            seen_seconds={
                beat.process: (now - beat.seen_at).total_seconds()
                for beat in tx.scalars(select(Heartbeat).order_by(Heartbeat.process))
            },
        )


def _venues(tx: Session, now: datetime) -> tuple[VenueWait, ...]:
    """Return the venues, first those that have waited longest."""
    waiting = (
        select(
            Booking.venue_id,
            func.count().label("count"),
            func.min(Booking.created_at).label("oldest"),
        )
        .where(Booking.status == Status.PENDING)
        .group_by(Booking.venue_id)
        .subquery()
    )
    rows = tx.execute(
        select(Venue.id, Venue.name, Venue.kind, waiting.c.count, waiting.c.oldest)
        .outerjoin(waiting, waiting.c.venue_id == Venue.id)
        .order_by(waiting.c.oldest.nulls_last(), Venue.name)
        .limit(MOST_VENUES)
    )
    return tuple(
        VenueWait(id_, name, kind, count or 0, (now - oldest).total_seconds() if oldest else 0.0)
        for id_, name, kind, count, oldest in rows
    )


def _waiting_by_age(tx: Session, now: datetime) -> dict[int, int]:
    counts = [
        func.count().filter(Booking.created_at <= now - timedelta(seconds=seconds))
        for seconds in (0, *AGES)
    ]
    row = tx.execute(select(*counts).where(Booking.status == Status.PENDING)).one()
    return dict(zip((0, *AGES), row, strict=True))


def _last_runs(tx: Session) -> Sequence[JobRun]:
    """Return the last run of each job that has ever run."""
    return tx.scalars(
        select(JobRun).ext(distinct_on(JobRun.job)).order_by(JobRun.job, JobRun.period.desc())
    ).all()


def _runs(tx: Session, wanted: ColumnElement[bool]) -> Sequence[JobRun]:
    return tx.scalars(
        select(JobRun).where(wanted).order_by(JobRun.id.desc()).limit(MOST_ROWS)
    ).all()


def _is_stuck(run: JobRun, now: datetime) -> bool:
    return run.finished_at is None and run.due_at < now - STUCK_AFTER


def _open_bulk(tx: Session) -> tuple[OpenBulk, ...]:
    rows = tx.execute(
        select(
            BulkJob.id,
            Venue.name,
            BulkJob.deed,
            BulkJob.created_at,
            func.count(BulkItem.booking_id).filter(BulkItem.state == ItemState.WAITING),
        )
        .join(BulkJob.venue)
        .join(BulkItem, BulkItem.job_id == BulkJob.id)
        .where(BulkJob.finished_at.is_(None))
        .group_by(BulkJob.id, Venue.name)
        .order_by(BulkJob.created_at)
        .limit(MOST_ROWS)
    )
    return tuple(
        OpenBulk(str(id_), name, Deed(deed), begun_at, waiting)
        for id_, name, deed, begun_at, waiting in rows
    )


def _messages_by_state(tx: Session) -> dict[str, int]:
    """Count the newest messages by their state."""
    newest = (
        select(Notification.state).order_by(Notification.id.desc()).limit(LOOKED_THROUGH).subquery()
    )
    rows = tx.execute(select(newest.c.state, func.count()).group_by(newest.c.state))
    counts: dict[str, int] = dict(rows.all())
    return {str(state): counts.get(state, 0) for state in NotificationState}


def _troubled(tx: Session) -> Sequence[Notification]:
    """Return the newest messages that were not taken, or not at the first attempt."""
    newest = select(Notification.id).order_by(Notification.id.desc()).limit(LOOKED_THROUGH)
    return tx.scalars(
        select(Notification)
        .where(
            Notification.id.in_(newest),
            (Notification.state.in_([NotificationState.REFUSED, NotificationState.DEAD]))
            | ((Notification.state == NotificationState.QUEUED) & (Notification.attempts > 1)),
        )
        .order_by(Notification.id.desc())
        .limit(MOST_ROWS)
    ).all()
