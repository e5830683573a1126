"""The calls of the room platform API. The guards come before the fields: see its contract."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, Response, request

from booking.accounts import owns, register_account, sign_in
from booking.actors import customer
from booking.errors import BookingNotFound, ResourceNotFound
from booking.holds import Contact, HoldRequest, place_hold
from booking.lifecycle import cancel_booking
from booking.rooms import NewRoom, add_room_type, read_room, read_rooms
from booking.views import BookingView, read_booking, read_bookings
from booking.waiting import wait_or_withdraw
from models import Kind
from settings import settings
from webapp.api.documented import ADDRESS_TOO_LONG
from webapp.api.fields import ID
from webapp.api.headers import idempotency
from webapp.hotel import examples
from webapp.hotel.answers import (
    SHOWN,
    answer_error,
    booking_body,
    my_booking_body,
    refused,
    room_body,
    stay_body,
)
from webapp.hotel.login import current_account, needs_admin, needs_login, with_token
from webapp.hotel.schemas import (
    Blueprint,
    FreeRoomBody,
    GuestLoginRequest,
    GuestRegisterRequest,
    HotelRoomBody,
    MyStayBody,
    RoomPlatformError,
    RoomRequest,
    RoomsQuery,
    StayAnswerBody,
    StayRequest,
    TokenBody,
)
from webapp.hotel.search import free_rooms, slots_for
from webapp.languages import preferred_language
from webapp.limits import refuse_many_failures
from webapp.problems import register_face
from webapp.requests import caller_address, request_id, traceparent
from webapp.waiters import place_to_wait

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/room-platform"
MOST_BOOKINGS = 200
_TOKEN: list[dict[str, list[str]]] = [{"room_platform": []}]
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After,"
        " Idempotency-Replayed, X-Request-Id"
    ),
}
_PREFLIGHT = _CORS | {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key",
    "Access-Control-Max-Age": "600",
}

blueprint = Blueprint("rooms", __name__, description="Rooms by the night, for their clients.")


def init_app(app: Flask) -> None:
    """Let every answer below this face's addresses have its shape, and pages anywhere read it."""
    register_face((PREFIX,), answer_error)
    app.before_request(_answer_preflight)
    app.after_request(_open_to_all_origins)


def fails(*statuses: int) -> Callable[[View], View]:
    """Document the errors of a call, next to those that every call can have."""

    def decorate(view: View) -> View:
        for status in sorted({400, 429, 500, 503, *statuses}):
            view = blueprint.alt_response(
                status,
                schema=RoomPlatformError,
                description=HTTPStatus(status).phrase,
                example=examples.ERROR,
            )(view)
        return blueprint.alt_response(HTTPStatus.REQUEST_URI_TOO_LONG, ADDRESS_TOO_LONG)(view)

    return decorate


