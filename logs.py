"""JSON lines for every process: a constant event name and fields, never personal data.

What a driver says about a row (`DETAIL: Key (email)=...`) is personal data, so of a database error
only its kind, its SQLSTATE and the violated constraint are written.
"""

import logging
import sys
import traceback
from contextlib import nullcontext
from types import TracebackType
from typing import Any, TextIO

import structlog
from psycopg import Error as DriverError
from sqlalchemy.exc import SQLAlchemyError

from settings import settings

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_LONGEST_MESSAGE = 300
# One list for good: a logger that has spoken keeps the one that it found.
_processors: list[Any] = []


def configure() -> None:
    """Send structlog's events and those of the libraries to standard error. May be called twice."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(_describe),
    ]
    _processors[:] = [*shared, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=_processors,
        logger_factory=lambda *_: _Lines(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    _handler.setStream(sys.stderr)
    _handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
    root.setLevel(settings.log_level)


class JsonHandler(logging.StreamHandler[TextIO]):
    """Writes the lines of the libraries, and beside them our own."""

    def write(self, line: str) -> None:
        """Write one line that needs no more making."""
        with self.lock or nullcontext():
            self.stream.write(line + self.terminator)
            self.flush()


class _Lines:
    """Where our own events end: they are JSON already, and need none of the library's records."""

    def msg(self, line: str) -> None:
        _handler.write(line)

    debug = info = warning = error = critical = exception = msg


_handler = JsonHandler(sys.stderr)


def _describe(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Describe an exception and its causes, the outermost first."""
    described: list[dict[str, Any]] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(described) < 5:
        described.append(_describe_one(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return described


def _describe_one(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    found: dict[str, Any] = {
        "type": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, DriverError):
        return found | {"sqlstate": error.sqlstate, "constraint": error.diag.constraint_name}
    if isinstance(error, SQLAlchemyError):
        return found
    return found | {"message": str(error)[:_LONGEST_MESSAGE]}
