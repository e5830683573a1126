"""Booking a table: the form becomes a hold, and the answer waits for its decision."""

from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from booking import errors
from booking.holds import Contact, HoldRequest, place_hold
from booking.rule import Reason
from booking.sittings import Sitting
from booking.views import BookingView
from booking.waiting import wait_or_withdraw
from models import Status
from settings import settings
from webapp.languages import preferred_language
from webapp.problems import is_unavailable
from webapp.requests import caller_address, request_id, traceparent
from webapp.restaurant import refusals
from webapp.restaurant.access import Restaurant
from webapp.restaurant.refusals import Refused
from webapp.restaurant.search import has_passed, sitting_at
from webapp.waiters import place_to_wait

logger = structlog.get_logger(__name__)

LONGEST_CHANNEL = 40
LONGEST_NAME = 200
LONGEST_PHONE = 40

_SENTENCES = {
    Reason.FULL: refusals.NOT_AVAILABLE,
    Reason.CLOSED: refusals.NOT_AVAILABLE,
    Reason.NOTICE: refusals.NOT_AVAILABLE,
    Reason.HORIZON: refusals.NOT_AVAILABLE,
    Reason.TOO_LARGE: refusals.NOT_AVAILABLE,
}


def book(restaurant: Restaurant, wanted: dict[str, Any]) -> BookingView:
    """Book a table and return it confirmed. Raises Refused, and then nothing is booked.

    Clients of this API have no key for one intention, and one repeats a call that ended with a
    5xx. So that happens only while nothing can have been written: without a database before the
    hold. From then on every answer is the outcome, or a refusal.
    """
    day, at, party = wanted["visit_date"], wanted["visit_time"], wanted["party_size"]
    if has_passed(restaurant, day, at):
        raise Refused(refusals.NOT_AVAILABLE)
    sitting = sitting_at(restaurant, day, at, party)
    if sitting is None:
        raise Refused(refusals.NO_SLOT)
    if not 1 <= party <= sitting.largest:
        raise Refused(refusals.NOT_AVAILABLE)
    try:
        with place_to_wait():
            booking = _decided(_placed(_hold_request(sitting, wanted)))
    except errors.TooBusy:
        raise Refused(refusals.TOO_BUSY) from None
    if booking.status is Status.CONFIRMED:
        return booking
    if booking.status is Status.EXPIRED:
        raise Refused(refusals.NOT_DECIDED)
    raise Refused(_SENTENCES.get(Reason(booking.reason or Reason.INTERNAL), refusals.REFUSED))


def _placed(wanted: HoldRequest) -> BookingView:
    try:
        return place_hold(wanted).booking
    except errors.SlotNotFound:
        raise Refused(refusals.NO_SLOT) from None
    except errors.InvalidRequest:
        raise Refused(refusals.NOT_AVAILABLE) from None
    except DBAPIError as error:
        # A connection that broke may have carried the commit; any other failure was rolled back.
        if not error.connection_invalidated:
            raise
        logger.warning("placing_in_doubt", error=type(error).__name__)
        raise Refused(refusals.IN_DOUBT) from None


def _decided(booking: BookingView) -> BookingView:
    """Wait for the last word. Everybody waits here, for clients of this API cannot ask again."""
    try:
        return wait_or_withdraw(booking, settings.face_wait_seconds)
    except Exception as error:
        if not is_unavailable(error):
            raise
        logger.warning("wait_broken", error=type(error).__name__)
        raise Refused(refusals.IN_DOUBT) from None


def _hold_request(sitting: Sitting, wanted: dict[str, Any]) -> HoldRequest:
    return HoldRequest(
        slot_ids=(sitting.slot_id,),
        quantity=wanted["party_size"],
        customer=_contact(wanted),
        special_requests=wanted["special_requests"],
        details=_details(wanted),
        language=preferred_language(),
        channel=wanted["channel_code"][:LONGEST_CHANNEL],
        decide_within=settings.face_wait_seconds,
        address=caller_address(),
        request_id=request_id(),
        traceparent=traceparent(),
    )


def _contact(wanted: dict[str, Any]) -> Contact:
    """Return how the customer is reached; the form itself is kept whole in the details."""
    names = (wanted["customer.title"], wanted["customer.first_name"], wanted["customer.surname"])
    phone = wanted["customer.mobile"] or wanted["customer.phone"]
    return Contact(
        email=wanted["customer.email"],
        full_name=" ".join(filter(None, names)).strip()[:LONGEST_NAME] or None,
        phone=phone if phone and len(phone) <= LONGEST_PHONE else None,
    )


def _details(wanted: dict[str, Any]) -> dict[str, Any]:
    form = {
        key.removeprefix("customer."): value
        for key, value in wanted.items()
        if key.startswith("customer.") and value is not None and key != "customer.email"
    }
    details = {
        "customer": form,
        "room_number": wanted["room_number"],
        "is_leave_time_confirmed": wanted["is_leave_time_confirmed"],
    }
    if len(wanted["channel_code"]) > LONGEST_CHANNEL:
        details["channel_code"] = wanted["channel_code"]
    return {name: value for name, value in details.items() if value is not None}
