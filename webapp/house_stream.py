"""That something has happened, told to the first page of the owners' house as it happens.

It stands here and not among the screens because it takes one of the process's places to wait. What
is sent says nothing but that there is something new; the page asks for it like any other page.
"""

from collections.abc import Iterator, Sequence

import structlog
from flask import Blueprint, Response, abort
from flask_security import current_user
from sqlalchemy.exc import SQLAlchemyError

from admin.database import give_back_connection
from admin.tenancy import shown_realm
from booking.waiting import watch_venues
from webapp.waiters import leave_place, take_place

logger = structlog.get_logger(__name__)

STREAM_SECONDS = 60
RETRY_MS = 2000

blueprint = Blueprint("house_stream", __name__)


@blueprint.get("/admin/stream")
def stream() -> Response:
    """Tell of each change at the venues of whoever is signed in, for a minute.

    They are looked up anew at each minute's end: who belongs to a venue no more hears no more.
    """
    realm = shown_realm()
    if not current_user.is_authenticated or realm.is_empty:
        abort(403)
    venue_ids = realm.venue_ids()
    give_back_connection()
    if not take_place():
        abort(503)
    answer = Response(_events(venue_ids), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(leave_place)
    return answer


def _events(venue_ids: Sequence[int] | None) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    try:
        for number in watch_venues(venue_ids, STREAM_SECONDS):
            yield ": still here\n\n" if number is None else f"event: changed\ndata: {number}\n\n"
    except SQLAlchemyError as error:
        # The headers are long gone: the page connects again.
        logger.warning("stream_broken", error=type(error).__name__)
