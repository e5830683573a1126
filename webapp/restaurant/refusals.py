"""What goes wrong, in this face's one shape: `{"detail": a sentence}`, or a list for bad fields."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

ENTRIES = list[dict[str, Any]]

NO_RESTAURANT = "Restaurant not found"
NO_BOOKING = "Booking not found"
NO_SLOT = "No availability slot found for that date/time"
NOT_AVAILABLE = "Selected time slot is not available"
NO_NEW_SLOT = "New time slot not found"
NO_LONGER_AVAILABLE = "That slot is no longer available"
TOO_LARGE = "Party size exceeds slot capacity"
IS_CANCELLED = "Cannot update cancelled booking"
CANNOT_CHANGE = "Booking can no longer be updated"
CANNOT_CANCEL = "Booking can no longer be cancelled"
CANCELLED_ALREADY = "Booking is already cancelled"
OTHER_REFERENCE = "Booking reference mismatch"
NO_REASON = "Invalid cancellation reason"
NOT_DECIDED = "The restaurant did not answer in time. Nothing was booked; please try again"
TOO_BUSY = "The restaurant is too busy at this moment. Nothing was booked; please try again later"
REFUSED = "The restaurant could not take this booking. Nothing was booked"
IN_DOUBT = (
    "The connection was lost, and it is not known whether this was booked."
    " Please ask the restaurant before you book again"
)
BAD_HEADER = "Invalid authorization header format"
BAD_TOKEN = "Invalid or expired token"  # noqa: S105


class Refused(HTTPException):
    """A refusal whose sentence clients show to people as it is."""

    def __init__(self, sentence: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(sentence)
        self.code = status


class BadFields(HTTPException):
    """Fields that are missing or wrong, in the order of the form."""

    code = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, entries: ENTRIES) -> None:
        super().__init__()
        self.entries = entries


def entry(kind: str, where: str, name: str, message: str, given: str | None) -> dict[str, Any]:
    """Return one bad field as clients know it."""
    return {"type": kind, "loc": [where, name], "msg": message, "input": given}


def missing(where: str, name: str) -> dict[str, Any]:
    """Return the entry of a field that is not there."""
    return entry("missing", where, name, "Field required", None)


def answer_error(error: Exception, status: HTTPStatus, sentence: str) -> Response:
    """Answer every error below this face's address."""
    if isinstance(error, BadFields):
        return _detail(status, error.entries)
    if isinstance(error, Refused):
        return _detail(status, error.description)
    if isinstance(error, NotFound) and (path := _without_slash()) is not None:
        query = request.query_string.decode("latin-1")
        location = f"{path}?{query}" if query else path
        return Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": location})
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return _detail(status, status.phrase)
    return _detail(status, sentence)


def _detail(status: int, detail: Any) -> Response:
    answer = jsonify({"detail": detail})
    answer.status_code = status
    return answer


def _without_slash() -> str | None:
    """Return the address without its trailing slash, if something is served there."""
    if not request.path.endswith("/"):
        return None
    adapter = current_app.url_map.bind_to_environ(request.environ)
    path = request.path.rstrip("/")
    try:
        adapter.match(path)
    except MethodNotAllowed:
        pass
    except (NotFound, RequestRedirect):
        return None
    return quote(request.root_path + path)