@blueprint.post("/auth/register", strict_slashes=False)
@blueprint.arguments(GuestRegisterRequest, example=examples.REGISTER)
@blueprint.response(201, TokenBody, example=examples.TOKEN)
@fails(413)
def post_register(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make an account and sign in."""
    account = register_account(
        email=wanted["email"], password=wanted["password"], full_name=wanted.get("name")
    )
    return with_token(account)


@blueprint.post("/auth/login", strict_slashes=False)
@blueprint.arguments(GuestLoginRequest, example=examples.LOGIN)
@blueprint.response(200, TokenBody, example=examples.TOKEN)
@fails(401, 413)
def post_login(wanted: dict[str, Any]) -> dict[str, Any]:
    """Sign in for a day."""
    with refuse_many_failures(wanted["email"]):
        account = sign_in(**wanted)
    return with_token(account)


@blueprint.get("/rooms", strict_slashes=False)
@blueprint.arguments(RoomsQuery, location="query")
@blueprint.response(200, FreeRoomBody(many=True), example=[examples.FREE_ROOM])
@fails()
def get_rooms(query: dict[str, Any]) -> list[dict[str, Any]]:
    """List the rooms that can be booked for every night of a stay."""
    return [stay_body(stay) for stay in free_rooms(**query)]


@blueprint.get("/rooms/<string:room_id>", strict_slashes=False)
@blueprint.response(200, HotelRoomBody, example=examples.ROOM)
@fails(404)
def get_room(room_id: str) -> dict[str, Any]:
    """Show a room."""
    return room_body(read_room(_id(room_id, ResourceNotFound)))


@blueprint.post("/rooms", strict_slashes=False)
@needs_admin
@blueprint.doc(security=_TOKEN)
@blueprint.arguments(RoomRequest, example=examples.ROOM_REQUEST)
@blueprint.response(201, HotelRoomBody, example=examples.ROOM)
@fails(401, 403, 413)
def post_room(wanted: dict[str, Any]) -> dict[str, Any]:
    """Add a room to one's venue, with its nights up to the venue's horizon."""
    venue_id = current_account().lets_rooms_at
    if venue_id is None:
        raise AssertionError("the guard lets only those through who let rooms")
    room_id = add_room_type(venue_id=venue_id, wanted=NewRoom(**wanted))
    return room_body(read_rooms([room_id])[room_id])


@blueprint.post("/bookings", strict_slashes=False)
@needs_login
@blueprint.doc(security=_TOKEN)
@blueprint.arguments(StayRequest, example=examples.STAY_REQUEST)
@blueprint.response(201, StayAnswerBody, example=examples.BOOKED)
@fails(401, 403, 404, 409, 413, 422)
def post_booking(
    wanted: dict[str, Any],
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Book one unit for all nights, and wait for the outcome."""
    with place_to_wait():
        placed = place_hold(_hold_request(wanted))
        booking = wait_or_withdraw(placed.booking, settings.room_platform_wait_seconds)
    if booking.status not in SHOWN:
        raise refused(booking)
    headers = {"Idempotency-Replayed": "true"} if placed.is_replay else {}
    return _answer(booking), HTTPStatus.CREATED, headers


@blueprint.get("/bookings/my-bookings", strict_slashes=False)
@needs_login
@blueprint.doc(security=_TOKEN)
@blueprint.response(200, MyStayBody(many=True), example=[examples.MY_STAY])
@fails(401, 403)
def get_my_bookings() -> list[dict[str, Any]]:
    """List one's own bookings, newest first."""
    account = current_account()
    bookings = read_bookings(
        user_id=account.id,
        proven_email=account.email if account.is_confirmed else None,
        kind=Kind.HOTEL,
        statuses=list(SHOWN),
        limit=MOST_BOOKINGS,
    )
    rooms = read_rooms({booking.resource_id for booking in bookings})
    return [my_booking_body(booking, rooms[booking.resource_id]) for booking in bookings]


@blueprint.post("/bookings/<string:booking_id>/cancel", strict_slashes=False)
@needs_login
@blueprint.doc(security=_TOKEN)
@blueprint.response(200, StayAnswerBody, example=examples.CANCELLED)
@fails(401, 403, 404, 409)
def post_cancel(booking_id: str) -> dict[str, Any]:
    """Cancel a booking and free its nights; a second call answers as the first."""
    account = current_account()
    booking = read_booking(booking_id=_id(booking_id, BookingNotFound))
    if not owns(account, user_id=booking.user_id, email=booking.email):
        raise BookingNotFound
    cancel_booking(booking_id=booking.id, by=customer(account.id))
    return _answer(read_booking(booking_id=booking.id))


def _hold_request(wanted: dict[str, Any]) -> HoldRequest:
    account = current_account()
    me = customer(account.id)
    return HoldRequest(
        slot_ids=slots_for(**wanted),
        quantity=1,
        customer=Contact(email=account.email, full_name=account.full_name),
        language=preferred_language(),
        channel="room-platform",
        decide_within=settings.room_platform_wait_seconds,
        by=me,
        user_id=account.id,
        address=caller_address(),
        idempotency=idempotency(wanted, scope=str(me)),
        request_id=request_id(),
        traceparent=traceparent(),
    )


def _answer(booking: BookingView) -> dict[str, Any]:
    """Say how a booking is now: with an idempotency key it may have been cancelled since."""
    return {"message": f"Booking {SHOWN[booking.status].lower()}", "booking": booking_body(booking)}


def _id(text: str, otherwise: type[Exception]) -> UUID:
    """Read an id of an address. Raises what is said of an unknown one."""
    if not ID.fullmatch(text):
        raise otherwise
    return UUID(text)


def _answer_preflight() -> Response | None:
    if request.method != "OPTIONS" or not request.path.startswith(PREFIX):
        return None
    return Response(status=HTTPStatus.NO_CONTENT, headers=_PREFLIGHT)


def _open_to_all_origins(response: Response) -> Response:
    if request.path.startswith(PREFIX):
        response.headers.update(_CORS)
    return response
