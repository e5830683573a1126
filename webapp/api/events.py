"""A booking's changes as server-sent events."""

import json
from collections.abc import Iterator
from typing import Any

import structlog
from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from booking.views import BookingView
from booking.waiting import FINAL, watch
from webapp.api import examples
from webapp.api.access import visible_booking
from webapp.api.booking_body import BookingBody
from webapp.api.documented import ACCOUNT, BEARER, fails
from webapp.api.parsing import Blueprint
from webapp.api.schemas import NoQuery
from webapp.problems import TooManyWait
from webapp.waiters import leave_place, take_place

logger = structlog.get_logger(__name__)

STREAM_SECONDS = 60
RETRY_MS = 2000

blueprint = Blueprint("events", __name__, description="Changes as they happen.")
_body = BookingBody()
# One event of the stream, as `EventSource` gives it to a page.
_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event": {"const": "booking"},
        "id": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/BookingBody"},
        },
    },
    "required": ["event", "id", "data"],
}
_EXAMPLE = {
    "event": "booking",
    "id": "confirmed.1764871203.725972",
    "data": json.dumps(examples.CONFIRMED),
}


@blueprint.get("/bookings/<string:reference>/events")
@blueprint.doc(security=[*BEARER, *ACCOUNT, {"session": []}])
@blueprint.arguments(NoQuery, location="query")
@blueprint.response(
    200,
    _EVENT,
    content_type="text/event-stream",
    description="`event: booking` with the booking as `data:`, at once and at each change.",
    example=_EXAMPLE,
)
@blueprint.alt_response(204, description="Nothing can change any more; do not connect again.")
@fails(blueprint, 403, 404)
def get_events(_: object, reference: str) -> Response:
    """Follow a booking until nothing can change any more, or for a minute."""
    booking = visible_booking(reference)
    if booking.status in FINAL and request.headers.get("Last-Event-ID") == _event_id(booking):
        return Response(status=204)
    if not take_place():
        raise TooManyWait
    answer = Response(_stream(booking), mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(leave_place)
    return answer


def _stream(booking: BookingView) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    try:
        for seen in watch(booking, STREAM_SECONDS):
            yield ": still here\n\n" if seen is None else _event(seen)
    except SQLAlchemyError as error:
        # The headers are long gone: the client connects again and is told then.
        logger.warning("stream_broken", error=type(error).__name__)


def _event(booking: BookingView) -> str:
    data = json.dumps(_body.dump(booking))
    return f"id: {_event_id(booking)}\nevent: booking\ndata: {data}\n\n"


def _event_id(booking: BookingView) -> str:
    return f"{booking.status}.{booking.updated_at.timestamp():.6f}"
