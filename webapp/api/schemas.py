"""The bodies and queries of the API; the OpenAPI document is made from them."""

from typing import Any

from marshmallow import Schema, fields, pre_dump, validate

from models import CountedIn, Kind, Status
from webapp.api.fields import (
    Day,
    Email,
    Id,
    Instant,
    InstantOrDay,
    LanguageTag,
    Phone,
    QueryWhole,
    Text,
    Whole,
    Word,
)
from webapp.api.money import money
from webapp.api.pagination import PageQuery

MOST_SLOTS = 366
MOST_HOLD_MINUTES = 100_000


def said(description: str, **more: Any) -> dict[str, Any]:
    """Return what the OpenAPI document says of a field."""
    return {"description": description, **more}


# What is asked


class SlotsQuery(PageQuery):
    """Which slots of a venue."""

    starts_from = InstantOrDay(
        data_key="from",
        load_default=None,
        metadata=said("An instant, or a date in the venue's zone. Now, by default."),
    )
    starts_to = InstantOrDay(
        data_key="to",
        load_default=None,
        metadata=said(
            "An instant (slots that start before it) or a date (slots of that day as well);"
            " seven days after `from` by default, 62 at most."
        ),
    )
    quantity = QueryWhole(
        load_default=None, metadata=said("Only open slots that have room for so many.")
    )
    resource = Id(load_default=None, metadata=said("Only slots of this resource."))


class RoomsQuery(PageQuery):
    """Which rooms, and for which nights."""

    check_in = Day(required=True, metadata=said("The day of arrival."))
    check_out = Day(required=True, metadata=said("The day of leaving; 62 nights at most."))
    guests = QueryWhole(load_default=1, most=10_000, metadata=said("How many people, in all."))
    rooms = QueryWhole(load_default=1, most=10_000, metadata=said("How many rooms of one type."))
    venue = Text(longest=63, load_default=None, metadata=said("Only at this venue (its slug)."))


class BookingsQuery(PageQuery):
    """Which bookings of those that the caller may see."""

    status = fields.String(
        load_default=None,
        validate=validate.OneOf(list(Status)),
        metadata=said("Only bookings in this status."),
    )
    venue = Text(longest=63, load_default=None, metadata=said("Only of this venue (its slug)."))


class WaitQuery(Schema):
    """How long the answer may be kept back."""

    wait = QueryWhole(
        least=0,
        most=86_400,
        load_default=0,
        metadata=said("Seconds to wait while the booking is pending; 30 count at most."),
    )


class NoQuery(Schema):
    """The call takes no parameters."""


class CustomerRequest(Schema):
    """Who books."""

    email = Email(required=True)
    full_name = Text(longest=200, load_default=None, allow_none=True)
    phone = Phone(
        load_default=None,
        allow_none=True,
        metadata=said("With `+` it is checked and kept as E.164, without as it was given."),
    )


class BookingRequest(Schema):
    """A booking that is asked for."""

    slot_ids = fields.List(
        Id(),
        required=True,
        validate=validate.Length(1, MOST_SLOTS),
        metadata=said("Slots of one resource; for a stay its nights, one after another."),
    )
    quantity = Whole(required=True, metadata=said("People for a table, else seats or rooms."))
    guests = Whole(
        load_default=None,
        allow_none=True,
        metadata=said("People in all; for rooms only."),
    )
    customer = fields.Nested(CustomerRequest, required=True)
    special_requests = Text(longest=2000, lines=True, load_default=None, allow_none=True)
    channel = Word(longest=40, load_default="api", metadata=said("Where the booking comes from."))
    hold_minutes = Whole(
        most=MOST_HOLD_MINUTES,
        load_default=None,
        allow_none=True,
        metadata=said("Two steps: keep the places so long, to be confirmed."),
    )
    # Without a default: a body that does not name it stays the same body to its idempotency key.
    language = LanguageTag(
        allow_none=True,
        metadata=said(
            "The customer's language, such as `de` or `fr-CH`, for mails and pages;"
            " by default that of `Accept-Language`."
        ),
    )


class ChangeRequest(Schema):
    """What is to be different; what is not named stays."""

    slot_ids = fields.List(Id(), validate=validate.Length(1, MOST_SLOTS))
    quantity = Whole()
    guests = Whole()
    special_requests = Text(longest=2000, lines=True, may_be_empty=True)


class CancelRequest(Schema):
    """Why a booking is cancelled."""

    reason_id = Whole(load_default=None, allow_none=True)


class ConfirmRequest(Schema):
    """Nothing needs to be said."""


