"""What somebody could book instead, when what they wanted was gone."""

from dataclasses import dataclass, replace
from typing import Any

from flask import url_for

from booking.views import BookingView
from messages.languages import Voice
from models import Kind, Venue
from webapp.pages.asking import Asked, read_asked
from webapp.pages.boats import find_seats
from webapp.pages.offers import Offer
from webapp.pages.rooms import find_stay
from webapp.pages.tables import find_tables, nearest

MOST = 4


@dataclass(frozen=True, slots=True)
class Alternative:
    """One other way, ready to be booked: its address and what it is."""

    url: str
    when: str
    what: str
    remaining: int


def find_alternatives(
    v: Voice, venue: Venue, booking: BookingView, *, shop: str
) -> list[Alternative]:
    """Return other times, days, boats or room types that have room now."""
    first, last = booking.slots[0], booking.slots[-1]
    asked = read_asked(venue, {})
    begins = first.starts_at.astimezone(asked.zone)
    ends = last.ends_at.astimezone(asked.zone)
    asked = replace(
        asked,
        day=max(begins.date(), asked.today),
        time=begins.time(),
        quantity=booking.quantity,
        arrive=max(begins.date(), asked.today),
        leave=ends.date(),
        rooms=booking.quantity,
        guests=booking.guests or 1,
    )
    taken = {slot.id for slot in booking.slots}
    found = [
        offer
        for offer in _offers(venue, asked)
        if not taken.issuperset(offer.slot_ids) or len(taken) != len(offer.slot_ids)
    ]
    return [_alternative(v, venue, booking, offer, shop) for offer in found[:MOST]]


def _offers(venue: Venue, asked: Asked) -> list[Offer]:
    match venue.kind:
        case Kind.RESTAURANT:
            tables = find_tables(venue, asked)
            that_day = [each for _, offers in tables.rooms for each in offers]
            free = [each for each in that_day if each.has_room_for(asked.quantity, 1)]
            return nearest(free, asked) or [offer for _, offer in tables.other_days]
        case Kind.BOATS:
            seats = find_seats(venue, asked)
            free = [each for each in seats.departures if each.remaining >= asked.quantity]
            return free or seats.others
    stay = find_stay(venue, asked)
    return stay.offers or [other.cheapest for other in stay.others]


def _alternative(
    v: Voice, venue: Venue, booking: BookingView, offer: Offer, shop: str
) -> Alternative:
    query: dict[str, Any] = {"slots": offer.slots, "quantity": booking.quantity}
    if booking.guests is not None:
        query["guests"] = booking.guests
    return Alternative(
        url=url_for(f"{shop}.who", slug=venue.slug, **query),
        when=v.moment(offer.starts_at, venue.time_zone),
        what=offer.name,
        remaining=offer.remaining,
    )
