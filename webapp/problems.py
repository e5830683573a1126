"""Every error of the API as one body: RFC 9457 `application/problem+json` with a stable `code`.

The one table from the engine's errors to HTTP is `STATUS`; a class without a line of its own has
the status of its nearest ancestor.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from flask import Flask, Response, json, request
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
)

from admin import error_page, is_admin_request
from booking import errors
from booking.transactions import LinesMoved

logger = structlog.get_logger(__name__)

MIME_TYPE = "application/problem+json"
API_PATHS = ("/api/", "/openapi.json", "/health")
RETRY_SECONDS = 2

STATUS: dict[type[errors.BookingError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    # Named in a body or a query, not in the address: the request is what is wrong.
    errors.SlotNotFound: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReasonNotFound: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.AccessRefused: HTTPStatus.UNAUTHORIZED,
    errors.OutOfScope: HTTPStatus.FORBIDDEN,
    errors.EmailTaken: HTTPStatus.CONFLICT,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotNow: HTTPStatus.CONFLICT,
    errors.LinkGone: HTTPStatus.GONE,
    errors.CannotTake: HTTPStatus.CONFLICT,
    errors.TooBusy: HTTPStatus.SERVICE_UNAVAILABLE,
}

FIELDS: dict[type[errors.BookingError], str] = {
    errors.SlotNotFound: "slot_ids",
    errors.ReasonNotFound: "reason_id",
    errors.IdempotencyKeyReused: "Idempotency-Key",
}

# The framework's own errors, where the name of the status says too little.
CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}

DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address cannot be called that way.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "A body has 64 KB at most.",
}


ErrorPage = Callable[[HTTPException], Response]
FaceAnswer = Callable[[Exception, HTTPStatus, str], Response]

_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_faces: dict[tuple[str, ...], FaceAnswer] = {}
_error_pages: list[ErrorPage] = []


class InvalidInput(HTTPException):
    """The request does not have the form that it must have; names each field."""

    code = HTTPStatus.UNPROCESSABLE_ENTITY
    description = "The request is not valid."

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        self.fields = fields


class MalformedBody(HTTPException):
    """The body is not a JSON text that can be read in one way only."""

    code = HTTPStatus.BAD_REQUEST


class TooManyWait(HTTPException):
    """All places for streams of this process are taken."""

    code = HTTPStatus.SERVICE_UNAVAILABLE
    description = "Too many are waiting at this moment; ask without waiting, or try again."


class SignInNeeded(HTTPException):
    """This list belongs to somebody who is signed in."""

    code = HTTPStatus.UNAUTHORIZED
    description = "Sign in to see this."


class TokenRefused(HTTPException):
    """The bearer token is none of ours, too old, or void by now."""

    code = HTTPStatus.UNAUTHORIZED
    description = "This token is not valid, or no longer; sign in again."


def init_app(app: Flask) -> None:
    """Answer every error of the app; paths that are no API get a page."""
    app.register_error_handler(errors.BookingError, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_failure)


def register_face(prefixes: tuple[str, ...], answer: FaceAnswer) -> None:
    """Let a face answer every error below its prefixes in its own shape.

    `answer` is given the error (an HTTPException or a BookingError), its status and a sentence.
    Retry-After, Allow and the like of the error are added to what it returns.
    """
    _faces[prefixes] = answer


def register_error_page(answer: ErrorPage) -> None:
    """Let the customers' pages say in their way what went wrong, wherever no API was asked."""
    _error_pages[:] = [answer]