class ExtendRequest(Schema):
    """How much more time is wanted."""

    minutes = Whole(
        required=True, most=MOST_HOLD_MINUTES, metadata=said("From now; never shortens a hold.")
    )


# What is answered


class ResourceBody(Schema):
    """What is booked at a venue."""

    id = fields.UUID()
    name = fields.String()
    counted_in = fields.String(validate=validate.OneOf(list(CountedIn)))
    max_quantity = fields.Integer()
    people_per_room = fields.Integer(allow_none=True)
    attributes = fields.Dict(keys=fields.String())


class PolicyBody(Schema):
    """The venue's rules, in the units that their names carry."""

    notice_minutes = fields.Integer()
    cutoff_minutes = fields.Integer()
    cancel_cutoff_minutes = fields.Integer()
    horizon_days = fields.Integer()
    default_hold_minutes = fields.Integer()
    max_hold_minutes = fields.Integer()


class VenueBody(Schema):
    """A business that is booked."""

    slug = fields.String()
    name = fields.String()
    kind = fields.String(validate=validate.OneOf(list(Kind)))
    time_zone = fields.String(metadata=said("An IANA zone."))
    currency = fields.String(metadata=said("ISO 4217."))
    attributes = fields.Dict(keys=fields.String())
    policies = fields.Nested(PolicyBody)
    resources = fields.List(fields.Nested(ResourceBody))
    links = fields.Dict(keys=fields.String(), values=fields.String())

    @pre_dump
    def arrange(self, venue: Any, **_: Any) -> dict[str, Any]:
        """Take apart what the answer has in parts."""
        self_url = f"/api/v1/venues/{venue.slug}"
        return {
            "slug": venue.slug,
            "name": venue.name,
            "kind": venue.kind,
            "time_zone": venue.time_zone,
            "currency": venue.currency,
            "attributes": venue.attributes,
            "policies": venue,
            "resources": venue.resources,
            "links": {"self": self_url, "slots": f"{self_url}/slots"},
        }


class SlotBody(Schema):
    """One window of a resource, as it is offered now."""

    id = fields.UUID()
    resource_id = fields.UUID()
    starts_at = Instant()
    ends_at = Instant()
    capacity = fields.Integer()
    remaining = fields.Integer()
    max_quantity = fields.Integer()
    price = fields.Function(
        lambda slot: money(slot.price, slot.currency),
        metadata=said("For one place.", type="string"),
    )
    currency = fields.String()
    attributes = fields.Dict(keys=fields.String())
    status = fields.String(validate=validate.OneOf(["open", "full", "closed"]))


class NightBody(Schema):
    """One night of a stay."""

    date = fields.Date()
    slot_id = fields.UUID()
    price = fields.String(metadata=said("For one room."))


class RoomBody(Schema):
    """A room type that is free for every night of the stay."""

    resource_id = fields.UUID()
    venue = fields.String()
    name = fields.String()
    attributes = fields.Dict(keys=fields.String())
    remaining = fields.Integer(metadata=said("Of the tightest night."))
    nights = fields.List(fields.Nested(NightBody))
    total = fields.String(metadata=said("For all rooms asked for."))
    currency = fields.String()
    slot_ids = fields.List(fields.UUID())

    @pre_dump
    def arrange(self, offer: Any, **_: Any) -> dict[str, Any]:
        """Write the money in the offer's currency."""
        nights = [
            {
                "date": night.date,
                "slot_id": night.slot_id,
                "price": money(night.price, offer.currency),
            }
            for night in offer.nights
        ]
        return {
            "resource_id": offer.resource_id,
            "venue": offer.venue,
            "name": offer.name,
            "attributes": offer.attributes,
            "remaining": offer.remaining,
            "nights": nights,
            "total": money(offer.total, offer.currency),
            "currency": offer.currency,
            "slot_ids": offer.slot_ids,
        }


class Problem(Schema):
    """An error, as RFC 9457 has it. `code` is stable; `detail` is for people."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    request_id = fields.String()
    errors = fields.List(
        fields.Nested(
            Schema.from_dict(
                {"field": fields.String(required=True), "message": fields.String(required=True)},
                name="FieldError",
            )
        ),
        metadata=said("For invalid input: the fields, as dotted paths."),
    )
    reason = fields.String(metadata=said("Why a change did not fit."))
    remaining = fields.Integer(metadata=said("What the tightest slot had left."))
    slot_id = fields.String(metadata=said("The slot that refused."))


def page(item: type[Schema]) -> type[Schema]:
    """Return the schema of a list in pages."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=item.__name__.removesuffix("Body") + "Page",
    )
