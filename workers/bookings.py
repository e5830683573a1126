"""Decisions, on the queue `decide`."""

from uuid import UUID

from booking import heartbeats
from booking.decide import decide_pending
from booking.doorbell import DECIDE_TASK, take_down
from celery_config import app


@app.task(name=DECIDE_TASK)
def decide(resource_id: str) -> None:
    """Decide what is pending at a resource."""
    resource = UUID(resource_id)
    take_down(resource)
    decide_pending(resource)


@app.task(name="bookings.heartbeat")
def heartbeat() -> None:
    """Show that messages of this queue reach a worker that reaches the database."""
    heartbeats.beat(heartbeats.DECIDER)
