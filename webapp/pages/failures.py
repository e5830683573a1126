"""What went wrong, as a page says it: in words, in the reader's language, with a way on."""

from http import HTTPStatus

from flask import Response
from werkzeug.exceptions import HTTPException

from messages.languages import Voice
from webapp.pages.guard import add_headers
from webapp.pages.rendering import page
from webapp.pages.voice import voice


def error_page(error: HTTPException) -> Response:
    """Return the page of an error. It needs nothing that may have failed: no database, no Redis."""
    v = voice()
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    heading, text = _words(v, status)
    return add_headers(
        page("pages/told.html", v=v, status=status, heading=heading, text=text, to_start=True)
    )


def _words(v: Voice, status: int) -> tuple[str, str]:
    match status:
        case HTTPStatus.NOT_FOUND:
            return v.t("There is nothing here"), v.t(
                "The address may be mistyped, or what it led to is no longer there."
            )
        case HTTPStatus.FORBIDDEN | HTTPStatus.BAD_REQUEST:
            return v.t("That could not be done"), v.t(
                "The form did not come from this site as it should. Nothing was changed."
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return v.t("A little slower, please"), v.t(
                "There were too many tries in a short time. Please wait a few minutes."
            )
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return v.t("Please try again in a moment"), v.t(
                "We cannot answer just now. What was booked stays booked."
            )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return v.t("Something went wrong"), v.t("It was our fault, and it has been noted.")
    return v.t("That could not be done"), v.t("Nothing was changed.")
