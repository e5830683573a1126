"""Reports, on their own queue: the rows say what is to be made."""

import time
from datetime import timedelta

from booking.doorbell import REPORTS_TASK, ring_for_reports, take_down_reports
from celery_config import app
from reports.files import forget_old_reports, remove_expired, remove_orphans
from reports.making import is_due
from reports.schedules import owe_scheduled
from reports.writing import make_reports

# Others wait in the same process: a turn is short, and a long report takes several.
TURN = timedelta(seconds=8)


@app.task(name=REPORTS_TASK)
def make() -> None:
    """Make what waits; what is not through by then is rung for again."""
    take_down_reports()
    make_reports(time.monotonic() + TURN.total_seconds())
    if is_due():
        ring_for_reports()


def look_after_reports() -> dict[str, int]:
    """Owe what its schedule asks for, remove what is over, and ring for what waits."""
    counts = {"scheduled": owe_scheduled(), "removed": remove_expired()}
    if is_due():
        ring_for_reports()
    return counts


def clear_up_reports() -> dict[str, int]:
    """Remove files without a report, and rows that nobody asks for."""
    return {"orphans": remove_orphans(), "reports": forget_old_reports()}
