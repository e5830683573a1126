"""A booking as the API shows it."""

from typing import Any

from marshmallow import Schema, fields, pre_dump, validate

from booking.views import BookingView
from models import Status
from webapp.api.fields import Instant
from webapp.api.money import money
from webapp.api.schemas import said

_CANCELLABLE = (Status.PENDING, Status.HELD, Status.CONFIRMED)
_CHANGEABLE = (Status.HELD, Status.CONFIRMED)


class SlotTakenBody(Schema):
    """A slot of a booking."""

    id = fields.UUID()
    starts_at = Instant()
    ends_at = Instant()
    price = fields.String(metadata=said("For one place, when the booking was placed."))


class CustomerBody(Schema):
    """The contact that was given with this booking."""

    email = fields.String(allow_none=True)
    full_name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class BookingBody(Schema):
    """A booking as it is now."""

    id = fields.UUID()
    reference = fields.String(metadata=said("Seven characters, for people."))
    venue = fields.String(metadata=said("The venue's slug."))
    venue_name = fields.String()
    time_zone = fields.String(metadata=said("The venue's, an IANA zone."))
    resource = fields.UUID()
    resource_name = fields.String()
    slots = fields.List(fields.Nested(SlotTakenBody))
    quantity = fields.Integer()
    guests = fields.Integer(allow_none=True)
    customer = fields.Nested(CustomerBody)
    email_refused = fields.Boolean(
        metadata=said("Whether a mail server has refused mail to the customer for good.")
    )
    special_requests = fields.String(allow_none=True)
    channel = fields.String()
    status = fields.String(validate=validate.OneOf(list(Status)))
    reason = fields.String(allow_none=True, metadata=said("Why it was refused or ended."))
    remaining = fields.Integer(
        allow_none=True, metadata=said("What the tightest slot had, when that was the reason.")
    )
    position = fields.Integer(
        allow_none=True, metadata=said("While pending: the holds before it, up to 1,000.")
    )
    expected_seconds = fields.Float(
        allow_none=True, metadata=said("While pending: until it is decided, roughly.")
    )
    expires_at = Instant(allow_none=True, metadata=said("The deadline of its present state."))
    total = fields.String(metadata=said("A decimal amount in `currency`."))
    currency = fields.String()
    created_at = Instant()
    decided_at = Instant(allow_none=True)
    links = fields.Dict(keys=fields.String(), values=fields.String())

    @pre_dump
    def arrange(self, booking: Any, **_: Any) -> dict[str, Any]:
        """Turn the engine's view into the shape of the answer."""
        return booking if isinstance(booking, dict) else arranged(booking)


class PlacedBody(BookingBody):
    """A new booking, with the token that opens it."""

    access_token = fields.String(metadata=said("Send it as bearer; it opens this booking only."))


def booking_url(reference: str) -> str:
    """Return the address of a booking."""
    return f"/api/v1/bookings/{reference}"


def arranged(booking: BookingView) -> dict[str, Any]:
    """Return a booking's members, before they are written as JSON."""
    slots = [
        {
            "id": slot.id,
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
            "price": money(slot.price, booking.currency),
        }
        for slot in booking.slots
    ]
    return {
        "id": booking.id,
        "reference": booking.reference,
        "venue": booking.venue,
        "venue_name": booking.venue_name,
        "time_zone": booking.time_zone,
        "resource": booking.resource_id,
        "resource_name": booking.resource_name,
        "slots": slots,
        "quantity": booking.quantity,
        "guests": booking.guests,
        "customer": {
            "email": booking.email,
            "full_name": booking.full_name,
            "phone": booking.phone,
        },
        "email_refused": booking.is_mail_refused,
        "special_requests": booking.special_requests,
        "channel": booking.channel,
        "status": booking.status,
        "reason": booking.reason,
        "remaining": booking.remaining,
        "position": booking.position,
        "expected_seconds": booking.expected_seconds,
        "expires_at": booking.expires_at,
        "total": money(booking.total, booking.currency),
        "currency": booking.currency,
        "created_at": booking.created_at,
        "decided_at": booking.decided_at,
        "links": _links(booking),
    }


def _links(booking: BookingView) -> dict[str, str]:
    """Return what can be done with the booking now."""
    url = booking_url(booking.reference)
    links = {"self": url, "events": f"{url}/events"}
    if booking.status in _CANCELLABLE:
        links["cancel"] = f"{url}/cancel"
    if booking.status in _CHANGEABLE:
        links["change"] = url
    if booking.status is Status.HELD:
        links |= {"confirm": f"{url}/confirm", "extend": f"{url}/extend"}
    return links
