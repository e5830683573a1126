"""Periodic jobs: one effect a period, whoever rings, however often, and whoever dies at it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking import jobs
from booking.actors import staff
from booking.jobs import Job, Turn, ask_for, forget_old_runs, read_jobs, run_due, run_job
from models import JobRun, RunState
from tests.factories import make_user
from tests.races.meeting import at_once


class Work:
    """Something to do that counts how often it was done and can be made to fail."""

    def __init__(self) -> None:
        self.done = 0
        self.turns_left = 0
        self.error: BaseException | None = None

    def __call__(self, until: float) -> Turn:
        if self.error is not None:
            raise self.error
        self.done += 1
        if self.turns_left:
            self.turns_left -= 1
            return Turn({"rows": 10}, is_through=False)
        return Turn({"rows": 1})


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def job(work: Work) -> Job:
    # A day: the tests never meet its end but at midnight.
    return Job("count", timedelta(days=1), work, "Count.")


def the_run(session: Session) -> JobRun:
    session.expire_all()
    return session.scalars(select(JobRun)).one()


def let_lease_end(session: Session) -> None:
    session.execute(update(JobRun).values(due_at=func.now()))
    session.commit()


def test_a_job_runs_once_in_a_period(db: Session, job: Job, work: Work) -> None:
    assert run_due([job]) == ["count"]

    assert [run_job(job) for _ in range(5)] == [1, 0, 0, 0, 0]

    assert work.done == 1
    assert run_due([job]) == []
    assert (the_run(db).state, the_run(db).counts) == (RunState.DONE, {"rows": 1})


def test_five_who_are_rung_for_at_once_run_it_once(
    committed_db: Session, job: Job, work: Work
) -> None:
    outcomes = at_once(*[lambda: run_job(job)] * 5)

    assert sorted(outcomes) == [0, 0, 0, 0, 1]
    assert work.done == 1


def test_without_the_row_they_all_would(
    committed_db: Session, job: Job, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = jobs._begin

    def begin_beside(each: Job) -> int | None:
        run_id = begin(each) if work.done < 2 else None
        committed_db.execute(update(JobRun).values(due_at=func.now() - timedelta(1)))
        committed_db.commit()
        return run_id

    monkeypatch.setattr(jobs, "_begin", begin_beside)
    monkeypatch.setattr(jobs, "_end_turn", lambda run_id, turn: None)
    run_job(job)

    assert work.done == 2


def test_who_dies_at_it_leaves_it_to_the_next(db: Session, job: Job, work: Work) -> None:
    work.error = SystemExit()
    with pytest.raises(SystemExit):
        run_job(job)
    work.error = None
    assert run_job(job) == 0

    let_lease_end(db)

    assert run_due([job]) == ["count"]
    assert run_job(job) == 1
    assert (the_run(db).state, the_run(db).attempts) == (RunState.DONE, 2)


def test_what_fails_is_tried_again_after_a_pause_and_given_up_in_the_end(
    db: Session, job: Job, work: Work
) -> None:
    work.error = ValueError("Mrs Miller")
    for attempt in range(1, jobs.MOST_FAILURES + 1):
        with pytest.raises(ValueError, match="Mrs Miller"):
            run_job(job)
        assert (the_run(db).attempts, the_run(db).error) == (attempt, "ValueError")
        assert run_job(job) == 0
        let_lease_end(db)

    assert the_run(db).state == RunState.FAILED
    assert run_due([job]) == []


def test_a_long_job_goes_on_where_it_was(db: Session, job: Job, work: Work) -> None:
    work.turns_left = 7

    for _ in range(8):
        assert run_due([job]) == ["count"]
        assert run_job(job) == 1

    assert run_due([job]) == []
    assert (the_run(db).state, the_run(db).counts) == (RunState.DONE, {"rows": 71})


def test_a_run_can_be_asked_for_beside_the_period(db: Session, job: Job, work: Work) -> None:
    user = make_user()
    run_job(job)

    ask_for(job, by=staff(user.id))

    assert run_due([job]) == ["count"]
    assert run_job(job) == 1
    assert work.done == 2
    [view] = read_jobs([job])
    assert view.last is not None
    assert view.last.asked_by == f"staff:{user.id}"
    assert view.next_at > datetime.now(UTC)


def test_periods_begin_at_the_same_moments_for_everybody() -> None:
    job = Job("hourly", timedelta(hours=1), lambda until: Turn(), "")

    at = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)

    assert job.period(at) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert job.period(at + timedelta(seconds=1)) == datetime(2026, 3, 29, 2, tzinfo=UTC)


def test_old_runs_are_forgotten_and_the_last_stays(db: Session, job: Job) -> None:
    run_job(job)
    old = datetime.now(UTC) - timedelta(days=40)
    db.add(JobRun(job="count", period=old, due_at=old, state="done", finished_at=old))
    db.commit()

    assert forget_old_runs([job]) == 1

    assert the_run(db).period > old
