"""Inner program of `bench search`: ask one database for what is free, and say how long it took.

Prints one JSON object: the milliseconds of every search, by its name.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from booking import remembered
from booking.availability import find_departures, find_rooms, find_slots
from booking.sittings import find_sittings
from booking.transactions import reading
from models import Kind, Venue
from ops.bench.rows import DAYS_AHEAD, DESTINATIONS

# A page, and one more that tells whether there is a next one. Both databases can fill it.
SLOTS_PAGE = 51
DEPARTURES_PAGE = 26
ROOMS_PAGE = 11
WARMING = 30

Search = Callable[[], Any]


def main() -> int:
    """Run each kind of search so many times in turn; return the exit code."""
    arguments = argparse.ArgumentParser(prog="bench search")
    arguments.add_argument("--count", type=int, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    options = arguments.parse_args()
    searches = _searches(random.Random(options.seed))  # noqa: S311
    found: dict[str, list[float]] = {name: [] for name in searches}
    for turn in range(options.count + WARMING):
        for name, search in searches.items():
            milliseconds = _timed(search)
            if turn >= WARMING:
                found[name].append(milliseconds)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _timed(search: Search) -> float:
    begun = time.perf_counter()
    search()
    return (time.perf_counter() - begun) * 1000


def _searches(dice: random.Random) -> dict[str, Search]:
    """Return one search of every kind; each call asks for another venue and another day."""
    venues: dict[str, list[Venue]] = {kind: [] for kind in Kind}
    with reading() as tx:
        for venue in tx.scalars(select(Venue).order_by(Venue.id)):
            venues[venue.kind].append(venue)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def some(kind: Kind) -> Venue:
        return dice.choice(venues[kind])

    def day(within: int = DAYS_AHEAD - 8) -> Any:
        return (now + timedelta(days=dice.randrange(2, within))).date()

    def slots_of_a_week() -> Any:
        begin = now + timedelta(days=dice.randrange(DAYS_AHEAD - 8))
        return find_slots(
            venue_id=some(Kind.RESTAURANT).id,
            starts_from=begin,
            starts_before=begin + timedelta(days=7),
            quantity=2,
            limit=SLOTS_PAGE,
        )

    def rooms(venue: str | None) -> Any:
        arrive = day()
        return find_rooms(
            check_in=arrive,
            check_out=arrive + timedelta(days=3),
            guests=2,
            venue=venue,
            limit=ROOMS_PAGE,
        )

    def departures(**given: Any) -> Any:
        return find_departures(kind=Kind.BOATS, limit=DEPARTURES_PAGE, **given)

    def departures_of_a_day() -> Any:
        on = day()
        return departures(first_day=on, last_day=on)

    def departures_to_an_island() -> Any:
        island = f"island {dice.randrange(DESTINATIONS)}"
        return departures(first_day=day(30), attributes_begin={"destination": island})

    def again(search: Search) -> Search:
        """Ask the same question with the cache on: the first time it was warm-up."""

        def ask() -> Any:
            remembered._seconds = 30
            try:
                return search()
            finally:
                remembered._seconds = 0

        return ask

    first_day = (now + timedelta(days=10)).date()
    first = {kind: venues[kind][0] for kind in Kind}
    return {
        "again: slots of a venue's week": again(
            lambda: find_slots(
                venue_id=first[Kind.RESTAURANT].id,
                starts_from=now,
                starts_before=now + timedelta(days=7),
                quantity=2,
                limit=SLOTS_PAGE,
            )
        ),
        "again: next departures": again(departures),
        "again: sittings of a day": again(
            lambda: find_sittings(venue_id=first[Kind.RESTAURANT].id, day=first_day)
        ),
        "slots of a venue's week": slots_of_a_week,
        "sittings of a day": lambda: find_sittings(venue_id=some(Kind.RESTAURANT).id, day=day()),
        "next departures": departures,
        "departures of a day": departures_of_a_day,
        "departures to an island": departures_to_an_island,
        "departures to nowhere": lambda: departures(attributes_begin={"destination": "nowhere"}),
        "departures of a boat": lambda: departures(venue=some(Kind.BOATS).slug),
        "rooms for a stay": lambda: rooms(None),
        "rooms of a hotel": lambda: rooms(some(Kind.HOTEL).slug),
    }


if __name__ == "__main__":
    sys.exit(main())
