"""The shapes of this face: a user, a room, a booking, an error."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from booking import errors
from booking.accounts import AccountView
from booking.rooms import RoomStay, RoomType
from booking.rule import Reason
from booking.views import BookingView
from models import Status
from webapp.api.money import money
from webapp.problems import InvalidInput

ADMIN, USER = "ADMIN", "USER"
SHOWN = {
    Status.CONFIRMED: "CONFIRMED",
    Status.CHECKED_IN: "CONFIRMED",
    Status.COMPLETED: "CONFIRMED",
    Status.CANCELLED: "CANCELLED",
    Status.NO_SHOW: "CANCELLED",
}
NOT_FREE = "The room is not free for all nights"
NOT_DECIDED = "Nothing was booked: it could not be decided in time. Trying again is safe"
NO_ROOM = "There is no such room"

_REASONS = {
    Reason.FULL: NOT_FREE,
    Reason.CLOSED: f"{NOT_FREE}: one of them is closed",
    Reason.NOTICE: "It is too late to book these nights",
    Reason.HORIZON: "These nights cannot be booked yet",
    Reason.TOO_LARGE: NOT_FREE,
}
_STATUS: dict[type[errors.BookingError], HTTPStatus] = {
    errors.EmailTaken: HTTPStatus.BAD_REQUEST,
    errors.SlotHasStarted: HTTPStatus.BAD_REQUEST,
    errors.TotalTooLarge: HTTPStatus.BAD_REQUEST,
    errors.CatalogueInvalid: HTTPStatus.BAD_REQUEST,
    errors.SlotNotFound: HTTPStatus.CONFLICT,
    errors.TooBusy: HTTPStatus.CONFLICT,
}
_MESSAGES: dict[type[errors.BookingError], str] = {
    errors.SlotNotFound: NOT_FREE,
    errors.ResourceNotFound: NO_ROOM,
    errors.SlotHasStarted: "checkIn: Is in the past",
    errors.WrongCredentials: "Wrong email or password",
}


class Refusal(HTTPException):
    """A refusal in the words of this face."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.code = status


def answer_error(error: Exception, status: HTTPStatus, sentence: str) -> Response:
    """Answer every error below this face's addresses: one body, and one sentence for people."""
    match error:
        case InvalidInput():
            status, sentence = HTTPStatus.BAD_REQUEST, _fields(error)
        case MethodNotAllowed():
            status, sentence = HTTPStatus.NOT_FOUND, "There is nothing at this address"
        case Refusal():
            sentence = error.description or sentence
        case errors.BookingError():
            status = _STATUS.get(type(error), status)
            sentence = _MESSAGES.get(type(error), sentence)
    answer = jsonify({"status": "error", "message": sentence.rstrip(".")})
    answer.status_code = status
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="room-platform"'
    return answer


def user_body(account: AccountView) -> dict[str, Any]:
    """Return an account with its role here."""
    return {
        "id": str(account.id),
        "email": account.email,
        "name": account.full_name,
        "role": role_of(account),
    }


def role_of(account: AccountView) -> str:
    """Return ADMIN for who manages a venue that lets rooms, USER for everybody else."""
    return USER if account.lets_rooms_at is None else ADMIN


def room_body(room: RoomType) -> dict[str, Any]:
    """Return a room."""
    return {
        "id": str(room.id),
        "name": room.name,
        "description": room.description,
        "price_per_night": money(room.price, room.currency),
        "location": room.location,
        "total_inventory": room.capacity,
    }


def stay_body(stay: RoomStay) -> dict[str, Any]:
    """Return a room that is free for a stay, at the price of this stay."""
    currency = stay.room.currency
    return room_body(stay.room) | {
        "price_per_night": a_night(stay.total, stay.nights, currency),
        "available_units": stay.remaining,
        "currency": currency,
        "total_price": money(stay.total, currency),
    }


def booking_body(booking: BookingView) -> dict[str, Any]:
    """Return a booking; its dates are those of the nights in the venue's zone."""
    check_in, check_out = _dates(booking)
    return {
        "id": str(booking.id),
        "user_id": str(booking.user_id) if booking.user_id else None,
        "room_id": str(booking.resource_id),
        "check_in": _midnight(check_in),
        "check_out": _midnight(check_out),
        "status": SHOWN.get(booking.status, booking.status.upper()),
        "created_at": _instant(booking.created_at),
    }


def my_booking_body(booking: BookingView, room: RoomType) -> dict[str, Any]:
    """Return a booking of one's list, with the room at the price that was paid for a night."""
    nights = len(booking.slots) * booking.quantity
    return booking_body(booking) | {
        "room": {
            "name": room.name,
            "location": room.location,
            "price_per_night": a_night(booking.total, nights, booking.currency),
        }
    }


def refused(booking: BookingView) -> Refusal:
    """Return why a hold was not confirmed, in words."""
    if booking.status is Status.EXPIRED:
        return Refusal(HTTPStatus.CONFLICT, NOT_DECIDED)
    message = _REASONS.get(Reason(booking.reason)) if booking.reason else None
    return Refusal(HTTPStatus.CONFLICT, message or "Nothing was booked. Trying again is safe")


def a_night(total: Decimal, nights: int, currency: str) -> str:
    """Return a stay's total divided by its nights, rounded half up to the currency's digits."""
    digits = Decimal(money(Decimal(0), currency))
    return money((total / max(1, nights)).quantize(digits, ROUND_HALF_UP), currency)


def _fields(error: InvalidInput) -> str:
    """Name each field that is wrong, once."""
    named: dict[str, str] = {}
    for field, message in error.fields:
        named.setdefault(field, message.rstrip("."))
    return ", ".join(f"{field}: {message}" for field, message in named.items())


def _dates(booking: BookingView) -> tuple[date, date]:
    zone = ZoneInfo(booking.time_zone)
    first = booking.slots[0].starts_at.astimezone(zone).date()
    last = booking.slots[-1].starts_at.astimezone(zone).date()
    return first, last + timedelta(days=1)


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
