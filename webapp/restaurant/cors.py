"""Pages of other origins: those that are configured may call, all others see no sign of CORS."""

from flask import Response, request

from settings import settings

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
HEADERS = "Authorization, Content-Type"
READABLE = "Link, X-Next-Cursor, X-Request-Id, Retry-After"
REMEMBERED_SECONDS = 600


def answer_preflight() -> Response | None:
    """Answer a browser that asks whether a page of a configured origin may call."""
    if request.method != "OPTIONS" or not _is_allowed():
        return None
    if "Access-Control-Request-Method" not in request.headers:
        return None
    answer = Response(status=200)
    answer.headers["Access-Control-Allow-Methods"] = METHODS
    answer.headers["Access-Control-Allow-Headers"] = request.headers.get(
        "Access-Control-Request-Headers", HEADERS
    )
    answer.headers["Access-Control-Max-Age"] = str(REMEMBERED_SECONDS)
    return answer


def allow_origin(response: Response) -> Response:
    """Let a page of a configured origin read an answer, errors as well."""
    if settings.consumer_origins:
        response.vary.add("Origin")
    if _is_allowed():
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = READABLE
    return response


def _is_allowed() -> bool:
    return request.headers.get("Origin") in settings.consumer_origins
