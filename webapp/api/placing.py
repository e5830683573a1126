"""From a checked body to the engine's hold, and from the hold to the answer."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify

from booking.access import access_token
from booking.actors import CUSTOMER
from booking.holds import Contact, HoldRequest, Placed
from booking.views import BookingView
from models import Status
from webapp.api.booking_body import PlacedBody, arranged, booking_url
from webapp.api.headers import idempotency
from webapp.api.identity import Caller
from webapp.languages import preferred_language
from webapp.requests import caller_address, request_id, traceparent

_body = PlacedBody()


def hold_request(wanted: dict[str, Any], caller: Caller | None) -> HoldRequest:
    """Return what the engine is asked for. Raises InvalidInput for a key that is none."""
    account_id = caller.account.id if caller and caller.account else None
    return HoldRequest(
        slot_ids=tuple(wanted["slot_ids"]),
        quantity=wanted["quantity"],
        guests=wanted["guests"],
        customer=Contact(**wanted["customer"]),
        special_requests=wanted["special_requests"],
        language=wanted.get("language") or preferred_language(),
        channel=wanted["channel"],
        hold_minutes=wanted["hold_minutes"],
        address=caller_address(),
        by=caller.actor if caller else CUSTOMER,
        user_id=account_id,
        only_venue=caller.integration.venue_id if caller and caller.integration else None,
        idempotency=idempotency(wanted, scope=caller.scope if caller else None),
        request_id=request_id(),
        traceparent=traceparent(),
    )


def placed_answer(placed: Placed, booking: BookingView, *, waited: int) -> Response:
    """Answer with the booking as it is now: 202 while it is pending, 200 afterwards."""
    is_pending = booking.status is Status.PENDING
    answer = jsonify(_body.dump(arranged(booking) | {"access_token": access_token(booking)}))
    answer.status_code = HTTPStatus.ACCEPTED if is_pending else HTTPStatus.OK
    answer.headers["Location"] = booking_url(booking.reference)
    if placed.is_replay:
        answer.headers["Idempotency-Replayed"] = "true"
    if waited:
        answer.headers["Preference-Applied"] = f"wait={waited}"
    return answer
