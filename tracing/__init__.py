"""Traces: one request from the browser through the decision to the mail, with its SQL.

Switched on by OTEL_EXPORTER_OTLP_ENDPOINT. Without it nothing of OpenTelemetry is imported, and
what is called here does nothing. See docs/logs.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any

from settings import settings

_NOTHING: Mapping[str, str] = {}
_otel: ModuleType | None = None


def start(role: str) -> None:
    """Begin to trace in this process, if that is wanted; before its engine makes connections."""
    global _otel
    if settings.otlp_endpoint is None or _otel is not None:
        return
    # Here and not above: it takes memory of each process, and need not be installed.
    from tracing import otel

    otel.start(role, settings.otlp_endpoint)
    _otel = otel


def follow_requests(app: Any) -> None:
    """Let each request of a Flask app be a span, within the caller's trace if it names one."""
    if _otel is not None:
        _otel.follow_requests(app)


def follow_tasks() -> None:
    """Let each Celery task be a span, within the trace of whoever rang for it."""
    if _otel is not None:
        _otel.follow_tasks()


def carrier() -> Mapping[str, str]:
    """Return what another process needs to go on in the trace of this moment; empty if none."""
    return _NOTHING if _otel is None else _otel.carrier()


@contextmanager
def resumed(carried: Mapping[str, str]) -> Iterator[None]:
    """Go on in the trace that was carried here."""
    if _otel is None or not carried:
        yield
        return
    with _otel.resumed(carried):
        yield


@contextmanager
def continued(traceparent: str | None, name: str, **attributes: str | None) -> Iterator[None]:
    """Make what happens inside a span of the trace to which a row belongs. Attributes are ids."""
    if _otel is None or not traceparent:
        yield
        return
    with _otel.continued(traceparent, name, attributes):
        yield


def is_on() -> bool:
    """Whether this process traces."""
    return _otel is not None


def note(
    traceparent: str | None,
    name: str,
    *,
    began: datetime,
    ended: datetime,
    **attributes: str | None,
) -> None:
    """Add a span that has ended to the trace to which a row belongs."""
    if _otel is not None and traceparent:
        _otel.note(traceparent, name, began, ended, attributes)
