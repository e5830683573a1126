"""The five calls of a customer: search, book, read, change, cancel."""

from typing import Any

from flask import Blueprint

from webapp.restaurant import refusals
from webapp.restaurant.access import customer
from webapp.restaurant.answers import (
    booking_body,
    cancelled_body,
    changed_body,
    created_body,
    search_body,
)
from webapp.restaurant.bookings import booking_of
from webapp.restaurant.changing import cancel, change, reason_of
from webapp.restaurant.placing import book
from webapp.restaurant.refusals import BadFields, Refused
from webapp.restaurant.schemas import BOOKING, CANCEL, CHANGE, SEARCH, read_form
from webapp.restaurant.search import offered

blueprint = Blueprint("restaurant", __name__)


@blueprint.post("/AvailabilitySearch", provide_automatic_options=False)
def post_search(name: str) -> dict[str, Any]:
    """List the slots of one day that are large enough, bookable or not."""
    caller = customer(name)
    wanted = read_form(SEARCH, wrong_before=caller.wrong)
    restaurant = caller.asks()
    rows = offered(restaurant, wanted["visit_date"], wanted["party_size"])
    return search_body(restaurant, wanted, rows)


@blueprint.post("/BookingWithStripeToken", provide_automatic_options=False)
def post_booking(name: str) -> dict[str, Any]:
    """Book a table; the answer is the outcome."""
    caller = customer(name)
    wanted = read_form(BOOKING, wrong_before=caller.wrong)
    restaurant = caller.asks()
    return created_body(restaurant, book(restaurant, wanted))


@blueprint.get("/Booking/<string:reference>", provide_automatic_options=False)
def get_booking(name: str, reference: str) -> dict[str, Any]:
    """Show a booking."""
    caller = customer(name)
    if caller.wrong:
        raise BadFields(caller.wrong)
    restaurant = caller.asks()
    booking = booking_of(restaurant, reference)
    return booking_body(restaurant, booking, reason_of(restaurant, booking.cancellation_reason_id))


@blueprint.patch("/Booking/<string:reference>", provide_automatic_options=False)
def patch_booking(name: str, reference: str) -> dict[str, Any]:
    """Change a booking, whole or not at all."""
    caller = customer(name)
    wanted = read_form(CHANGE, wrong_before=caller.wrong)
    restaurant = caller.asks()
    booking, updates = change(restaurant, reference, wanted)
    return changed_body(restaurant, booking, updates)


@blueprint.post("/Booking/<string:reference>/Cancel", provide_automatic_options=False)
def post_cancel(name: str, reference: str) -> dict[str, Any]:
    """Cancel a booking, with a reason."""
    caller = customer(name)
    wanted = read_form(CANCEL, wrong_before=caller.wrong)
    if wanted["booking_reference"] != reference:
        raise Refused(refusals.OTHER_REFERENCE)
    restaurant = caller.asks()
    booking, reason = cancel(restaurant, reference, wanted["cancellation_reason_id"])
    return cancelled_body(restaurant, booking, wanted["microsite_name"], reason)
