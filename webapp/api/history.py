"""What has happened at a venue, in the order of the sealed numbers: for those who catch up."""

from typing import Any

from marshmallow import Schema, fields

from booking.errors import VenueNotFound
from booking.sealing import read_sealed
from webapp.api import examples
from webapp.api.access import listed_bookings
from webapp.api.documented import ACCOUNT, fails
from webapp.api.fields import Instant, QueryWhole
from webapp.api.pagination import LARGEST_PAGE
from webapp.api.parsing import Blueprint
from webapp.api.schemas import said
from webapp.api.venues import venue_of

blueprint = Blueprint("history", __name__, description="What has happened, number by number.")


class EventsQuery(Schema):
    """From which number on."""

    after = QueryWhole(
        least=0,
        most=2**62,
        load_default=0,
        metadata=said("The number of the last event that one has."),
    )
    limit = QueryWhole(
        least=1, most=LARGEST_PAGE, load_default=LARGEST_PAGE, metadata=said("How many at most.")
    )


class EventBody(Schema):
    """One event of a booking."""

    number = fields.Integer(metadata=said("Rises by one within the venue, without a gap."))
    booking_id = fields.UUID()
    reference = fields.String()
    kind = fields.String(metadata=said("The status it led to, or `placed`, `changed`, `extended`."))
    status = fields.String(metadata=said("The booking's status behind it."))
    reason = fields.String(allow_none=True)
    actor = fields.String(metadata=said("Who did it: a kind, and an id where there is one."))
    details = fields.Dict(metadata=said("What was different, in ids and numbers."))
    at = Instant()
    digest = fields.Function(
        lambda event: event.digest.hex(),
        metadata=said("SHA-256 over the digest before it and the event.", type="string"),
    )


class EventsBody(Schema):
    """Events in the order of their numbers, and the number to go on from."""

    items = fields.List(fields.Nested(EventBody))
    next_after = fields.Integer(metadata=said("Give it as `after` to read on."))


@blueprint.get("/venues/<string:slug>/events")
@blueprint.doc(security=[*ACCOUNT, {"session": []}])
@blueprint.arguments(EventsQuery, location="query")
@blueprint.response(200, EventsBody, example=examples.EVENT_PAGE)
@fails(blueprint, 401, 403, 404)
def get_events(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """List what has happened to the bookings of one's venue, a few seconds after it has."""
    whose = listed_bookings()
    venue = venue_of(slug)
    if whose.account_id is not None or not whose.includes(venue.id):
        raise VenueNotFound
    events = read_sealed(venue_id=venue.id, after=query["after"], limit=query["limit"])
    return {"items": events, "next_after": events[-1].number if events else query["after"]}
