"""Changing and cancelling a booking in the words of this face."""

from datetime import datetime
from typing import Any
from uuid import UUID

from booking import errors
from booking.changes import Change, change_booking
from booking.lifecycle import cancel_booking
from booking.rule import Reason
from booking.views import BookingView, read_booking
from booking.visits import read_reasons
from models import CancellationReason, Status
from webapp.restaurant import refusals
from webapp.restaurant.access import Restaurant
from webapp.restaurant.answers import leave_time_of, written
from webapp.restaurant.bookings import booking_of
from webapp.restaurant.refusals import Refused
from webapp.restaurant.search import has_passed, sitting_at


def change(
    restaurant: Restaurant, reference: str, wanted: dict[str, Any]
) -> tuple[BookingView, dict[str, Any]]:
    """Change what is really different; return the booking as it is then, and what is different.

    Raises Refused, and then nothing is changed.
    """
    booking = booking_of(restaurant, reference)
    if booking.status is Status.CANCELLED:
        raise Refused(refusals.IS_CANCELLED)
    updates = _differences(restaurant, booking, wanted)
    if not updates:
        return booking, updates
    asked = _asked(restaurant, booking, updates, wanted)
    try:
        change_booking(booking_id=booking.id, change=asked)
    except errors.BookingError as error:
        raise _refusal(error, booking.id) from None
    return read_booking(booking_id=booking.id), _shown(updates)


def cancel(
    restaurant: Restaurant, reference: str, reason_id: int
) -> tuple[BookingView, CancellationReason]:
    """Cancel a booking and free its table. Raises Refused."""
    booking = booking_of(restaurant, reference)
    if booking.status is Status.CANCELLED:
        raise Refused(refusals.CANCELLED_ALREADY)
    reason = reason_of(restaurant, reason_id)
    if reason is None:
        raise Refused(refusals.NO_REASON)
    try:
        is_first = cancel_booking(booking_id=booking.id, reason_id=reason_id)
    except errors.ReasonNotFound:
        raise Refused(refusals.NO_REASON) from None
    except errors.NotCancellable:
        raise Refused(refusals.CANNOT_CANCEL) from None
    if not is_first:
        raise Refused(refusals.CANCELLED_ALREADY)
    return read_booking(booking_id=booking.id), reason


def reason_of(restaurant: Restaurant, reason_id: int | None) -> CancellationReason | None:
    """Return a reason that may be given at this restaurant."""
    reasons = read_reasons(venue_id=restaurant.id) if reason_id is not None else ()
    return next((reason for reason in reasons if reason.id == reason_id), None)


def _differences(
    restaurant: Restaurant, booking: BookingView, wanted: dict[str, Any]
) -> dict[str, Any]:
    local = _start(restaurant, booking)
    now = {
        "visit_date": local.date(),
        "visit_time": local.time(),
        "party_size": booking.quantity,
        "special_requests": booking.special_requests,
        "is_leave_time_confirmed": leave_time_of(booking),
    }
    return {name: wanted[name] for name in now if wanted.get(name) not in (None, now[name])}


def _asked(
    restaurant: Restaurant, booking: BookingView, updates: dict[str, Any], wanted: dict[str, Any]
) -> Change:
    """Return the change that the engine is asked for. Raises Refused for what can never be."""
    party = updates.get("party_size")
    if party is not None and party < 1:
        raise Refused(refusals.NO_LONGER_AVAILABLE)
    leave_time = updates.get("is_leave_time_confirmed")
    return Change(
        slot_ids=_new_slot(restaurant, booking, updates),
        quantity=party,
        special_requests=updates.get("special_requests"),
        details={} if leave_time is None else {"is_leave_time_confirmed": leave_time},
    )


def _new_slot(
    restaurant: Restaurant, booking: BookingView, updates: dict[str, Any]
) -> tuple[UUID, ...] | None:
    if "visit_date" not in updates and "visit_time" not in updates:
        return None
    local = _start(restaurant, booking)
    day = updates.get("visit_date", local.date())
    at = updates.get("visit_time", local.time())
    party = updates.get("party_size", booking.quantity)
    if has_passed(restaurant, day, at):
        raise Refused(refusals.NO_LONGER_AVAILABLE)
    sitting = sitting_at(restaurant, day, at, party, resource_id=booking.resource_id)
    if sitting is None:
        raise Refused(refusals.NO_NEW_SLOT, 404)
    if party > sitting.largest:
        raise Refused(refusals.TOO_LARGE)
    return (sitting.slot_id,)


def _refusal(error: errors.BookingError, booking_id: UUID) -> Refused:
    match error:
        case errors.QuantityTooLarge():
            return Refused(refusals.TOO_LARGE)
        case errors.CannotTake() if error.reason == Reason.TOO_LARGE:
            return Refused(refusals.TOO_LARGE)
        case errors.SlotNotFound():
            return Refused(refusals.NO_NEW_SLOT, 404)
        case errors.BookingNotFound():
            return Refused(refusals.NO_BOOKING, 404)
        case errors.NotChangeable():
            # It may have been cancelled since it was read.
            is_cancelled = read_booking(booking_id=booking_id).status is Status.CANCELLED
            return Refused(refusals.IS_CANCELLED if is_cancelled else refusals.CANNOT_CHANGE)
    return Refused(refusals.NO_LONGER_AVAILABLE)


def _start(restaurant: Restaurant, booking: BookingView) -> datetime:
    return booking.slots[0].starts_at.astimezone(restaurant.zone)


def _shown(updates: dict[str, Any]) -> dict[str, Any]:
    return {
        name: written(value) if name in ("visit_date", "visit_time") else value
        for name, value in updates.items()
    }
