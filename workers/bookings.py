"""Decisions, on the queue `decide`."""

import time
from uuid import UUID

from booking import heartbeats
from booking.decide import decide_pending
from booking.doorbell import DECIDE_TASK, take_down
from celery_config import app

_RUSH_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 0.05
_ended_at = 0.0
_took = 0.0


@app.task(name=DECIDE_TASK)
def decide(resource_id: str, *more: str) -> None:
    """Decide what is pending at resources.

    In a rush the bells hang for as long as the last decision took: what comes meanwhile is decided
    with the rest, and one transaction for many costs far less than one for each.
    """
    global _ended_at, _took
    resource_ids = [UUID(each) for each in (resource_id, *more)]
    began = time.monotonic()
    if began - _ended_at < _RUSH_SECONDS:
        time.sleep(min(_took, _LONGEST_PAUSE_SECONDS))
        began = time.monotonic()
    take_down(*resource_ids)
    decide_pending(*resource_ids)
    _ended_at = time.monotonic()
    _took = _ended_at - began


@app.task(name="bookings.heartbeat")
def heartbeat() -> None:
    """Show that messages of this queue reach a worker that reaches the database."""
    heartbeats.beat(heartbeats.DECIDER)
