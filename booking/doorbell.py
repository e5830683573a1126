"""The bells that tell workers where to decide, and that mail is owed. They may be lost: the row
is the queue.

Ringing costs the caller nothing but a note in memory; one thread a process carries the notes to
the broker. While the broker does not answer, notes are dropped for a moment and the sweeper
finds the rows.
"""

import threading
import time
from collections.abc import Mapping
from uuid import UUID

import structlog
from kombu.exceptions import OperationalError
from kombu.messaging import Producer
from redis import Redis
from redis.exceptions import RedisError

import tracing
from celery_config import app
from settings import settings

logger = structlog.get_logger(__name__)

DECIDE_TASK = "bookings.decide"
SEND_TASK = "notifications.send"
BULK_TASK = "bulk.carry_out"
REPORTS_TASK = "reports.make"
MOST_TOGETHER = 100
_HANGS_SECONDS = 2
_TIMEOUT_SECONDS = 0.5
_SILENCE_SECONDS = 1.0

UNREACHABLE = (RedisError, OperationalError, OSError, RuntimeError)


class Publisher:
    """Sends the message over a connection of its own, which it replaces when it breaks."""

    def __init__(self) -> None:
        self._producer: Producer | None = None

    def publish(self, *resource_ids: UUID) -> None:
        """Note who is rung for, and send a message unless one still hangs unheard.

        Whoever hears it sees to all that were noted until then. The message names its own as well,
        for the case that it is heard twice. Raises one of UNREACHABLE when the broker does not
        answer within half a second.
        """
        wanted = [str(each) for each in resource_ids]
        with _redis.pipeline(transaction=False) as pipeline:
            pipeline.sadd(_RUNG_FOR_KEY, *wanted)
            pipeline.set(_DECIDE_KEY, 1, nx=True, ex=_HANGS_SECONDS)
            _, is_new = pipeline.execute()
        if is_new:
            self._send(DECIDE_TASK, *wanted)

    def publish_mail(self) -> None:
        """Send word that mail is owed, unless that hangs unheard. Raises one of UNREACHABLE."""
        if _redis.set(_MAIL_KEY, 1, nx=True, ex=_HANGS_SECONDS):
            self._send(SEND_TASK)

    def publish_bulk(self) -> None:
        """Send word of a job on many bookings. Raises one of UNREACHABLE."""
        if _redis.set(_BULK_KEY, 1, nx=True, ex=_HANGS_SECONDS):
            self._send(BULK_TASK)

    def publish_reports(self) -> None:
        """Send word of a report that is to be made. Raises one of UNREACHABLE."""
        if _redis.set(_REPORTS_KEY, 1, nx=True, ex=_HANGS_SECONDS):
            self._send(REPORTS_TASK)

    def _send(self, task: str, *arguments: str) -> None:
        try:
            app.send_task(
                task,
                arguments,
                producer=self._connected(),
                retry=False,
                headers=dict(tracing.carrier()),
            )
        except UNREACHABLE:
            self._producer = None
            raise

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = app.amqp.Producer(
                app.connection_for_write(transport_options=_IMPATIENT), auto_declare=False
            )
        return self._producer


