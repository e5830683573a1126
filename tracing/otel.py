"""OpenTelemetry, as it is used here. Imported only when traces are switched on.

A trace begins with a request: what the sweeper and the clock do by themselves is none. Nothing
leaves but attributes that are named here, for the libraries put whole addresses, with the token in
their query, and the texts of errors, which quote rows, into their spans.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import Status

_ALLOWED = frozenset(
    (
        *("http.method", "http.route", "http.status_code"),
        *("http.request.method", "http.response.status_code"),
        *("db.system", "db.name", "db.statement"),
        *("celery.action", "celery.task_name", "celery.state", "exception.type"),
    )
)
_OURS = "holdfast."
_QUIET = "/health,/metrics,/static/"

_tracer = trace.get_tracer("holdfast")


def start(role: str, endpoint: str) -> None:
    """Send spans to a collector, and make them of SQL and Redis."""
    provider = TracerProvider(resource=Resource.create({"service.name": f"holdfast-{role}"}))
    # What OTEL_TRACES_SAMPLER says holds for the requests.
    provider.sampler = FromRequests(provider.sampler)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(DiscreetExporter(exporter)))
    trace.set_tracer_provider(provider)
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()


def follow_requests(app: Any) -> None:
    """Make a span of each request of a Flask app."""
    # Imported here: what decides loads no web framework.
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    FlaskInstrumentor().instrument_app(app, excluded_urls=_QUIET, enable_commenter=False)


def follow_tasks() -> None:
    """Make a span of each task that runs here."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor

    CeleryInstrumentor().instrument()


def carrier() -> Mapping[str, str]:
    """Return the headers that lead to the span of this moment."""
    carried: dict[str, str] = {}
    propagate.inject(carried)
    return carried


@contextmanager
def resumed(carried: Mapping[str, str]) -> Iterator[None]:
    """Make the span that was carried here the present one."""
    token = context.attach(propagate.extract(carried))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def continued(traceparent: str, name: str, attributes: Mapping[str, str | None]) -> Iterator[None]:
    """Make a span in the trace of a row."""
    with _tracer.start_as_current_span(
        name, context=_context_of(traceparent), attributes=_own(attributes)
    ):
        yield


def note(
    traceparent: str,
    name: str,
    began: datetime,
    ended: datetime,
    attributes: Mapping[str, str | None],
) -> None:
    """Make a span that has ended; where it was made by a batch, it is linked with the batch's."""
    batch = trace.get_current_span().get_span_context()
    span = _tracer.start_span(
        name,
        context=_context_of(traceparent),
        attributes=_own(attributes),
        links=[trace.Link(batch)] if batch.is_valid else None,
        start_time=_nanoseconds(began),
    )
    span.end(_nanoseconds(ended))


class FromRequests(Sampler):
    """Samples what belongs to a request, by the caller's wish or as another sampler says."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(
        self,
        parent_context: context.Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *rest: Any,
        **more: Any,
    ) -> SamplingResult:
        """Drop whatever begins by itself and is no request."""
        parent = trace.get_current_span(parent_context).get_span_context()
        if not parent.is_valid and kind is not SpanKind.SERVER:
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, *rest, **more)

    def get_description(self) -> str:
        """Return the name that is shown for it."""
        return f"FromRequests({self._inner.get_description()})"


class DiscreetExporter(SpanExporter):
    """Lets pass what is named above, and drops everything else that a span may carry."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what may be seen of these spans."""
        return self._inner.export([_discreet(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is left."""
        return self._inner.force_flush(timeout_millis)


def _discreet(span: ReadableSpan) -> ReadableSpan:
    attributes = _allowed(span.attributes or {})
    if attributes.get("db.system") == "redis":
        # Keys hold the addresses whose calls are counted.
        attributes.pop("db.statement", None)
    return ReadableSpan(
        name=_name(span, attributes),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[
            Event(event.name, _allowed(event.attributes or {}), event.timestamp)
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        # Without its description, which is the text of an error.
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _name(span: ReadableSpan, attributes: Mapping[str, Any]) -> str:
    """Return a request's method and route: its path holds references, and secrets of calendars."""
    if span.kind is not SpanKind.SERVER:
        return span.name
    return f"{attributes.get('http.method', '')} {attributes.get('http.route', '')}".strip()


def _allowed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in attributes.items()
        if name in _ALLOWED or name.startswith(_OURS)
    }


def _own(attributes: Mapping[str, str | None]) -> dict[str, str]:
    return {f"{_OURS}{name}": value for name, value in attributes.items() if value is not None}


def _context_of(traceparent: str) -> context.Context:
    return propagate.extract({"traceparent": traceparent})


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
