"""What comes in today, by the trade of each venue: sittings, departures, arrivals and leavings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import aliased

from admin.database import db
from admin.tenancy import Realm
from models import OCCUPYING, Booking, BookingSlot, Kind, Resource, Slot, Venue

_MOST_SLOTS = 400
_MOST_GUESTS = 200


@dataclass(frozen=True, slots=True)
class SlotToday:
    """A sitting or a departure of today; `people` counts heads, whatever places are counted in."""

    id: UUID
    people: int
    bookings: int
    resource: str
    starts_at: datetime
    capacity: int
    remaining: int
    is_open: bool
    destination: str | None


@dataclass(frozen=True, slots=True)
class GuestToday:
    """A stay that begins or ends today."""

    booking_id: UUID
    reference: str
    name: str | None
    status: str
    rooms: int
    guests: int | None
    resource: str


@dataclass(slots=True)
class Coming:
    """What one venue has before it today."""

    slots: list[SlotToday] = field(default_factory=list)
    arrivals: list[GuestToday] = field(default_factory=list)
    departures: list[GuestToday] = field(default_factory=list)
    is_cut: bool = False

    @property
    def people(self) -> int:
        """How many people the day brings, over all slots."""
        return sum(slot.people for slot in self.slots)


def read_coming(realm: Realm, now: datetime) -> dict[int, Coming]:
    """Return today's slots and stays by venue, in four bounded queries for all of them."""
    coming: dict[int, Coming] = {}
    for venue_id, slot in _read_slots(realm, now):
        coming.setdefault(venue_id, Coming()).slots.append(slot)
    for venue_id, guest in _read_stays(realm, now, is_arrival=True):
        coming.setdefault(venue_id, Coming()).arrivals.append(guest)
    for venue_id, guest in _read_stays(realm, now, is_arrival=False):
        coming.setdefault(venue_id, Coming()).departures.append(guest)
    for each in coming.values():
        shown = (len(each.slots), len(each.arrivals), len(each.departures))
        each.is_cut = max(shown[1:]) >= _MOST_GUESTS or shown[0] >= _MOST_SLOTS
    return coming


def count_people(slot_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return how many people, and in how many bookings, have places in each slot."""
    visits = (
        select(BookingSlot.slot_id, Booking.id, Booking.quantity)
        .join(BookingSlot.booking)
        .where(
            BookingSlot.slot_id.in_(list(slot_ids)),
            BookingSlot.released_at.is_(None),
            Booking.status.in_(OCCUPYING),
        )
        # A booking may have two lines in one slot.
        .distinct()
        .subquery()
    )
    rows = db.session.execute(
        select(visits.c.slot_id, func.sum(visits.c.quantity), func.count()).group_by(
            visits.c.slot_id
        )
    )
    return {slot_id: (int(people), bookings) for slot_id, people, bookings in rows}


def today_of_venue(now: datetime) -> Any:
    """Return the day that it is now in the zone of the joined venue."""
    return func.date(func.timezone(Venue.time_zone, now))


def _read_slots(realm: Realm, now: datetime) -> Iterator[tuple[int, SlotToday]]:
    rows = db.session.execute(
        select(
            Resource.venue_id,
            Slot.id,
            Resource.name,
            Slot.starts_at,
            Slot.capacity,
            Slot.remaining,
            Slot.is_open,
            Slot.attributes["destination"].astext,
        )
        .join(Slot.resource)
        .join(Resource.venue)
        .where(
            realm.limit(Venue.id), Venue.kind != Kind.HOTEL, Slot.local_on == today_of_venue(now)
        )
        .order_by(Resource.venue_id, Slot.starts_at, Resource.position, Slot.id)
        .limit(_MOST_SLOTS)
    ).all()
    people = count_people(row.id for row in rows)
    for row in rows:
        venue_id, slot_id, *facts = row
        heads, bookings = people.get(slot_id, (0, 0))
        yield venue_id, SlotToday(slot_id, heads, bookings, *facts)


def _read_stays(
    realm: Realm, now: datetime, *, is_arrival: bool
) -> Iterator[tuple[int, GuestToday]]:
    """Read the stays whose first night is today, or whose last night was yesterday's."""
    today = today_of_venue(now)
    yesterday = today - cast(1, Integer)
    other, other_slot = aliased(BookingSlot), aliased(Slot)
    beside = (
        select(other.id)
        .join(other_slot, other_slot.id == other.slot_id)
        .where(
            other.booking_id == Booking.id,
            other.released_at.is_(None),
            other_slot.local_on == (yesterday if is_arrival else today),
        )
        .correlate(Booking, Venue)
    )
    rows = db.session.execute(
        select(
            Booking.venue_id,
            Booking.id,
            Booking.reference,
            Booking.contact_name,
            Booking.status,
            Booking.quantity,
            Booking.guests,
            Resource.name,
        )
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .join(Slot.resource)
        .join(Resource.venue)
        .where(
            realm.limit(Venue.id),
            Venue.kind == Kind.HOTEL,
            Slot.local_on == (today if is_arrival else yesterday),
            BookingSlot.released_at.is_(None),
            Booking.status.in_(OCCUPYING),
            ~beside.exists(),
        )
        .distinct()
        .order_by(Booking.venue_id, Booking.contact_name, Booking.reference)
        .limit(_MOST_GUESTS)
    )
    for row in rows:
        yield row[0], GuestToday(*row[1:])
