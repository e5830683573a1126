"""What somebody who looks asks for: read kindly, since an address is typed and bookmarked too.

What is missing or cannot be is replaced by what is likely, so that a page always shows something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import EXCLUDE, Schema, validate

from models import Kind, Venue
from webapp.api.fields import Day, QueryWhole, Text
from webapp.api.venues import LONGEST_WINDOW
from webapp.pages.offers import largest_party, most_guests

USUAL_PEOPLE = 2
MOST_NIGHTS = LONGEST_WINDOW.days


class _Query(Schema):
    """Everything that a search may name, with the rules that the API has for it."""

    class Meta:
        unknown = EXCLUDE

    day = Day()
    time = Text(longest=5, validate=validate.Regexp(r"[0-2]\d:[0-5]\d\Z"))
    quantity = QueryWhole()
    destination = Text(longest=200)
    arrive = Day()
    leave = Day()
    guests = QueryWhole(most=10_000)
    rooms = QueryWhole(most=10_000)
    month = Text(longest=7, validate=validate.Regexp(r"20\d\d-(0[1-9]|1[0-2])\Z"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A search, complete and possible. `leave` is None while only the day of arrival is chosen.

    `month` is the first day of the month that a calendar begins with.
    """

    zone: ZoneInfo
    today: date
    last_day: date
    day: date
    time: time | None
    quantity: int
    destination: str
    arrive: date | None
    leave: date | None
    guests: int
    rooms: int
    month: date

    def begin_of(self, day: date) -> datetime:
        """Return when a day begins in the venue's zone."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def query(self, kind: str) -> dict[str, str]:
        """Return the search as it stands in an address, what is usual left out."""
        match kind:
            case Kind.RESTAURANT:
                at = self.time and self.time.strftime("%H:%M")
                found = {"day": self.day, "quantity": self.quantity, "time": at}
            case Kind.BOATS:
                found = {
                    "destination": self.destination,
                    "day": self.day,
                    "quantity": self.quantity,
                }
            case _:
                found = {
                    "arrive": self.arrive,
                    "leave": self.leave,
                    "guests": self.guests,
                    "rooms": self.rooms,
                }
        return {name: str(value) for name, value in found.items() if value}

    @property
    def nights(self) -> int:
        """How long the stay is; 0 while it is not known."""
        return (self.leave - self.arrive).days if self.arrive and self.leave else 0


def read_asked(venue: Venue, query: Mapping[str, str]) -> Asked:
    """Return what the query of an address asks for at a venue."""
    given = _understood(query)
    zone = ZoneInfo(venue.time_zone)
    today = datetime.now(zone).date()
    last_day = today + timedelta(days=venue.horizon_days)
    arrive = _within(given.get("arrive"), today, last_day)
    leave = given.get("leave")
    if arrive is None or leave is None or not 0 < (leave - arrive).days <= MOST_NIGHTS:
        leave = None
    rooms = _at_most(given.get("rooms", 1), largest_party(venue))
    return Asked(
        zone=zone,
        today=today,
        last_day=last_day,
        day=_within(given.get("day"), today, last_day) or today,
        time=time.fromisoformat(given["time"]) if _is_time(given.get("time")) else None,
        quantity=_at_most(given.get("quantity", USUAL_PEOPLE), largest_party(venue)),
        destination=given.get("destination", ""),
        arrive=arrive,
        leave=leave,
        guests=_at_most(given.get("guests", USUAL_PEOPLE), most_guests(venue)),
        rooms=rooms,
        month=_month(given.get("month"), arrive or today, today, last_day),
    )


def _understood(query: Mapping[str, str]) -> dict[str, Any]:
    schema = _Query()
    wrong = schema.validate(dict(query))
    found = schema.load({name: text for name, text in query.items() if name not in wrong})
    return dict(found)


def _within(day: date | None, first: date, last: date) -> date | None:
    return day if day is not None and first <= day <= last else None


def _month(text: str | None, otherwise: date, first: date, last: date) -> date:
    wanted = date.fromisoformat(f"{text}-01") if text else otherwise
    return max(first, min(wanted, last)).replace(day=1)


def _at_most(number: int, most: int) -> int:
    return max(1, min(number, most))


def _is_time(text: object) -> bool:
    return isinstance(text, str) and text < "24:00"
