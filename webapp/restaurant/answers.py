"""The shapes of this face: a booking created, read, changed, cancelled, and a row of the list."""

from datetime import UTC, date, datetime, time
from typing import Any

from booking.sittings import Sitting
from booking.views import BookingView
from booking.visits import Visit
from models import CancellationReason, Status
from webapp.restaurant.access import Restaurant

# Clients know these three; a guest who has come still has a confirmed booking for them.
_WORDS = {Status.CHECKED_IN: "confirmed"}


def timestamp(at: datetime) -> str:
    """Write an instant in UTC without a zone, as clients of this API know it."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()


def visit_at(restaurant: Restaurant, starts_at: datetime) -> dict[str, str]:
    """Write a start as date and time on the restaurant's clock."""
    local = starts_at.astimezone(restaurant.zone)
    return {"visit_date": written(local.date()), "visit_time": written(local.time())}


def written(value: date | time) -> str:
    """Write a date or a time of day."""
    return value.isoformat()


def search_body(
    restaurant: Restaurant, wanted: dict[str, Any], rows: list[tuple[time, Sitting, bool]]
) -> dict[str, Any]:
    """Answer a search with the slots of the day."""
    slots = [
        {
            "time": written(at),
            "available": is_available,
            "max_party_size": sitting.largest,
            "current_bookings": sitting.bookings,
        }
        for at, sitting, is_available in rows
    ]
    return {
        "restaurant": restaurant.name,
        "restaurant_id": restaurant.id,
        "visit_date": written(wanted["visit_date"]),
        "party_size": wanted["party_size"],
        "channel_code": wanted["channel_code"],
        "available_slots": slots,
        "total_slots": len(slots),
    }


def created_body(restaurant: Restaurant, booking: BookingView) -> dict[str, Any]:
    """Answer a booking that was just made."""
    return _booking(restaurant, booking) | {
        "is_leave_time_confirmed": booking.details.get("is_leave_time_confirmed"),
        "customer": _customer(booking),
        "status": _status(booking.status),
        "created_at": timestamp(booking.created_at),
    }


def booking_body(
    restaurant: Restaurant, booking: BookingView, reason: CancellationReason | None
) -> dict[str, Any]:
    """Answer with a booking as it is now."""
    return _booking(restaurant, booking) | {
        "is_leave_time_confirmed": leave_time_of(booking),
        "status": _status(booking.status),
        "customer": _customer(booking) | {"phone": _given(booking, "phone")},
        "cancellation_reason": reason_body(reason) if reason else None,
        "created_at": timestamp(booking.created_at),
        "updated_at": timestamp(booking.updated_at),
    }


def changed_body(
    restaurant: Restaurant, booking: BookingView, updates: dict[str, Any]
) -> dict[str, Any]:
    """Answer a change with what is different now; none is an answer as well."""
    outcome = "successfully updated" if updates else "checked - no changes made"
    return _names(restaurant, booking) | {
        "updates": updates,
        "status": "updated" if updates else "no_changes",
        "updated_at": timestamp(booking.updated_at),
        "message": f"Booking {booking.reference} has been {outcome}",
    }


def cancelled_body(
    restaurant: Restaurant, booking: BookingView, microsite: str, reason: CancellationReason
) -> dict[str, Any]:
    """Answer a cancellation."""
    return _names(restaurant, booking) | {
        "microsite_name": microsite,
        "cancellation_reason_id": reason.id,
        "cancellation_reason": reason.reason,
        "status": "cancelled",
        "cancelled_at": timestamp(booking.cancelled_at or booking.updated_at),
        "message": f"Booking {booking.reference} has been successfully cancelled",
    }


def updated_body(restaurant: Restaurant, booking: BookingView) -> dict[str, Any]:
    """Answer the owner's own way to change a booking."""
    return {
        "message": "Booking updated successfully",
        "booking_reference": booking.reference,
        **visit_at(restaurant, booking.slots[0].starts_at),
        "party_size": booking.quantity,
        "special_requests": booking.special_requests,
    }


def row(restaurant: Restaurant, visit: Visit) -> dict[str, Any]:
    """Return a row of the owner's list."""
    return {
        **_names(restaurant, visit),
        **visit_at(restaurant, visit.starts_at),
        "party_size": visit.quantity,
        "status": _status(visit.status),
        "customer": {
            "id": visit.customer_id,
            "first_name": _given(visit, "first_name"),
            "surname": _given(visit, "surname"),
            "email": visit.email,
            "mobile": _given(visit, "mobile"),
        },
        "created_at": timestamp(visit.created_at),
        "updated_at": timestamp(visit.updated_at),
    }


def reason_body(reason: CancellationReason) -> dict[str, Any]:
    """Return a reason with its description."""
    return {"id": reason.id, "reason": reason.reason, "description": reason.description}


def leave_time_of(booking: BookingView) -> bool:
    """Whether the leave time is confirmed: not said is no."""
    return bool(booking.details.get("is_leave_time_confirmed"))


def _booking(restaurant: Restaurant, booking: BookingView) -> dict[str, Any]:
    """Return what the answers to creating and to reading have in common, in their order."""
    return _names(restaurant, booking) | {
        **visit_at(restaurant, booking.slots[0].starts_at),
        "party_size": booking.quantity,
        "channel_code": booking.details.get("channel_code", booking.channel),
        "special_requests": booking.special_requests,
        "is_leave_time_confirmed": None,
        "room_number": booking.details.get("room_number"),
    }


def _names(restaurant: Restaurant, booking: BookingView | Visit) -> dict[str, Any]:
    return {
        "booking_reference": booking.reference,
        "booking_id": booking.seq,
        "restaurant": restaurant.name,
    }


def _customer(booking: BookingView) -> dict[str, Any]:
    """Return what was given with this booking; the customer's other bookings are not asked."""
    return {
        "id": booking.customer_id,
        "title": _given(booking, "title"),
        "first_name": _given(booking, "first_name"),
        "surname": _given(booking, "surname"),
        "email": booking.email,
        "mobile": _given(booking, "mobile"),
    }


def _given(booking: BookingView | Visit, name: str) -> Any:
    """Return a field of the form, or the like of it where the booking was made elsewhere."""
    if (form := booking.details.get("customer")) is not None:
        return form.get(name)
    first, _, last = (booking.full_name or "").partition(" ")
    return {
        "first_name": first or None,
        "surname": last or None,
        "mobile": booking.phone,
    }.get(name)


def _status(status: Status) -> str:
    return _WORDS.get(status, str(status))
