"""What a worker process loads: the app, its tasks, and what is to be done at its start."""

from typing import Any

from celery.signals import setup_logging, worker_init, worker_process_init, worker_ready

import logs
import tracing
from celery_config import DECIDE, app
from models.database import forget_connections
from workers import bookings, jobs, notifications

__all__ = ["app", "bookings", "jobs", "notifications"]


@setup_logging.connect
def _configure_logs(**_: Any) -> None:
    logs.configure()


@worker_init.connect
def _begin_traces(sender: Any, **_: Any) -> None:
    """Before the processes are forked, so that they share what is loaded for it."""
    tracing.start(sender.hostname.partition("@")[0])
    tracing.follow_tasks()


@worker_process_init.connect
def _begin_process(**_: Any) -> None:
    forget_connections()


@worker_ready.connect
def _show_life(**_: Any) -> None:
    """Let the deciders show at once, not only at the next turn of beat, that they are there."""
    if DECIDE in app.amqp.queues.consume_from:
        bookings.heartbeat.delay()
