"""The calls of the boats API."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask, Request, request

from booking.actors import CUSTOMER
from booking.api_tokens import Scope
from booking.holds import Contact, HoldRequest, place_hold
from booking.lifecycle import cancel_booking
from booking.views import BookingView, read_booking
from booking.waiting import wait_or_withdraw
from models import Status
from settings import settings
from webapp.api.documented import ADDRESS_TOO_LONG, PLACING_HEADERS
from webapp.api.headers import idempotency
from webapp.api.identity import current_caller
from webapp.api.parsing import Blueprint, StrictParser, known_parameters
from webapp.boats import examples
from webapp.boats.answers import answer_error, booking_body, booking_row, one_departure, refusal
from webapp.boats.proof import LINK_PATH, cancellable_booking, proven_bookings
from webapp.boats.schemas import (
    BoatsError,
    DepartureBody,
    DepartureList,
    DeparturesQuery,
    LookupQuery,
    SeatsBody,
    SeatsCancelRequest,
    SeatsList,
    SeatsRequest,
)
from webapp.boats.search import departure_of, destination_of, destinations_of, search
from webapp.languages import preferred_language
from webapp.problems import InvalidInput, register_face
from webapp.requests import caller_address, request_id, traceparent
from webapp.waiters import place_to_wait

View = TypeVar("View", bound=Callable[..., Any])
Answer = tuple[dict[str, Any], int, dict[str, str]]

PREFIXES = ("/api/boats", "/api/bookings")
_ASYNC = re.compile(r"(^|,)\s*respond-async\s*(,|;|$)", re.I)


class _Parser(StrictParser):
    DEFAULT_VALIDATION_STATUS = HTTPStatus.BAD_REQUEST

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """Return the parameters that the call knows. Raises InvalidInput for one given twice."""
        return known_parameters(req, schema)


class _Blueprint(Blueprint):
    ARGUMENTS_PARSER = _Parser()


blueprint = _Blueprint("boats", __name__, description="Seats on departures, for boats clients.")


def init_app(_app: Flask) -> None:
    """Let every error below this face's addresses have its shape."""
    register_face(PREFIXES, answer_error)


def fails(*statuses: int) -> Callable[[View], View]:
    """Document the errors of a call, next to those that every call can have."""

    def decorate(view: View) -> View:
        for status in sorted({400, 429, 500, 503, *statuses}):
            phrase = HTTPStatus(status).phrase
            view = blueprint.alt_response(
                status, schema=BoatsError, description=phrase, example=examples.ERRORS[status]
            )(view)
        return blueprint.alt_response(HTTPStatus.REQUEST_URI_TOO_LONG, ADDRESS_TOO_LONG)(view)

    return decorate


@blueprint.get("/boats")
@blueprint.arguments(DeparturesQuery, location="query", unknown=None)
@blueprint.response(200, DepartureList, example=examples.DEPARTURES)
@fails()
def get_boats(query: dict[str, Any]) -> dict[str, Any]:
    """List departures that have not left, one entry each, by time."""
    return search(query)


@blueprint.get("/boats/<uuid:boat_id>/departures/<uuid:departure_id>")
@blueprint.response(200, DepartureBody, example=examples.ONE_DEPARTURE)
@fails(404)
def get_departure(boat_id: UUID, departure_id: UUID) -> dict[str, Any]:
    """Show one departure with its boat."""
    return one_departure(departure_of(departure_id, boat_id))


@blueprint.post("/bookings")
@blueprint.doc(**PLACING_HEADERS)
@blueprint.arguments(SeatsRequest, unknown=None, example=examples.REQUEST)
@blueprint.response(201, SeatsBody, example=examples.BOOKING)
@blueprint.alt_response(
    202,
    schema=SeatsBody,
    description="Written; still pending.",
    example=examples.BOOKING | {"status": "pending"},
    success=True,
)
@fails(401, 403, 404, 409, 410, 413, 415)
def create_booking(wanted: dict[str, Any]) -> Answer:
    """Book seats and wait for the decision; `Prefer: respond-async` answers at once."""
    caller = current_caller()
    if caller is not None and caller.integration is not None:
        caller.integration.require(Scope.BOOKINGS_WRITE)
    departure = departure_of(wanted["departure_id"])
    if wanted["seats_requested"] > departure.slot.capacity:
        raise InvalidInput([("seats_requested", f"There are {departure.slot.capacity} seats.")])
    is_async = _ASYNC.search(request.headers.get("Prefer", "")) is not None
    seconds = None if is_async else settings.face_wait_seconds
    with place_to_wait() if seconds else nullcontext():
        placed = place_hold(_hold_request(wanted, seconds))
        booking = wait_or_withdraw(placed.booking, seconds) if seconds else placed.booking
    headers = {"Idempotency-Replayed": "true"} if placed.is_replay else {}
    return _placed(booking, str(departure.slot.attributes.get("destination", "")), headers)


@blueprint.get("/bookings")
@blueprint.arguments(LookupQuery, location="query", unknown=None)
@blueprint.response(200, SeatsList, example=examples.ROWS)
@fails(401)
def get_bookings(query: dict[str, Any]) -> dict[str, Any]:
    """List the bookings of a proven person, newest first."""
    bookings = proven_bookings(query)
    destinations = destinations_of({booking.slots[0].id for booking in bookings})
    return {"bookings": [booking_row(b, destinations[b.slots[0].id]) for b in bookings]}


@blueprint.post("/bookings/<string:code>/cancel")
@blueprint.arguments(SeatsCancelRequest, unknown=None, example={"email": "john@example.com"})
@blueprint.response(200, SeatsBody, example=examples.BOOKING | {"status": "cancelled"})
@fails(401, 404, 409, 413, 415)
def post_cancel(proof: dict[str, Any], code: str) -> dict[str, Any]:
    """Cancel a booking by its confirmation code and a proof; again is the same."""
    booking = cancellable_booking(code, proof)
    cancel_booking(booking_id=booking.id, reason_id=proof["reason_id"])
    booking = read_booking(booking_id=booking.id)
    return booking_body(booking, destination_of(booking.slots[0].id))


def _hold_request(wanted: dict[str, Any], seconds: float | None) -> HoldRequest:
    caller = current_caller()
    return HoldRequest(
        slot_ids=(wanted["departure_id"],),
        quantity=wanted["seats_requested"],
        customer=Contact(**wanted["customer"]),
        channel="boats",
        language=preferred_language(),
        by=caller.actor if caller else CUSTOMER,
        user_id=caller.account.id if caller and caller.account else None,
        only_venue=caller.integration.venue_id if caller and caller.integration else None,
        decide_within=seconds,
        address=caller_address(),
        idempotency=idempotency(wanted, scope=caller.scope if caller else None),
        request_id=request_id(),
        traceparent=traceparent(),
    )


def _placed(booking: BookingView, destination: str, headers: dict[str, str]) -> Answer:
    """Answer with the booking as it stands. Raises FaceError when it was refused."""
    if booking.status in (Status.REJECTED, Status.EXPIRED):
        raise refusal(booking)
    if booking.status is Status.PENDING:
        # The native API would ask for a token that this face's clients do not have.
        proof = {"email": booking.email or "", "confirmation_code": booking.confirmation_code}
        headers["Location"] = f"{LINK_PATH}?{urlencode(proof)}"
        return booking_body(booking, destination), HTTPStatus.ACCEPTED, headers
    return booking_body(booking, destination), HTTPStatus.CREATED, headers
