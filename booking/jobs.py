"""Periodic jobs: each runs once in a period, whoever rings for it and however often.

The row of a job and its period is the proof. Whoever inserts it, or finds its lease over, runs the
job; all others find it taken. A process that dies leaves a lease that ends. What a job does must
come out the same when a part of it is done again: it works in transactions of its own, each of
which leaves the rest to be found.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from booking.actors import Actor
from booking.errors import JobNotFound
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import JobRun, RunState

logger = structlog.get_logger(__name__)

# A turn ends well before the task's own limit; a job that is not through goes on in the next one.
TURN = timedelta(seconds=20)
LEASE = timedelta(seconds=90)
MOST_FAILURES = 5
PAUSE = timedelta(seconds=30)
KEPT = timedelta(days=30)
KEPT_OF_FREQUENT = timedelta(days=1)
FREQUENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of a job did, in numbers, and whether there is more to do."""

    counts: Mapping[str, int] = field(default_factory=dict)
    is_through: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done once in every period. `work` is told until when it may go on.

    `until` is a moment of time.monotonic().
    """

    name: str
    every: timedelta
    work: Callable[[float], Turn]
    help: str

    def period(self, at: datetime) -> datetime:
        """Return the beginning of the period, in UTC and counted from 1970."""
        return datetime.fromtimestamp(
            at.timestamp() // self.every.total_seconds() * self.every.total_seconds(), UTC
        )


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job stands: its last run, and when the next one begins."""

    job: Job
    last: JobRun | None
    next_at: datetime


def run_due(jobs: Sequence[Job]) -> list[str]:
    """Return the names of the jobs that should run now; a cheap question."""
    with reading() as tx:
        now = read_clock(tx)
        periods = {job.name: job.period(now) for job in jobs}
        ended = {
            (name, period)
            for name, period in tx.execute(
                select(JobRun.job, JobRun.period).where(
                    JobRun.period.in_(periods.values()),
                    or_(JobRun.finished_at.is_not(None), JobRun.due_at > now),
                )
            )
        }
        asked = set(tx.scalars(select(JobRun.job).where(_is_open(), JobRun.due_at <= now)))
    return [
        job.name for job in jobs if job.name in asked or (job.name, periods[job.name]) not in ended
    ]


def run_job(job: Job) -> int:
    """Run a job if its turn has come, and what was asked for beside it; returns how many turns.

    An error is noted on the row, which comes due again after a pause, and raised.
    """
    turns = 0
    until = time.monotonic() + TURN.total_seconds()
    while time.monotonic() < until and (run_id := _begin(job)) is not None:
        turns += 1
        try:
            turn = job.work(until)
        except Exception as error:
            _fail(run_id, type(error).__name__)
            raise
        _end_turn(run_id, turn)
        if not turn.is_through:
            break
    return turns


@retried
def ask_for(job: Job, *, by: Actor) -> None:
    """Ask for a run beside the periods."""
    with transaction() as tx:
        now = read_clock(tx)
        tx.add(JobRun(job=job.name, period=now, due_at=now, asked_by=str(by)))


def read_jobs(jobs: Sequence[Job]) -> list[JobView]:
    """Return how each job stands."""
    with reading() as tx:
        now = read_clock(tx)
        views = []
        for job in jobs:
            last = tx.scalar(
                select(JobRun).where(JobRun.job == job.name).order_by(JobRun.period.desc()).limit(1)
            )
            views.append(JobView(job, last, job.period(now) + job.every))
        return views


@retried
def ask_again(name: str, *, by: Actor) -> None:
    """Ask for a run of a job that has run before, by its name. Raises JobNotFound."""
    with transaction() as tx:
        if tx.scalar(select(JobRun.id).where(JobRun.job == name).limit(1)) is None:
            raise JobNotFound
        now = read_clock(tx)
        tx.add(JobRun(job=name, period=now, due_at=now, asked_by=str(by)))


@retried
def forget_old_runs(jobs: Sequence[Job]) -> int:
    """Delete the rows of runs that nobody will ask about; the last one of each job stays."""
    forgotten = 0
    for job in jobs:
        kept = KEPT_OF_FREQUENT if job.every < FREQUENT else KEPT
        with transaction() as tx:
            done = tx.execute(
                delete(JobRun).where(
                    JobRun.job == job.name,
                    JobRun.finished_at < func.now() - kept,
                    JobRun.period < job.period(read_clock(tx)) - job.every,
                )
            )
            forgotten += done.rowcount  # type: ignore[attr-defined]
    return forgotten


@retried
def _begin(job: Job) -> int | None:
    """Take the run of this period, or one that is open; None when there is none to take."""
    with transaction() as tx:
        now = read_clock(tx)
        tx.execute(
            insert(JobRun)
            .values(job=job.name, period=job.period(now), due_at=now)
            .on_conflict_do_nothing(index_elements=["job", "period"])
        )
        # Whoever comes second waits for the row, and then finds a lease on it.
        run = tx.scalar(
            select(JobRun)
            .where(JobRun.job == job.name, _is_open(), JobRun.due_at <= literal(now))
            .order_by(JobRun.period)
            .limit(1)
            .with_for_update()
        )
        if run is None:
            return None
        run.state = RunState.RUNNING
        run.attempts += 1
        run.started_at = run.started_at or now
        run.due_at = now + LEASE
        return run.id


@retried
def _end_turn(run_id: int, turn: Turn) -> None:
    with transaction() as tx:
        run = tx.get_one(JobRun, run_id, with_for_update=True)
        now = read_clock(tx)
        run.counts = {
            name: run.counts.get(name, 0) + turn.counts.get(name, 0)
            for name in run.counts.keys() | turn.counts.keys()
        }
        run.error, run.due_at = None, now
        if turn.is_through:
            run.state, run.finished_at = RunState.DONE, now
        else:
            # It got on: what fails from here on is counted from one again.
            run.state, run.attempts = RunState.WAITING, 0


@retried
def _fail(run_id: int, error: str) -> None:
    with transaction() as tx:
        run = tx.get_one(JobRun, run_id, with_for_update=True)
        now = read_clock(tx)
        run.error, run.due_at = error, now + PAUSE
        if run.attempts >= MOST_FAILURES:
            run.state, run.finished_at = RunState.FAILED, now
        else:
            run.state = RunState.WAITING
    logger.warning("job_failed", job_run_id=run_id, error=error)


def _is_open() -> ColumnElement[bool]:
    return JobRun.finished_at.is_(None)
