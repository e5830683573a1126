"""What the first page tells of each venue's day."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from admin.database import db
from admin.tenancy import Realm
from models import Booking, Resource, Slot, Status, Venue

_MOST_VENUES = 50


@dataclass(frozen=True, slots=True)
class VenueToday:
    """One venue's day, as its own clock has it. Waiting and held are of all days."""

    id: int
    name: str
    kind: str
    time_zone: str
    now: datetime
    slots: int
    taken: int
    left: int
    waiting: int
    held: int

    @property
    def today(self) -> date:
        """The day at the venue."""
        return self.now.date()

    @property
    def filled_percent(self) -> int:
        """How much of the day is taken."""
        places = self.taken + self.left
        return round(100 * self.taken / places) if places else 0


def read_today(realm: Realm, now: datetime) -> list[VenueToday]:
    """Return the day of each venue in the realm, by name, in two queries for all of them."""
    open_holds = _count_open_holds(realm)
    return [
        VenueToday(
            id=venue.id,
            name=venue.name,
            kind=venue.kind,
            time_zone=venue.time_zone,
            now=now.astimezone(ZoneInfo(venue.time_zone)),
            slots=slots,
            taken=taken,
            left=left,
            waiting=open_holds.get((venue.id, Status.PENDING), 0),
            held=open_holds.get((venue.id, Status.HELD), 0),
        )
        for venue, slots, taken, left in _sum_slots(realm, now)
    ]


def _sum_slots(realm: Realm, now: datetime) -> list[tuple[Venue, int, int, int]]:
    """Sum up the places of today's slots; today is asked of each venue's zone."""
    today = func.date(func.timezone(Venue.time_zone, now))
    venues = (
        select(Venue)
        .where(realm.limit(Venue.id))
        .order_by(Venue.name)
        .limit(_MOST_VENUES)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Venue,
            func.count(Slot.id),
            func.coalesce(func.sum(Slot.capacity - Slot.remaining), 0),
            func.coalesce(func.sum(Slot.remaining).filter(Slot.is_open), 0),
        )
        .join(venues, venues.c.id == Venue.id)
        .outerjoin(Resource, Resource.venue_id == Venue.id)
        .outerjoin(Slot, (Slot.resource_id == Resource.id) & (Slot.local_on == today))
        .group_by(Venue.id)
        .order_by(Venue.name, Venue.id)
    )
    return [(venue, slots, int(taken), int(left)) for venue, slots, taken, left in rows]


def _count_open_holds(realm: Realm) -> dict[tuple[int, str], int]:
    """Count what waits for a decision or for its customer, by venue and status."""
    rows = db.session.execute(
        select(Booking.venue_id, Booking.status, func.count())
        .where(realm.limit(Booking.venue_id), Booking.status.in_([Status.PENDING, Status.HELD]))
        .group_by(Booking.venue_id, Booking.status)
    )
    return {(venue_id, status): number for venue_id, status, number in rows}
