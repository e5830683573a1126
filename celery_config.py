"""Celery: queues, limits and broker. The rows are the results, so there is no result backend."""

import time
from queue import Empty
from typing import Any

import structlog
from celery import Celery, Task
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as RedisConnectionError

from metrics import TASK_SECONDS
from settings import settings

logger = structlog.get_logger(__name__)

QUEUES = DECIDE, MAIL, DEFAULT, REPORTS = "decide", "mail", "default", "reports"
RING_JOBS_TASK = "jobs.ring"
VISIBILITY_TIMEOUT_SECONDS = 120
HARD_LIMIT_SECONDS = 40


class TaskFailed(Exception):
    """A task failed; its own error is in our log. This one says only what may be seen by all."""


class DiscreetTask(Task):
    """A task whose errors reach Celery's log, its events and Flower without what they quote.

    A database that refuses a row quotes the row, with the customer's name in it.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task; its error is logged by us and replaced by its kind."""
        began, state = time.perf_counter(), "failed"
        try:
            answer = super().__call__(*args, **kwargs)
            state = "done"
            return answer
        except Exception as error:
            logger.exception("task_failed", task=self.name)
            cause = getattr(error, "orig", None) or error
            raise TaskFailed(
                f"{type(cause).__name__} {getattr(cause, 'sqlstate', '') or ''}"
            ) from None
        finally:
            TASK_SECONDS.labels(self.name, state).observe(time.perf_counter() - began)


def make_app() -> Celery:
    """Return the Celery app that workers, beat, Flower and the doorbell share."""
    app = Celery("holdfast", broker=_broker_url(), task_cls=DiscreetTask)
    app.conf.update(
        task_serializer="json",
        event_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=DEFAULT,
        task_queues=[Queue(name) for name in QUEUES],
        task_routes={
            "bookings.*": {"queue": DECIDE},
            "notifications.*": {"queue": MAIL},
            "reports.*": {"queue": REPORTS},
        },
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=HARD_LIMIT_SECONDS - 10,
        task_time_limit=HARD_LIMIT_SECONDS,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_max_tasks_per_child=20_000,
        worker_max_memory_per_child=300_000,
        worker_soft_shutdown_timeout=8,
        worker_hijack_root_logger=False,
        worker_send_task_events=True,
        task_send_sent_event=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        timezone="UTC",
        beat_schedule={
            "heartbeat": {
                "task": "bookings.heartbeat",
                "schedule": 5,
                "options": {"expires": 5},
            },
            # Whatever ring was lost, and whatever has waited out its pause.
            "send-mail": {
                "task": "notifications.send",
                "schedule": 5,
                "options": {"expires": 5},
            },
            # Which of them are due is in the rows.
            "ring-jobs": {"task": RING_JOBS_TASK, "schedule": 15, "options": {"expires": 15}},
        },
    )
    app.amqp.Connection = Persistent
    return app


class Persistent(Connection):
    """A connection to the broker that knocks every two seconds for as long as nobody opens.

    Celery would pause for two seconds more each time, up to half a minute, and leave the bells of
    a broker that is long back to the sweeper. It has no setting for that.
    """

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Connection:
        """Connect, however long it takes."""
        pauses = {"interval_start": 2, "interval_step": 0, "interval_max": 2}
        return super().ensure_connection(*args, **pauses | kwargs)


def _broker_url() -> str:
    """Celery's spelling of the address; a Unix socket has another scheme there."""
    if settings.redis_url.startswith("unix://"):
        return "redis+socket://" + settings.redis_url.removeprefix("unix://")
    return settings.redis_url


def _mend_broker_restart() -> None:
    """Let a late acknowledgement fail as a lost connection when its channel is closed already.

    With celery 5.7 and kombu 5.7 a worker that loses the broker in the middle of a task would
    otherwise end with an AttributeError; as a lost connection it simply connects again.
    """
    connection_parameters = kombu_redis.Channel._connparams

    def guarded(channel: Any, asynchronous: bool = False) -> Any:
        if channel.connection is None or channel.connection.client is None:
            raise RedisConnectionError("the channel is closed")
        return connection_parameters(channel, asynchronous)

    kombu_redis.Channel._connparams = guarded  # type: ignore[method-assign]


def _put_aside_unreadable() -> None:
    """Throw away what is no message, where kombu would end the worker over it.

    It has left the queue already, and whatever it should have told stands in the rows.
    """
    read = kombu_redis.Channel._brpop_read

    def guarded(channel: Any, **options: Any) -> Any:
        try:
            return read(channel, **options)
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("message_unreadable", error=type(error).__name__)
            raise Empty from None

    kombu_redis.Channel._brpop_read = guarded  # type: ignore[assignment, method-assign]


_mend_broker_restart()
_put_aside_unreadable()
app = make_app()
