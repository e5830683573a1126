"""Calendar feeds behind secret links: a resource's for its owner, a booking's for its customer."""

from flask import Blueprint, Response, abort, request

from booking.errors import NotFound
from booking.feeds import Feed, read_booking_feed, read_resource_feed
from messages.calendars import feed
from messages.languages import Voice, negotiate

MINUTES_KEPT = 5

blueprint = Blueprint("calendar", __name__, url_prefix="/calendar")


@blueprint.get("/bookings/<string:token>.ics")
def booking_feed(token: str) -> Response:
    """Show one booking as a calendar that follows its changes."""
    try:
        found = read_booking_feed(token)
    except NotFound:
        abort(404)
    language = found.bookings[0].language if found.bookings else None
    return _answer(found, Voice(negotiate((language, found.sender.language))), is_for_venue=False)


@blueprint.get("/resources/<string:token>.ics")
def resource_feed(token: str) -> Response:
    """Show the bookings of a resource, cancelled ones as cancelled."""
    try:
        found = read_resource_feed(token)
    except NotFound:
        abort(404)
    return _answer(found, Voice(negotiate((found.sender.language,))), is_for_venue=True)


def _answer(found: Feed, voice: Voice, *, is_for_venue: bool) -> Response:
    content = feed(voice, found.name, found.sender, found.bookings, is_for_venue=is_for_venue)
    answer = Response(content, mimetype="text/calendar")
    answer.headers["Cache-Control"] = f"private, max-age={60 * MINUTES_KEPT}"
    # A link that is secret stays out of every index and every Referer.
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.add_etag()
    answer.make_conditional(request)
    return answer
