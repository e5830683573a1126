"""Tables: the sittings of a day, and other days where that one has none left."""

from dataclasses import dataclass
from datetime import date, timedelta

from booking.availability import find_slots
from models import Venue
from webapp.pages.asking import Asked
from webapp.pages.offers import Offer, of_slot

MOST_SITTINGS = 200
DAYS_BEFORE, DAYS_AFTER = 3, 14
MOST_OTHERS = 4


@dataclass(frozen=True, slots=True)
class Tables:
    """The sittings of a day by room.

    `nearest` are some of many that are free, next to the time asked for when that is gone.
    """

    rooms: list[tuple[str, list[Offer]]]
    is_time_gone: bool
    nearest: list[Offer]
    other_days: list[tuple[date, Offer]]

    @property
    def has_any(self) -> bool:
        """Whether anything is sold that day, full or not."""
        return any(offers for _, offers in self.rooms)


def find_tables(venue: Venue, asked: Asked) -> Tables:
    """Return what a restaurant offers to a party on a day."""
    rooms: dict[str, list[Offer]] = {resource.name: [] for resource in venue.resources}
    for offer in _sittings(venue, asked, asked.day, asked.day):
        if offer.is_open:
            rooms[offer.name].append(offer)
    free = [
        offer
        for offers in rooms.values()
        for offer in offers
        if offer.has_room_for(asked.quantity, 1)
    ]
    has_that_time = any(minutes_away(offer, asked) == 0 for offer in free)
    is_worth_it = not has_that_time and len(free) > MOST_OTHERS
    return Tables(
        rooms=list(rooms.items()),
        is_time_gone=not has_that_time,
        nearest=nearest(free, asked)[:MOST_OTHERS] if is_worth_it else [],
        other_days=[] if free else _other_days(venue, asked),
    )


def nearest(offers: list[Offer], asked: Asked) -> list[Offer]:
    """Return offers by how far they are from the time asked for; without one as they are."""
    return sorted(offers, key=lambda offer: minutes_away(offer, asked))


def minutes_away(offer: Offer, asked: Asked) -> int:
    """Return how far an offer is from the time asked for, whatever its day; 0 without one."""
    if asked.time is None:
        return 0
    at = offer.starts_at.astimezone(asked.zone)
    return abs(60 * (at.hour - asked.time.hour) + at.minute - asked.time.minute)


def _sittings(
    venue: Venue, asked: Asked, first: date, last: date, *, only_free: bool = False
) -> list[Offer]:
    names = {resource.id: resource.name for resource in venue.resources}
    slots = find_slots(
        venue_id=venue.id,
        starts_from=asked.begin_of(first),
        starts_before=asked.begin_of(last + timedelta(days=1)),
        quantity=asked.quantity if only_free else None,
        limit=MOST_SITTINGS,
    )
    return [of_slot(slot, names[slot.resource_id], 1) for slot in slots]


def _other_days(venue: Venue, asked: Asked) -> list[tuple[date, Offer]]:
    """Return days near by that have a table, each with the one nearest to the time asked for."""
    days: dict[date, list[Offer]] = {}
    first = max(asked.today, asked.day - timedelta(days=DAYS_BEFORE))
    last = asked.day + timedelta(days=DAYS_AFTER)
    for offer in _sittings(venue, asked, first, last, only_free=True):
        days.setdefault(offer.starts_at.astimezone(asked.zone).date(), []).append(offer)
    near = sorted(days, key=lambda day: (abs((day - asked.day).days), day))[:MOST_OTHERS]
    return [(day, nearest(days[day], asked)[0]) for day in sorted(near)]
