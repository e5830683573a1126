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
    """Decide what is pending at the resources that were rung for, these and all others.

    In a rush the bell hangs for as long as the last decision took: what comes meanwhile is decided
    with the rest, and one transaction for many costs far less than one for each.
    """
    global _ended_at, _took
    began = time.monotonic()
    if began - _ended_at < _RUSH_SECONDS:
        time.sleep(min(_took, _LONGEST_PAUSE_SECONDS))
        began = time.monotonic()
    decide_pending(*take_down(*map(UUID, (resource_id, *more))))
    _ended_at = time.monotonic()
    _took = _ended_at - began


@app.task(name="bookings.heartbeat")
def heartbeat() -> None:
    """Show that messages of this queue reach a worker that reaches the database."""
    heartbeats.beat(heartbeats.DECIDER)
