"""What the OpenAPI document says of the errors of a call."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from webapp.api.parsing import Blueprint
from webapp.api.schemas import Problem
from webapp.problems import MIME_TYPE

View = TypeVar("View", bound=Callable[..., Any])

# The name of a response that all faces share.
ADDRESS_TOO_LONG = "AddressTooLong"

ALWAYS = (422, 429, 500, 503)

BEARER: list[dict[str, list[str]]] = [{"access_token": []}]
ACCOUNT: list[dict[str, list[str]]] = [{"account": []}, {"api_token": []}]
SIGNED_IN: list[dict[str, list[str]]] = [{"account": []}]

PLACING_HEADERS: dict[str, Any] = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "description": "The same key and body give the same booking, however often sent.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        },
        {
            "in": "header",
            "name": "Prefer",
            "description": "`wait=N`: answer as soon as it is decided, after N seconds at most.",
            "schema": {"type": "string"},
            "example": "wait=10",
        },
    ]
}

_EXAMPLES: dict[int, tuple[str, str]] = {
    400: ("malformed_json", "The body is not valid JSON (line 1, column 2)."),
    401: ("unauthorized", "Sign in to see this."),
    403: ("out_of_scope", "The token lacks the scope bookings:write."),
    404: ("booking_not_found", "There is no such booking."),
    409: ("not_cancellable", "This booking can no longer be cancelled."),
    410: ("link_gone", "This link has been used already, or its time has passed."),
    413: ("body_too_large", "The data value transmitted exceeds the capacity limit."),
    415: ("unsupported_media_type", "The body must be application/json."),
    422: ("invalid_request", "The request is not valid."),
    429: ("too_many_requests", "Too many requests; try again in 17 seconds."),
    500: ("internal", "Something went wrong here; it has been noted."),
    503: ("unavailable", "The database cannot be reached at this moment; try again."),
}


def fails(blueprint: Blueprint, *statuses: int) -> Callable[[View], View]:
    """Document the errors of a call, next to those that every call can have."""

    def decorate(view: View) -> View:
        for status in sorted({*statuses, *ALWAYS}):
            view = blueprint.alt_response(
                status,
                schema=Problem,
                content_type=MIME_TYPE,
                description=HTTPStatus(status).phrase,
                example=_example(status),
            )(view)
        return blueprint.alt_response(HTTPStatus.REQUEST_URI_TOO_LONG, ADDRESS_TOO_LONG)(view)

    return decorate


def _example(status: int) -> dict[str, Any]:
    code, detail = _EXAMPLES[status]
    example: dict[str, Any] = {
        "type": f"urn:holdfast:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": "0f6b8c1de24a4a3ebd0e5b2a6a3f9c11",
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        example["errors"] = [{"field": "customer.email", "message": "Not a valid e-mail address."}]
    return example
