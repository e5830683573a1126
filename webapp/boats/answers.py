"""The shapes of this face: a departure, a booking, an error."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from booking import errors
from booking.availability import Departure
from booking.rule import Reason
from booking.views import BookingView
from models import Status
from webapp.problems import InvalidInput, MalformedBody

DATES = ("date", "date_from", "date_to")
NOT_DECIDED = "Nothing was booked: the request could not be decided in time. Please try again."


class FaceError(HTTPException):
    """A refusal in the words of this face."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = status
        self.code_name = code
        self.more = more


def error(status: int, code: str, message: str, **more: Any) -> Response:
    """Return `{"error", "message", ...}`."""
    answer = jsonify({"error": code, "message": message, **more})
    answer.status_code = status
    return answer


def answer_error(failure: Exception, status: HTTPStatus, sentence: str) -> Response:
    """Answer the framework's and the engine's errors below this face's addresses."""
    match failure:
        case FaceError():
            return error(status, failure.code_name, sentence, **failure.more)
        case InvalidInput() if wrong := [field for field in failure.fields if field[0] in DATES]:
            return error(400, "invalid_date", ": ".join(wrong[0]))
        case InvalidInput():
            fields = dict(reversed(failure.fields))
            return error(400, "validation_error", _first(fields), fields=fields)
        case MalformedBody():
            return error(400, "validation_error", sentence, fields={"body": sentence})
        case errors.QuantityTooLarge() | errors.TotalTooLarge():
            fields = {"seats_requested": str(failure)}
            return error(400, "validation_error", str(failure), fields=fields)
        case errors.IdempotencyKeyReused():
            return error(409, "idempotency_conflict", str(failure))
        case errors.SlotHasStarted():
            return error(410, "departed", "This departure has left already.")
        case errors.NotFound():
            return error(404, "not_found", str(failure))
        case errors.BookingError():
            return error(status, failure.code, sentence)
    return error(status, status.phrase.lower().replace(" ", "_"), sentence)


def departure_entry(departure: Departure) -> dict[str, Any]:
    """Return an entry of the list: a boat and one of its departures."""
    slot = departure.slot
    return {
        "id": str(slot.resource_id),
        "departure_id": str(slot.id),
        "name": departure.resource_name,
        "capacity": slot.capacity,
        "available_seats": slot.remaining,
        "has_ac": bool(departure.resource_attributes.get("has_ac")),
        "price_per_seat": float(slot.price),
        "departure_time": _time(slot.starts_at),
        "destination": slot.attributes.get("destination", ""),
        "currency": slot.currency,
    }


def one_departure(departure: Departure) -> dict[str, Any]:
    """Return one departure with its boat nested; a closed one has no seats."""
    entry = departure_entry(departure)
    boat = {name: entry.pop(name) for name in ("id", "name", "capacity", "has_ac")}
    if departure.slot.status == "closed":
        entry["available_seats"] = 0
    return {"departure_id": entry.pop("departure_id"), "boat": boat} | entry


def booking_body(booking: BookingView, destination: str) -> dict[str, Any]:
    """Return a booking as the answer to placing or cancelling it."""
    return {
        "booking_id": str(booking.id),
        "status": booking.status,
        "confirmation_code": booking.confirmation_code,
        "departure": {
            "boat_name": booking.resource_name,
            "departure_time": _time(booking.slots[0].starts_at),
            "destination": destination,
        },
        "seats_booked": booking.quantity,
        "total_price": float(booking.total),
        "customer": {"email": booking.email, "full_name": booking.full_name},
    }


def booking_row(booking: BookingView, destination: str) -> dict[str, Any]:
    """Return a row of a lookup."""
    return {
        "booking_id": str(booking.id),
        "confirmation_code": booking.confirmation_code,
        "departure_time": _time(booking.slots[0].starts_at),
        "destination": destination,
        "seats_booked": booking.quantity,
        "status": booking.status,
        "created_at": _time(booking.created_at),
    }


def refusal(booking: BookingView) -> FaceError:
    """Return the error for a hold that was not confirmed, in the words of its reason."""
    seats = booking.remaining or 0
    if booking.status is Status.EXPIRED:
        return FaceError(503, "not_decided", NOT_DECIDED)
    if booking.reason == Reason.FULL:
        noun = "seat" if seats == 1 else "seats"
        sentence = f"Only {seats} {noun} available, but {booking.quantity} requested"
        return FaceError(400, "insufficient_capacity", sentence, available_seats=seats)
    if booking.reason in (Reason.CLOSED, Reason.NOTICE):
        return FaceError(410, "departed", "This departure can no longer be booked.")
    return FaceError(409, booking.reason or "refused", "It was refused; nothing was booked.")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _first(fields: dict[str, str]) -> str:
    name, message = next(iter(fields.items()))
    return f"{name}: {message}"
