"""Rooms: the types that are free for a whole stay, and a calendar to choose the stay from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, pairwise
from uuid import UUID

from booking.availability import SlotView, find_rooms, find_slots
from models import Venue
from webapp.pages.asking import MOST_NIGHTS, Asked
from webapp.pages.offers import Offer, of_room

MOST_ROOM_TYPES = 50
DAYS_ASIDE = (-1, 1, -2, 2, -3, 3)
MOST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class OtherStay:
    """A stay as long as the one asked for, some days aside."""

    arrive: date
    leave: date
    cheapest: Offer


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar: `is_arrival`, `is_leaving` say what it may be chosen for."""

    on: date
    is_arrival: bool
    is_leaving: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar, by weeks."""

    first: date
    weeks: list[list[Day | None]]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What is free for a stay, and stays near by where nothing is."""

    offers: list[Offer]
    others: list[OtherStay]


def find_stay(venue: Venue, asked: Asked) -> Rooms:
    """Return the room types that are free for every night of the stay asked for."""
    if asked.arrive is None or asked.leave is None:
        return Rooms([], [])
    offers = _offers(venue, asked, asked.arrive, asked.leave)
    others = [] if offers else islice(_others(venue, asked, asked.arrive, asked.leave), MOST_OTHERS)
    return Rooms(offers, list(others))


def make_calendar(venue: Venue, asked: Asked, *, months: int = 2) -> list[Month]:
    """Return the months from the one asked for on, all of them out of one search.

    A day can be left on whether or not its own night is full: what counts is the nights before.
    """
    firsts = [asked.month]
    while len(firsts) <= months:
        firsts.append((firsts[-1] + timedelta(days=32)).replace(day=1))
    begin = min(asked.month, asked.arrive) if asked.arrive else asked.month
    free = _free_nights(venue, asked, begin, firsts[-1])
    reachable = set(_leaving_days(asked, free))
    sold = set().union(*free.values())

    def day(on: date) -> Day:
        return Day(on, is_arrival=on in sold, is_leaving=on in reachable)

    return [
        Month(first, _weeks([day(on) for on in _days(first, until)]))
        for first, until in pairwise(firsts)
    ]


def _days(first: date, until: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((until - first).days))


def _weeks(days: list[Day]) -> list[list[Day | None]]:
    """Return the days by weeks of seven from Monday, None before the first and after the last."""
    before = days[0].on.weekday()
    filled = [None] * before + days + [None] * (-(before + len(days)) % 7)
    return [filled[start : start + 7] for start in range(0, len(filled), 7)]


def _leaving_days(asked: Asked, free: dict[UUID, set[date]]) -> Iterator[date]:
    """Say on which days one could leave: one room type has a place in each night before."""
    if asked.arrive is None or asked.leave is not None:
        return
    for nights in free.values():
        day = asked.arrive
        while day in nights and (day - asked.arrive).days < MOST_NIGHTS:
            day += timedelta(days=1)
            yield day


def _free_nights(venue: Venue, asked: Asked, first: date, until: date) -> dict[UUID, set[date]]:
    """Return by room type the nights on which it has the rooms asked for."""
    fitting = {
        resource.id
        for resource in venue.resources
        if (resource.people_per_room or 1) * asked.rooms >= asked.guests
        and resource.max_quantity >= asked.rooms
    }
    slots: list[SlotView] = find_slots(
        venue_id=venue.id,
        starts_from=asked.begin_of(max(first, asked.today)),
        starts_before=asked.begin_of(until + timedelta(days=1)),
        quantity=asked.rooms,
        limit=MOST_ROOM_TYPES * 100,
    )
    free: dict[UUID, set[date]] = {}
    for slot in slots:
        if slot.resource_id in fitting:
            night = slot.starts_at.astimezone(asked.zone).date()
            free.setdefault(slot.resource_id, set()).add(night)
    return free


def _others(venue: Venue, asked: Asked, arrive: date, leave: date) -> Iterator[OtherStay]:
    for days in DAYS_ASIDE:
        other = arrive + timedelta(days=days), leave + timedelta(days=days)
        offers = _offers(venue, asked, *other) if other[0] >= asked.today else []
        if offers:
            yield OtherStay(*other, min(offers, key=lambda offer: offer.total))


def _offers(venue: Venue, asked: Asked, arrive: date, leave: date) -> list[Offer]:
    found = find_rooms(
        check_in=arrive,
        check_out=leave,
        guests=asked.guests,
        rooms=asked.rooms,
        venue=venue.slug,
        limit=MOST_ROOM_TYPES,
    )
    offers = [of_room(room, asked.begin_of(arrive)) for room in found]
    return sorted(offers, key=lambda offer: offer.total)
