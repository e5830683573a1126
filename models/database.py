"""The one engine of a process, with timeouts so that a stuck transaction lets others go on."""

import math
import time
from functools import cache
from typing import Any

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from metrics import POOL_IN_USE
from models.slow import cursors
from settings import settings

_HAS_TRANSACTION_TIMEOUT = 170_000
_FRESH_SECONDS = 1.0
_USED_AT = "holdfast.used_at"


@cache
def engine() -> Engine:
    """Return this process's engine; it connects at first use, so a fork before that is safe."""
    made = create_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=_connect_args(),
    )
    event.listen(made, "connect", _limit_transactions)
    event.listen(made, "connect", _send_arrays_in_binary)
    event.listen(made, "checkout", _see_whether_it_lives)
    event.listen(made, "checkin", _note_the_time)
    event.listen(made, "checkout", lambda *_: POOL_IN_USE.inc())
    event.listen(made, "checkin", lambda *_: POOL_IN_USE.dec())
    return made


def connect_raw(*, autocommit: bool) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection of its own outside the pool, for listening and for long reads."""
    url = make_url(settings.database_url).set(drivername="postgresql")
    return psycopg.connect(
        url.render_as_string(hide_password=False), autocommit=autocommit, **_connect_args()
    )


def forget_connections() -> None:
    """Drop what was inherited over a fork, without closing the parent's connections."""
    engine().dispose(close=False)


def _see_whether_it_lives(connection: Any, record: ConnectionPoolEntry, _fairy: object) -> None:
    """Ask a connection that has rested whether the server is still there.

    One in use a moment ago is not asked: that would be one more round trip for each transaction.
    """
    if time.monotonic() - record.info.get(_USED_AT, -math.inf) < _FRESH_SECONDS:
        return
    try:
        engine().dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _note_the_time(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _connect_args() -> dict[str, Any]:
    return {
        "options": _session_options(),
        "connect_timeout": 3,
        # A server behind a cut cable says nothing: without these it would be waited for by the
        # quarter of an hour.
        "tcp_user_timeout": settings.transaction_timeout_ms,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        **cursors(),
    }


def _session_options() -> str:
    values = {
        "timezone": "UTC",
        "lock_timeout": settings.lock_timeout_ms,
        "statement_timeout": settings.statement_timeout_ms,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_ms,
    }
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def _send_arrays_in_binary(connection: psycopg.Connection[Any], _record: object) -> None:
    """Write arrays, which carry the sets, as the server keeps them: a fifth of the time of text."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


def _limit_transactions(connection: psycopg.Connection[Any], _record: object) -> None:
    """Limit whole transactions where the server can, which is from PostgreSQL 17 on."""
    if connection.info.server_version >= _HAS_TRANSACTION_TIMEOUT:
        milliseconds = settings.transaction_timeout_ms
        connection.execute(f"SET transaction_timeout = {milliseconds:d}")
        connection.commit()
