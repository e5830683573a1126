"""The periodic jobs, on the queue `default`: beat rings, the rows say what is to be run."""

import time
from datetime import timedelta

from booking.bulk import carry_out
from booking.doorbell import BULK_TASK, take_down_bulk
from booking.dues import owe_what_is_due
from booking.house_sessions import forget_old_house_sessions
from booking.jobs import TURN, Job, Turn, forget_old_runs, run_due, run_job
from booking.links import forget_expired_links
from booking.privacy.erasing import erase_people
from booking.privacy.policies import shortest_messages_days
from booking.privacy.purging import purge_stale
from booking.privacy.receipts import MAIL_FILES
from booking.privacy.register import FILE, keep_register
from booking.schedules import extend_schedules
from booking.sealing import seal_all
from booking.sessions import forget_expired_sessions
from celery_config import RING_JOBS_TASK, app
from settings import settings
from workers import mail_files
from workers.reports import clear_up_reports, look_after_reports

_REGISTER = settings.data_dir / FILE


def _extend_schedules(_until: float) -> Turn:
    return Turn({"slots": extend_schedules(days=settings.schedule_days)})


def _owe(_until: float) -> Turn:
    return Turn({"messages": owe_what_is_due()})


def _seal(_until: float) -> Turn:
    return Turn({"events": seal_all()})


def _carry_out(until: float) -> Turn:
    done = carry_out(until)
    return Turn({"bookings": done}, is_through=time.monotonic() < until)


def _reports(_until: float) -> Turn:
    return Turn(look_after_reports())


def _clear_up_reports(_until: float) -> Turn:
    return Turn(clear_up_reports())


def _forget(_until: float) -> Turn:
    return Turn(
        {
            "runs": forget_old_runs(JOBS),
            "sessions": forget_expired_sessions() + forget_old_house_sessions(),
            "links": forget_expired_links(),
        }
    )


def _purge(until: float) -> Turn:
    turn = purge_stale(until)
    # Files know no venue: the strictest policy counts for all of them.
    files = mail_files.remove_old(timedelta(days=shortest_messages_days()))
    return Turn({**turn.counts, "mail_files": files}, turn.is_through)


def _erase(until: float) -> Turn:
    turn = erase_people(until, {MAIL_FILES: mail_files.remove_to})
    kept = keep_register(_REGISTER)
    return Turn({**turn.counts, "registered": kept}, turn.is_through)


JOBS = (
    Job("seal-events", timedelta(seconds=15), _seal, "Number and seal what has happened."),
    Job("owe-messages", timedelta(seconds=30), _owe, "Note reminders, warnings and digests."),
    Job("change-together", timedelta(seconds=15), _carry_out, "Go on with jobs on many bookings."),
    Job("reports", timedelta(seconds=15), _reports, "Owe reports, remove their old files."),
    Job("clear-up-reports", timedelta(days=1), _clear_up_reports, "Remove files without a report."),
    Job("extend-schedules", timedelta(hours=1), _extend_schedules, "Make slots ahead."),
    Job("erase-people", timedelta(minutes=1), _erase, "Erase who has asked for it."),
    Job("purge-personal", timedelta(days=1), _purge, "Empty what is older than the policies."),
    Job("forget", timedelta(days=1), _forget, "Delete runs, sign-ins and links that are over."),
)
_BY_NAME = {job.name: job for job in JOBS}


@app.task(name=RING_JOBS_TASK)
def ring() -> None:
    """Ring for each job whose time has come."""
    for name in run_due(JOBS):
        run.delay(name)


@app.task(name="jobs.run")
def run(name: str) -> None:
    """Run one job, if nobody else does."""
    run_job(_BY_NAME[name])


@app.task(name=BULK_TASK)
def change_together() -> None:
    """Begin at once with what somebody wants to do to many bookings; the job goes on with it."""
    take_down_bulk()
    carry_out(time.monotonic() + TURN.total_seconds())