class Doorbell:
    """Carries rings to the broker in the background, many at once."""

    def __init__(self) -> None:
        self._publisher = Publisher()
        # A resource, or one of the tasks that work through all that there is.
        self._wanted: dict[UUID | str, Mapping[str, str]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._silent_until = 0.0

    def ring(self, resource_id: UUID) -> None:
        """Note that a resource has something to decide; return at once."""
        self._note(resource_id)

    def ring_for_mail(self) -> None:
        """Note that mail is owed; return at once."""
        self._note(SEND_TASK)

    def ring_for_bulk(self) -> None:
        """Note that many bookings are to be changed together; return at once."""
        self._note(BULK_TASK)

    def ring_for_reports(self) -> None:
        """Note that a report is to be made; return at once."""
        self._note(REPORTS_TASK)

    def _note(self, wanted: UUID | str) -> None:
        with self._changed:
            self._wanted[wanted] = tracing.carrier()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._carry, name="doorbell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _carry(self) -> None:
        while True:
            with self._changed:
                while not self._wanted:
                    self._changed.wait()
                wanted, self._wanted = self._wanted, {}
            for carried, rung in _by_trace(wanted):
                with tracing.resumed(carried):
                    self._publish(rung)

    def _publish(self, wanted: set[UUID | str]) -> None:
        """Ring for all resources at once, and for what may wait after them."""
        if time.monotonic() < self._silent_until:
            return
        try:
            if resource_ids := [each for each in wanted if isinstance(each, UUID)]:
                self._publisher.publish(*resource_ids)
            if BULK_TASK in wanted:
                self._publisher.publish_bulk()
            if REPORTS_TASK in wanted:
                self._publisher.publish_reports()
            if SEND_TASK in wanted:
                self._publisher.publish_mail()
        except UNREACHABLE as error:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            logger.warning("doorbell_unheard", error=type(error).__name__)


def _by_trace(
    wanted: Mapping[UUID | str, Mapping[str, str]],
) -> list[tuple[Mapping[str, str], set[UUID | str]]]:
    """Put together what was rung for in one trace: without traces, all of it."""
    groups: dict[tuple[tuple[str, str], ...], set[UUID | str]] = {}
    for each, carried in wanted.items():
        groups.setdefault(tuple(sorted(carried.items())), set()).add(each)
    return [(dict(carried), rung) for carried, rung in groups.items()]


def take_down(*named: UUID) -> set[UUID]:
    """Take the bell down at the start of a decision: what arrives from now on rings anew.

    Returns those whom the message named and those who were rung for besides. Of very many, others
    are left to another decider.
    """
    try:
        with _redis.pipeline(transaction=False) as pipeline:
            pipeline.delete(_DECIDE_KEY)
            pipeline.spop(_RUNG_FOR_KEY, MOST_TOGETHER)
            pipeline.srandmember(_RUNG_FOR_KEY)
            _, noted, other = pipeline.execute()
    except RedisError as error:
        # The key ends by itself after two seconds.
        logger.warning("doorbell_stuck", error=type(error).__name__)
        return set(named)
    if other is not None:
        ring(UUID(other.decode()))
    return {*named, *(UUID(each.decode()) for each in noted)}


def take_down_mail() -> None:
    """Take the bell for mail down before the rows are read."""
    _delete(_MAIL_KEY)


def take_down_bulk() -> None:
    """Take the bell for jobs on many bookings down before the rows are read."""
    _delete(_BULK_KEY)


def take_down_reports() -> None:
    """Take the bell for reports down before the rows are read."""
    _delete(_REPORTS_KEY)


def _delete(*keys: str) -> None:
    try:
        _redis.delete(*keys)
    except RedisError as error:
        # The key ends by itself after two seconds.
        logger.warning("doorbell_stuck", error=type(error).__name__)


_DECIDE_KEY = "holdfast:bell:decide"
_RUNG_FOR_KEY = "holdfast:bell:rung-for"
_MAIL_KEY = "holdfast:bell:mail"
_BULK_KEY = "holdfast:bell:bulk"
_REPORTS_KEY = "holdfast:bell:reports"
_IMPATIENT = {
    **app.conf.broker_transport_options,
    "socket_timeout": _TIMEOUT_SECONDS,
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    "max_retries": 1,
    "interval_start": 0,
}
_redis = Redis.from_url(
    settings.redis_url,
    socket_timeout=_TIMEOUT_SECONDS,
    socket_connect_timeout=_TIMEOUT_SECONDS,
    health_check_interval=10,
)
_bell = Doorbell()
ring = _bell.ring
ring_for_mail = _bell.ring_for_mail
ring_for_bulk = _bell.ring_for_bulk
ring_for_reports = _bell.ring_for_reports
