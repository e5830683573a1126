"""Slots kept made ahead."""

from booking.schedules import extend_schedules
from celery_config import app
from settings import settings


@app.task(name="schedules.extend")
def extend() -> None:
    """Make the slots of every schedule up to the configured number of days ahead."""
    extend_schedules(days=settings.schedule_days)
