"""Venues, their slots, and rooms for a stay."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.availability import (
    RoomOffer,
    SlotView,
    find_rooms,
    find_slots,
    list_venues,
    read_venue,
)
from booking.errors import ResourceNotFound, VenueNotFound
from models import Venue
from webapp.api import examples
from webapp.api.documented import fails
from webapp.api.pagination import PageQuery, page_of, read_cursor
from webapp.api.parsing import Blueprint
from webapp.api.schemas import (
    RoomBody,
    RoomsQuery,
    SlotBody,
    SlotsQuery,
    VenueBody,
    page,
)
from webapp.problems import InvalidInput

LONGEST_WINDOW = timedelta(days=62)
USUAL_WINDOW = timedelta(days=7)

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

blueprint = Blueprint("venues", __name__, description="What can be booked.")


@blueprint.get("/venues")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page(VenueBody), example=examples.VENUE_PAGE)
@fails(blueprint)
def get_venues(query: dict[str, Any]) -> dict[str, Any]:
    """List the venues with what they offer."""
    after = read_cursor(query["cursor"], "venues") or 0
    venues = list_venues(after_id=after, limit=query["limit"] + 1)
    return page_of(venues, query["limit"], "venues", lambda venue: venue.id)


@blueprint.get("/venues/<string:slug>")
@blueprint.response(200, VenueBody, example=examples.VENUE)
@fails(blueprint, 404)
def get_venue(slug: str) -> Venue:
    """Show one venue with what it offers."""
    return venue_of(slug)


@blueprint.get("/venues/<string:slug>/slots")
@blueprint.arguments(SlotsQuery, location="query")
@blueprint.response(200, page(SlotBody), example=examples.SLOT_PAGE)
@fails(blueprint, 404)
def get_slots(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """List the slots of a venue that can still be booked by time, full and closed ones too."""
    venue = venue_of(slug)
    resource_id = query["resource"]
    if resource_id and resource_id not in {resource.id for resource in venue.resources}:
        raise ResourceNotFound
    starts_from, starts_before = _window(query, ZoneInfo(venue.time_zone))
    listed = f"slots of {venue.id}"
    after = read_cursor(query["cursor"], listed)
    slots = find_slots(
        venue_id=venue.id,
        starts_from=starts_from,
        starts_before=starts_before,
        resource_id=resource_id,
        quantity=query["quantity"],
        after=(datetime.fromisoformat(after[0]), UUID(after[1])) if after else None,
        limit=query["limit"] + 1,
    )
    return page_of(slots, query["limit"], listed, _place_of_slot)


@blueprint.get("/rooms")
@blueprint.arguments(RoomsQuery, location="query")
@blueprint.response(200, page(RoomBody), example=examples.ROOM_PAGE)
@fails(blueprint, 404)
def get_rooms(query: dict[str, Any]) -> dict[str, Any]:
    """List the room types that are free for every night of a stay."""
    _check_stay(query["check_in"], query["check_out"])
    if query["venue"] is not None:
        venue_of(query["venue"])
    after = read_cursor(query["cursor"], "rooms")
    offers = find_rooms(
        check_in=query["check_in"],
        check_out=query["check_out"],
        guests=query["guests"],
        rooms=query["rooms"],
        venue=query["venue"],
        after=UUID(after) if after else None,
        limit=query["limit"] + 1,
    )
    return page_of(offers, query["limit"], "rooms", _place_of_room)


def venue_of(slug: str) -> Venue:
    """Return a venue with what it offers. Raises VenueNotFound."""
    # What is no slug cannot be a venue's, and some of it cannot even be asked for (NUL).
    if not _SLUG.fullmatch(slug):
        raise VenueNotFound
    return read_venue(slug)


def _window(query: dict[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return from when and before when slots are to start. Raises InvalidInput."""
    given_from, given_to = query["starts_from"], query["starts_to"]
    # By the minute, so that those who ask in the same one ask the same question.
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    starts_from = _instant(given_from, zone) if given_from else now
    if given_to is None:
        return starts_from, starts_from + USUAL_WINDOW
    if isinstance(given_to, datetime):
        starts_before = given_to
    else:
        starts_before = _instant(given_to + timedelta(days=1), zone)
    if starts_before <= starts_from:
        raise InvalidInput([("to", "Must be after `from`.")])
    if starts_before - starts_from > LONGEST_WINDOW + timedelta(hours=2):
        raise InvalidInput([("to", f"At most {LONGEST_WINDOW.days} days after `from`.")])
    return starts_from, starts_before


def _instant(given: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the instant, or the beginning of the day in the venue's zone."""
    if isinstance(given, datetime):
        return given
    return datetime.combine(given, time(), zone).astimezone(UTC)


def _check_stay(check_in: date, check_out: date) -> None:
    # Somewhere on earth it is still the day that it was twelve hours ago in UTC.
    if check_in < (datetime.now(UTC) - timedelta(hours=12)).date():
        raise InvalidInput([("check_in", "Is in the past.")])
    if check_out <= check_in:
        raise InvalidInput([("check_out", "Must be after `check_in`.")])
    if check_out - check_in > LONGEST_WINDOW:
        raise InvalidInput([("check_out", f"At most {LONGEST_WINDOW.days} nights.")])


def _place_of_slot(slot: SlotView) -> list[str]:
    return [slot.starts_at.isoformat(), str(slot.id)]


def _place_of_room(offer: RoomOffer) -> str:
    return str(offer.resource_id)
