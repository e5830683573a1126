"""Bookings: placed, read, waited for, changed, cancelled, confirmed and given more time."""

from typing import Any

from flask import Response

from booking.api_tokens import Scope
from booking.changes import Change, change_booking
from booking.holds import place_hold
from booking.lifecycle import cancel_booking, confirm_hold, extend_hold
from booking.views import BookingView, read_booking, read_bookings
from models import Status
from webapp.api import examples
from webapp.api.access import listed_bookings, opened_booking, visible_booking
from webapp.api.booking_body import BookingBody, PlacedBody
from webapp.api.documented import ACCOUNT, BEARER, PLACING_HEADERS, fails
from webapp.api.headers import preferred_wait
from webapp.api.identity import current_caller
from webapp.api.pagination import page_of, read_cursor
from webapp.api.parsing import Blueprint
from webapp.api.placing import hold_request, placed_answer
from webapp.api.schemas import (
    BookingRequest,
    BookingsQuery,
    CancelRequest,
    ChangeRequest,
    ConfirmRequest,
    ExtendRequest,
    WaitQuery,
    page,
)
from webapp.api.venues import venue_of
from webapp.waiters import wait_for_decision

blueprint = Blueprint("bookings", __name__, description="Holds, decisions and what follows.")


@blueprint.post("/bookings")
@blueprint.doc(**PLACING_HEADERS, security=[{}, *ACCOUNT])
@blueprint.arguments(BookingRequest, example=examples.BOOKING_REQUEST)
@blueprint.response(
    202, PlacedBody, description="Written and committed; still pending.", example=examples.PLACED
)
@blueprint.alt_response(
    200,
    schema=PlacedBody,
    description="Decided while the caller waited, or a repeated request.",
    example=examples.PLACED | examples.CONFIRMED,
    success=True,
)
@fails(blueprint, 400, 401, 403, 413, 415)
def create_booking(wanted: dict[str, Any]) -> Response:
    """Ask for a booking."""
    caller = current_caller()
    if caller is not None and caller.integration is not None:
        caller.integration.require(Scope.BOOKINGS_WRITE)
    hold = hold_request(wanted, caller)
    seconds = preferred_wait()
    placed = place_hold(hold)
    booking, has_waited = wait_for_decision(placed.booking, seconds)
    return placed_answer(placed, booking, waited=seconds if has_waited else 0)


@blueprint.get("/bookings")
@blueprint.doc(security=[*ACCOUNT, {"session": []}])
@blueprint.arguments(BookingsQuery, location="query")
@blueprint.response(200, page(BookingBody), example=examples.BOOKING_PAGE)
@fails(blueprint, 401, 403, 404)
def get_bookings(query: dict[str, Any]) -> dict[str, Any]:
    """List one's own bookings, or those of one's venues, newest first."""
    whose = listed_bookings()
    after = read_cursor(query["cursor"], "bookings")
    if query["venue"] is not None:
        whose = whose.at(venue_of(query["venue"]).id)
    bookings = read_bookings(
        venue_ids=whose.venue_ids,
        user_id=whose.account_id,
        proven_email=whose.proven_email,
        status=Status(query["status"]) if query["status"] else None,
        before_seq=after,
        limit=query["limit"] + 1,
    )
    return page_of(bookings, query["limit"], "bookings", lambda booking: booking.seq)


@blueprint.get("/bookings/<string:reference>")
@blueprint.doc(security=[*BEARER, *ACCOUNT, {"session": []}])
@blueprint.arguments(WaitQuery, location="query")
@blueprint.response(200, BookingBody, example=examples.CONFIRMED)
@fails(blueprint, 403, 404)
def get_booking(query: dict[str, Any], reference: str) -> BookingView:
    """Show a booking, at once or as soon as it is decided."""
    return wait_for_decision(visible_booking(reference), query["wait"])[0]


@blueprint.patch("/bookings/<string:reference>")
@blueprint.doc(security=[*BEARER, *ACCOUNT])
@blueprint.arguments(ChangeRequest, example={"quantity": 5})
@blueprint.response(200, BookingBody, example=examples.CONFIRMED)
@fails(blueprint, 400, 403, 404, 409, 413, 415)
def patch_booking(wanted: dict[str, Any], reference: str) -> BookingView:
    """Change a booking, whole or not at all."""
    opened = opened_booking(reference)
    if "slot_ids" in wanted:
        wanted["slot_ids"] = tuple(wanted["slot_ids"])
    change_booking(booking_id=opened.booking.id, change=Change(**wanted), by=opened.by)
    return read_booking(booking_id=opened.booking.id)


@blueprint.post("/bookings/<string:reference>/cancel")
@blueprint.doc(security=[*BEARER, *ACCOUNT])
@blueprint.arguments(CancelRequest, required=False, example={"reason_id": 1})
@blueprint.response(200, BookingBody, example=examples.CANCELLED)
@fails(blueprint, 400, 403, 404, 409, 413, 415)
def post_cancel(wanted: dict[str, Any], reference: str) -> BookingView:
    """Cancel a booking and free its places; a second call answers as the first."""
    opened = opened_booking(reference)
    cancel_booking(booking_id=opened.booking.id, by=opened.by, reason_id=wanted["reason_id"])
    return read_booking(booking_id=opened.booking.id)


@blueprint.post("/bookings/<string:reference>/confirm")
@blueprint.doc(security=[*BEARER, *ACCOUNT])
@blueprint.arguments(ConfirmRequest, required=False, example={})
@blueprint.response(200, BookingBody, example=examples.CONFIRMED)
@fails(blueprint, 400, 403, 404, 409, 413, 415)
def post_confirm(_: dict[str, Any], reference: str) -> BookingView:
    """Confirm a held booking before its deadline."""
    opened = opened_booking(reference)
    confirm_hold(booking_id=opened.booking.id, by=opened.by)
    return read_booking(booking_id=opened.booking.id)


@blueprint.post("/bookings/<string:reference>/extend")
@blueprint.doc(security=[*BEARER, *ACCOUNT])
@blueprint.arguments(ExtendRequest, example={"minutes": 10})
@blueprint.response(200, BookingBody, example=examples.HELD)
@fails(blueprint, 400, 403, 404, 409, 413, 415)
def post_extend(wanted: dict[str, Any], reference: str) -> BookingView:
    """Ask for more time to confirm a held booking."""
    opened = opened_booking(reference)
    extend_hold(booking_id=opened.booking.id, minutes=wanted["minutes"], by=opened.by)
    return read_booking(booking_id=opened.booking.id)