def status_of(error: type[errors.BookingError]) -> HTTPStatus:
    """Return the status of an engine's error. Raises LookupError when none is said."""
    return _nearest(STATUS, error)


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Return an error's answer; members that are None are left out."""
    body = {
        "type": f"urn:holdfast:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request.environ.get("holdfast.request_id"),
        **more,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return _with_headers(
        Response(json.dumps(given), status, mimetype=MIME_TYPE, headers=headers),
        _needed_headers(status, []),
    )


def is_unavailable(error: BaseException) -> bool:
    """Whether the database cannot be had at this moment: lost, busy, stopping or too slow."""
    if isinstance(error, PoolTimeout | LinesMoved):
        return True
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(driver_error, psycopg.OperationalError | psycopg.InterfaceError):
        return True
    # Class 25: a transaction that ran too long, or a server that only reads just now.
    return isinstance(driver_error, psycopg.Error) and (driver_error.sqlstate or "")[:2] == "25"


def _answer_refusal(error: errors.BookingError) -> Response:
    status = status_of(type(error))
    if (face := _face()) is not None:
        return _with_headers(face(error, status, str(error)), _needed_headers(status, []))
    field = getattr(error, "field", None) or _nearest(FIELDS, type(error), None)
    more: dict[str, Any] = {}
    if field:
        more["errors"] = [{"field": field, "message": str(error)}]
    if isinstance(error, errors.CannotTake):
        more |= {
            "reason": error.reason,
            "remaining": error.remaining,
            "slot_id": str(error.slot_id) if error.slot_id else None,
        }
    return problem(status, error.code, str(error), **more)


def _answer_http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    if not _is_api():
        return error_page(error) if is_admin_request() else _page(error)
    status = HTTPStatus(error.code)
    headers = _needed_headers(status, error.get_headers())
    detail = DETAILS.get(status) or error.description or status.phrase
    if (face := _face()) is not None:
        return _with_headers(face(error, status, detail), headers)
    if isinstance(error, InvalidInput):
        named = [{"field": field, "message": message} for field, message in error.fields]
        return problem(status, "invalid_request", detail, errors=named)
    if isinstance(error, MalformedBody):
        return problem(status, "malformed_json", detail)
    if isinstance(error, SignInNeeded):
        headers["WWW-Authenticate"] = 'Session realm="holdfast"'
    if isinstance(error, TokenRefused):
        headers["WWW-Authenticate"] = 'Bearer realm="holdfast", error="invalid_token"'
        return problem(status, "invalid_token", detail, headers=headers)
    code = CODES.get(status, status.phrase.lower().replace(" ", "_"))
    return problem(status, code, detail, headers=headers)


def _answer_failure(error: Exception) -> Any:
    if isinstance(error, ParseException):
        # The server finds out about a broken body only when it is read.
        return _answer_http(BadRequest("The request is not valid HTTP."))
    if is_unavailable(error):
        logger.warning("database_unavailable", error=type(error).__name__)
        unavailable = ServiceUnavailable(
            "The database cannot be reached at this moment; try again.", retry_after=RETRY_SECONDS
        )
        return _answer_http(unavailable)
    logger.exception("request_failed")
    internal = InternalServerError("Something went wrong here; it has been noted.")
    return _answer_http(internal)


def _page(error: HTTPException) -> Response:
    headers = dict(error.get_headers())
    headers.pop("Content-Type", None)
    answer = _error_pages[0](error)
    answer.headers.extend(headers)
    return answer


def _needed_headers(status: int, given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Keep the headers that belong to an error itself, and not to a page that describes it."""
    kept = {name: value for name, value in given if name in _KEPT_HEADERS}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        kept.setdefault("Retry-After", str(RETRY_SECONDS))
    return kept


def _with_headers(answer: Response, headers: dict[str, str]) -> Response:
    for name, value in headers.items():
        answer.headers.setdefault(name, value)
    return answer


def _face() -> FaceAnswer | None:
    return next(
        (answer for prefixes, answer in _faces.items() if request.path.startswith(prefixes)), None
    )


def _is_api() -> bool:
    return request.path.startswith(API_PATHS)


_REQUIRED = object()


def _nearest(table: dict[Any, Any], error: type, default: Any = _REQUIRED) -> Any:
    for ancestor in error.__mro__:
        if ancestor in table:
            return table[ancestor]
    if default is _REQUIRED:
        raise LookupError(f"{error.__name__} has no status")
    return default
