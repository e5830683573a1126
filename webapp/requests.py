"""What every request carries: its id, its trace, its log line and the headers of a safe answer."""

import re
import time
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

import tracing
from metrics import REQUEST_SECONDS, WAITED_SECONDS
from settings import settings

logger = structlog.get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024
UNKNOWN = "unknown"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_REMEMBERED = re.compile(r"(?:^|;)\s*remember_token=[^;]*")
_QUIET = ("/health", "/static/", "/metrics")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)

_trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network, strict=False) for network in settings.trusted_addresses
)


def init_app(app: Flask) -> None:
    """Follow each request from its first to its last byte."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.before_request(_begin)
    app.after_request(_finish)


def request_id() -> str:
    """Return the caller's request id, or the one that was made for it."""
    return str(request.environ["holdfast.request_id"])


def traceparent() -> str | None:
    """Return what a booking keeps of its trace: our span in it, or without traces the caller's."""
    return tracing.carrier().get("traceparent") or callers_traceparent()


def callers_traceparent() -> str | None:
    """Return the caller's W3C trace context, when it is one."""
    given = request.headers.get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else None


def caller_address() -> str | None:
    """Return the address whose open holds are counted; None for one that is trusted or unknown.

    Of an IPv6 address the network counts, since one caller has all of its addresses.
    """
    address = limited_address()
    return None if address == UNKNOWN else address


def limited_address() -> str | None:
    """Return the address whose calls are counted; None for one that is trusted."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in _trusted):
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


def note_wait() -> None:
    """Note that this request is about to wait for something to happen, as its caller asked."""
    g.has_waited = True


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is told of a request once it has ended. The route, never the path: that holds ids."""

    began: float
    method: str
    route: str | None
    status: int
    has_waited: bool
    is_quiet: bool

    def note(self) -> None:
        """Count it and write its line."""
        seconds = time.monotonic() - self.began
        # Of methods and routes there are only so many.
        method = self.method if self.method in _METHODS else "other"
        REQUEST_SECONDS.labels(method, self.route or "none", self.status).observe(seconds)
        if self.has_waited:
            WAITED_SECONDS.observe(seconds)
        log = logger.debug if self.is_quiet else logger.info
        log(
            "request",
            method=self.method,
            route=self.route,
            status=self.status,
            milliseconds=round(1000 * seconds, 1),
        )


def _begin() -> None:
    _forget_remembered()
    given = request.headers.get("X-Request-Id", "")
    request.environ["holdfast.request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    g.began = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _forget_remembered() -> None:
    """Drop a cookie that nothing here sets, before the sign-in library reads it and fails on it."""
    cookies = request.environ.get("HTTP_COOKIE", "")
    if "remember_token" in cookies:
        request.environ["HTTP_COOKIE"] = _REMEMBERED.sub("", cookies)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    if (trace := callers_traceparent()) is not None:
        response.headers["traceparent"] = trace
    for name, value in _SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    if not g.get("frame_ancestors"):
        response.headers.setdefault("X-Frame-Options", "DENY")
    if request.path.startswith("/api/"):
        # Places go by the second, and bookings are nobody else's.
        response.headers.setdefault("Cache-Control", "no-store")
    answer = _Answer(
        began=g.began,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        has_waited="has_waited" in g,
        is_quiet=request.path.startswith(_QUIET),
    )
    if response.is_streamed and not response.direct_passthrough:
        response.call_on_close(answer.note)
    else:
        answer.note()
    return response
