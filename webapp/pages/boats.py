"""Seats: the departures of a day to a place, and later ones where those are full."""

from dataclasses import dataclass
from datetime import timedelta

from booking.availability import Departure, find_departures
from models import Kind, Venue
from webapp.pages.asking import Asked
from webapp.pages.offers import Offer, of_slot

MOST_DEPARTURES = 100
DAYS_SHOWN_OF = 14
MOST_OTHERS = 4


@dataclass(frozen=True, slots=True)
class Seats:
    """The departures of a day; `others` are on other days, and have seats enough."""

    departures: list[Offer]
    others: list[Offer]
    destinations: list[str]


def find_seats(venue: Venue, asked: Asked) -> Seats:
    """Return the departures that somebody asks for, and others when none of them has seats."""
    found = [_offer(each, asked) for each in _departures(venue, asked, 0, asked.destination)]
    free = [offer for offer in found if offer.has_room_for(asked.quantity, asked.quantity)]
    others: list[Offer] = []
    if not free:
        later = _departures(venue, asked, DAYS_SHOWN_OF, asked.destination)
        others = [
            offer
            for offer in (_offer(each, asked) for each in later)
            if offer.has_room_for(asked.quantity, asked.quantity)
        ][:MOST_OTHERS]
    return Seats(found, others, _destinations(venue, asked))


def _departures(venue: Venue, asked: Asked, days: int, destination: str) -> list[Departure]:
    return find_departures(
        kind=Kind.BOATS,
        venue=venue.slug,
        first_day=asked.day,
        last_day=asked.day + timedelta(days=days),
        attributes_begin={"destination": destination} if destination else None,
        limit=MOST_DEPARTURES,
    )


def _destinations(venue: Venue, asked: Asked) -> list[str]:
    """Return where the boats go from that day on, so that nobody has to guess."""
    names = {
        each.slot.attributes.get("destination")
        for each in _departures(venue, asked, DAYS_SHOWN_OF, "")
    }
    return sorted(name for name in names if name)


def _offer(found: Departure, asked: Asked) -> Offer:
    return of_slot(found.slot, found.resource_name, asked.quantity, found.resource_attributes)
