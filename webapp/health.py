"""Liveness asks nobody; readiness asks the database, and names what else is well or degraded."""

import math
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
from flask import Blueprint, Response, jsonify

import migrations
from booking.heartbeats import BACKUP, DECIDER, SWEEPER, WAL_ARCHIVE
from models.database import connect_raw
from settings import settings
from storage import StorageError, files

OK, DEGRADED, FAILED, OFF = "ok", "degraded", "failed", "off"
SEEN_WITHIN_SECONDS = 15
# What may be lost, and how many times the usual pause a base backup may be old.
ARCHIVED_WITHIN_SECONDS = 60
LATE_BACKUP = 1.5
_PATIENCE_SECONDS = 0.8
_FRESH_SECONDS = 1.0
_STORAGE_FRESH_SECONDS = 3.0

# The revisions' numbers are the beginnings of their files' names; the newest one is expected.
EXPECTED_REVISION = max(
    path.name[:4] for path in (Path(migrations.__file__).parent / "versions").glob("[0-9]*.py")
)

_LOOK = """
    SELECT (SELECT version_num FROM alembic_version),
           (SELECT jsonb_object_agg(process, extract(epoch FROM clock_timestamp() - seen_at))
              FROM heartbeats)
"""

blueprint = Blueprint("health", __name__, url_prefix="/health")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the database found; ages are seconds since each process was well."""

    database: str
    schema: str
    ages: Mapping[str, float] = field(default_factory=dict)

    def has_seen(self, process: str, *, within: float = SEEN_WITHIN_SECONDS) -> bool:
        """Tell whether a process was well within so many seconds."""
        return self.ages.get(process, math.inf) < within


class Probe:
    """Looks at the database on a thread and a connection of its own, so that nobody hangs with it.

    However often it is asked, there is one look at a time, and none more often than once a second.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._lock = threading.Lock()
        self._look: Future[Found] | None = None
        self._began = 0.0

    def look(self) -> Found:
        """Return what was found within the last second, or that nothing answers."""
        try:
            return self._current().result(_PATIENCE_SECONDS)
        except (NotYet, psycopg.Error):
            return Found(FAILED, FAILED)

    def _current(self) -> Future[Found]:
        with self._lock:
            is_old = time.monotonic() - self._began > _FRESH_SECONDS
            if self._look is None or (self._look.done() and is_old):
                self._began = time.monotonic()
                self._look = self._thread.submit(look_at_database)
            return self._look


def look_at_database() -> Found:
    """Ask which revision the schema has and which processes live. Raises psycopg.Error."""
    with connect_raw(autocommit=True) as connection:
        try:
            row = connection.execute(_LOOK).fetchone()
        except psycopg.errors.UndefinedTable:
            return Found(OK, FAILED)
    revision, ages = row or (None, None)
    schema = OK if revision == EXPECTED_REVISION else FAILED
    return Found(OK, schema, ages or {})


class Storage:
    """Asks the storage of files on a thread of its own: a bucket that hangs is only degraded."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._lock = threading.Lock()
        self._asked: Future[bool] | None = None
        self._began = 0.0

    def answers(self) -> bool:
        """Tell whether it answered within the last seconds."""
        with self._lock:
            is_old = time.monotonic() - self._began > _STORAGE_FRESH_SECONDS
            if self._asked is None or (self._asked.done() and is_old):
                self._began = time.monotonic()
                self._asked = self._thread.submit(_can_store)
            asked = self._asked
        try:
            return asked.result(_PATIENCE_SECONDS)
        except NotYet:
            return False


_probe = Probe()
_storage = Storage()
_redis = redis.Redis.from_url(
    settings.redis_url, socket_timeout=0.3, socket_connect_timeout=0.3, retry=None
)


@blueprint.get("")
@blueprint.get("/live")
def live() -> Response:
    """Say that this process answers."""
    return _answer({"status": OK})


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether requests can be served: 503 only for the database and its schema."""
    found = _probe.look()
    is_ready = found.database == found.schema == OK
    checks = {
        "database": found.database,
        "schema": found.schema,
        "broker": _mark(_broker_answers()),
        "deciders": _mark(found.has_seen(DECIDER)),
        "sweeper": _mark(found.has_seen(SWEEPER)),
        "storage": _mark(_storage.answers()),
        "backup": _backup(found),
    }
    answer = _answer({"status": OK if is_ready else FAILED, "checks": checks})
    answer.status_code = 200 if is_ready else 503
    if not is_ready:
        answer.headers["Retry-After"] = "2"
    return answer


def _answer(body: dict[str, object]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _mark(is_well: bool) -> str:
    return OK if is_well else DEGRADED


def _backup(found: Found) -> str:
    if settings.backup_url is None:
        return OFF
    is_archived = found.has_seen(WAL_ARCHIVE, within=ARCHIVED_WITHIN_SECONDS)
    longest = LATE_BACKUP * 3600 * settings.backup_every_hours
    return _mark(is_archived and found.has_seen(BACKUP, within=longest))


def _broker_answers() -> bool:
    try:
        return bool(_redis.ping())
    except redis.RedisError:
        return False


def _can_store() -> bool:
    if not os.access(settings.data_dir, os.W_OK | os.X_OK):
        return False
    try:
        return files().answers()
    except StorageError:
        return False
