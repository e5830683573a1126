"""The calls of an owner's pages: the list of bookings, the reasons, and one more way to change."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from booking.api_tokens import Scope
from booking.visits import VISITS, Visit, find_visits, read_reasons
from models import Status
from webapp.api.pagination import page_of, read_cursor
from webapp.problems import InvalidInput
from webapp.restaurant.access import Restaurant, owner, restaurant_of
from webapp.restaurant.answers import reason_body, row, updated_body
from webapp.restaurant.changing import change
from webapp.restaurant.refusals import BadFields, entry
from webapp.restaurant.schemas import LISTING, UPDATE, read_form, read_query

USUAL_PAGE = 100
LARGEST_PAGE = 1000

_STATUSES = {
    "confirmed": (Status.CONFIRMED, Status.CHECKED_IN),
    "completed": (Status.COMPLETED,),
    "no_show": (Status.NO_SHOW,),
    "cancelled": (Status.CANCELLED,),
}

blueprint = Blueprint("restaurant_owner", __name__)


@blueprint.get("/Bookings", provide_automatic_options=False)
def get_bookings(name: str) -> Response:
    """List bookings as a bare array, the latest visit first; headers say where it goes on."""
    caller = owner(name, scope=Scope.BOOKINGS_READ)
    query = read_query(LISTING, wrong_before=caller.wrong)
    limit = _at_least("limit", query["limit"], 1, USUAL_PAGE)
    offset = _at_least("offset", query["offset"], 0, 0)
    restaurant = caller.asks()
    after = _after(restaurant, query["cursor"])
    visits = find_visits(
        venue_id=restaurant.id,
        statuses=_STATUSES.get(query["status"], ()) if query["status"] else VISITS,
        first_day=query["date_from"],
        last_day=query["date_to"],
        after=after,
        # A cursor says where to go on by itself.
        offset=0 if after else offset,
        limit=min(limit, LARGEST_PAGE) + 1,
    )
    page = page_of(visits, min(limit, LARGEST_PAGE), _listed(restaurant), _place_of)
    answer = jsonify([row(restaurant, visit) for visit in page["items"]])
    if (cursor := page["next_cursor"]) is not None:
        answer.headers["X-Next-Cursor"] = cursor
        answer.headers["Link"] = f'<{_next_url(cursor)}>; rel="next"'
    return answer


@blueprint.get("/CancellationReasons", provide_automatic_options=False)
def get_reasons(name: str) -> Response:
    """List the reasons that may be given with a cancellation; no token is looked at."""
    restaurant = restaurant_of(name)
    return jsonify([reason_body(reason) for reason in read_reasons(venue_id=restaurant.id)])


@blueprint.post("/Booking/<string:reference>/Update", provide_automatic_options=False)
def post_update(name: str, reference: str) -> dict[str, Any]:
    """Change a booking to exactly this day, time and party."""
    caller = owner(name, scope=Scope.BOOKINGS_WRITE)
    wanted = read_form(UPDATE, wrong_before=caller.wrong)
    restaurant = caller.asks()
    booking, _ = change(restaurant, reference, wanted)
    return updated_body(restaurant, booking)


def _at_least(name: str, given: int | None, least: int, usual: int) -> int:
    if given is None:
        return usual
    if given < least:
        message = f"Input should be greater than or equal to {least}"
        raise BadFields([entry("greater_than_equal", "query", name, message, str(given))])
    return given


def _after(restaurant: Restaurant, cursor: str | None) -> tuple[datetime, int] | None:
    try:
        found = read_cursor(cursor, _listed(restaurant))
    except InvalidInput:
        message = "Input should be a cursor of this list"
        raise BadFields([entry("value_error", "query", "cursor", message, cursor)]) from None
    return (datetime.fromisoformat(found[0]), found[1]) if found else None


def _listed(restaurant: Restaurant) -> str:
    return f"visits of {restaurant.id}"


def _place_of(visit: Visit) -> list[Any]:
    return [visit.starts_at.isoformat(), visit.seq]


def _next_url(cursor: str) -> str:
    """Return this page's address with the cursor: the filters stay, the offset is done with."""
    query = {name: text for name, text in request.args.items() if name != "offset"}
    return f"{request.base_url}?{urlencode(query | {'cursor': cursor})}"
