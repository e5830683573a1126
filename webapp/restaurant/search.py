"""From the customer's words to the sitting that is meant: a day, a time, so many people.

Where a restaurant has several rooms, clients of this face still see one row for each time. It is
that of the room which would take the party; a booking then goes to that same room.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from uuid import UUID

from booking.sittings import Sitting, find_sittings
from webapp.restaurant.access import Restaurant


def offered(restaurant: Restaurant, day: date, party: int) -> list[tuple[time, Sitting, bool]]:
    """Return the sittings for such a party by their time, and whether each would take it."""
    by_time: dict[time, list[Sitting]] = {}
    for sitting in find_sittings(venue_id=restaurant.id, day=day):
        if sitting.largest >= party:
            by_time.setdefault(clock(restaurant, sitting.starts_at), []).append(sitting)
    rows = ((at, _best(sittings, party)) for at, sittings in by_time.items())
    return [(at, sitting, _would_take(sitting, party)) for at, sitting in rows]


def sitting_at(
    restaurant: Restaurant, day: date, at: time, party: int, *, resource_id: UUID | None = None
) -> Sitting | None:
    """Return the sitting that such a party gets at that time, or the one that would refuse it.

    With `resource_id` only that room counts. None when nothing starts then.
    """
    sittings = [
        sitting
        for sitting in find_sittings(venue_id=restaurant.id, day=day, is_fresh=True)
        if clock(restaurant, sitting.starts_at) == at and resource_id in (None, sitting.resource_id)
    ]
    large_enough = [sitting for sitting in sittings if sitting.largest >= party]
    return _best(large_enough or sittings, party) if sittings else None


def has_passed(restaurant: Restaurant, day: date, at: time) -> bool:
    """Whether that time of the restaurant's day is over."""
    now = datetime.now(UTC).astimezone(restaurant.zone).replace(tzinfo=None)
    return datetime.combine(day, at) <= now


def clock(restaurant: Restaurant, at: datetime) -> time:
    """Return the time of day on the restaurant's clock."""
    return at.astimezone(restaurant.zone).time()


def _best(sittings: Iterable[Sitting], party: int) -> Sitting:
    """The first that would take the party, else the first; they come in the order of the rooms."""
    return max(sittings, key=lambda sitting: _would_take(sitting, party))


def _would_take(sitting: Sitting, party: int) -> bool:
    return sitting.would_take(max(party, 1))
