"""`/metrics`, for Prometheus: what all processes have counted, and what is true at this moment.

For this machine and for whoever has the token; for anybody else there is nothing here.
"""

import hmac
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

import structlog
from flask import Blueprint, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from booking.census import take_census
from booking.heartbeats import BACKUP, BACKUP_CHECK, DECIDER, SWEEPER, WAL_ARCHIVE
from booking.queues import read_depths
from metrics import all_processes
from settings import settings

logger = structlog.get_logger(__name__)

# Somebody stands behind whoever sends these: the address is a proxy's.
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """Answer with everything in Prometheus' text form."""
    if not (_has_token() or _is_of_this_machine()):
        abort(404)
    now = CollectorRegistry()
    now.register(_Rows())
    now.register(_Queues())
    text = generate_latest(all_processes()) + generate_latest(now)
    return Response(text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class _Rows(Collector):
    """What the database says; nothing while it cannot be asked."""

    def collect(self) -> Iterator[Metric]:
        try:
            census = take_census()
        except SQLAlchemyError as error:
            logger.warning("census_failed", error=type(error).__name__)
            return
        yield _gauge("holds_pending", "Holds that wait for a decision.", census.pending)
        yield _gauge(
            "oldest_pending_seconds",
            "Age of the oldest hold that waits for a decision.",
            census.oldest_pending_seconds,
        )
        yield _gauge(
            "bookings_active",
            "Bookings that have their places and are not over; an estimate when there are many.",
            census.active,
        )
        seen = GaugeMetricFamily(
            "holdfast_last_seen_seconds",
            "How long ago a kind of process was seen at work.",
            labels=["process"],
        )
        for process in (DECIDER, SWEEPER):
            if process in census.last_seen_seconds:
                seen.add_metric([process], census.last_seen_seconds[process])
        yield seen
        yield _gauge(
            "mail_breaker_shut", "1 while nobody tries the mail server.", census.is_mail_shut
        )
        yield _gauge(
            "mail_failures", "Failures in a row to reach the mail server.", census.mail_failures
        )
        yield _gauge(
            "oldest_mail_seconds",
            "How long the oldest owed message has been due.",
            census.oldest_mail_seconds,
        )
        yield _gauge(
            "privacy_overdue_rows",
            "Rows that should tell of nobody any more, and do.",
            census.privacy_overdue,
        )
        if settings.backup_url is not None:
            yield from _backup_ages(census.last_seen_seconds)


class _Queues(Collector):
    """How many messages lie before the workers; nothing while the broker cannot be asked."""

    def collect(self) -> Iterator[Metric]:
        depths = read_depths()
        if depths is None:
            return
        found = GaugeMetricFamily(
            "holdfast_queue_depth", "Messages that wait in a queue.", labels=["queue"]
        )
        for queue, depth in depths.items():
            found.add_metric([queue], depth)
        yield found


def _backup_ages(ages: Mapping[str, float]) -> Iterator[Metric]:
    """Yield how old each is; nothing of what never was."""
    for process, name, told in (
        (BACKUP, "backup_age_seconds", "Age of the newest base backup."),
        (WAL_ARCHIVE, "wal_archive_age_seconds", "Age of the newest state that is archived."),
        (BACKUP_CHECK, "backup_check_age_seconds", "Since the last good rehearsal of a restore."),
    ):
        if process in ages:
            yield _gauge(name, told, ages[process])


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"holdfast_{name}", told, value=value)


def _has_token() -> bool:
    if settings.metrics_token is None:
        return False
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    is_same = hmac.compare_digest(given.strip().encode(), settings.metrics_token.encode())
    return kind.lower() == "bearer" and is_same


def _is_of_this_machine() -> bool:
    """Whether the caller is on loopback, and not only a proxy that nobody has named as one."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
