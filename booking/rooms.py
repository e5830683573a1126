"""Room types: a name, a place, and so many equal units by the night."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, cast, func, select, true
from sqlalchemy.orm import Session

from booking.availability import is_on_sale, places_left
from booking.catalogue import Pattern, add_resource_in, add_schedule_in
from booking.errors import ResourceNotFound, VenueNotFound
from booking.schedules import make_slots_in
from booking.transactions import reading, retried, transaction
from models import CountedIn, Resource, Schedule, Slot, Venue

FEWEST_DAYS, MOST_DAYS = 366, 1100
MOST_ROOMS = 1000
_CHECK_IN, _CHECK_OUT = time(15), time(11)
_USUAL_PEOPLE = 2
_MOST_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class RoomType:
    """A room type; price and capacity are those of the next night that is on sale."""

    id: UUID
    venue_id: int
    name: str
    description: str | None
    location: str
    price: Decimal
    capacity: int
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class RoomStay:
    """A room type that can be booked for a whole stay, what is left of it, and what it costs."""

    room: RoomType
    remaining: int
    total: Decimal
    nights: int


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room type that a venue wants to let."""

    name: str
    location: str
    price: Decimal
    capacity: int
    description: str | None = None


@retried
def add_room_type(*, venue_id: int, wanted: NewRoom) -> UUID:
    """Add a room type with its nights, from today to the venue's horizon; return its id.

    Names are unique at a venue: a second room of one name is told apart by a number, and goes on
    being shown under the name that it was given. Locks the venue. Raises VenueNotFound.
    """
    with transaction() as tx:
        venue = tx.scalar(select(Venue).where(Venue.id == venue_id).with_for_update(key_share=True))
        if venue is None:
            raise VenueNotFound
        taken = tx.scalars(select(Resource.name).where(Resource.venue_id == venue_id)).all()
        name = _free_name(wanted.name, taken)
        resource = add_resource_in(
            tx,
            venue,
            name=name,
            counted_in=CountedIn.ROOMS,
            max_quantity=min(wanted.capacity, _MOST_AT_ONCE),
            people_per_room=_USUAL_PEOPLE,
            attributes=_attributes(wanted, is_renamed=name != wanted.name),
            position=len(taken),
        )
        pattern = Pattern(
            "Every night",
            (_CHECK_IN,),
            wanted.capacity,
            price=wanted.price,
            checkout=_CHECK_OUT,
        )
        _make_nights(tx, venue, add_schedule_in(tx, resource.id, pattern))
        return resource.id


def read_room(room_id: UUID) -> RoomType:
    """Return a room type that is let. Raises ResourceNotFound, also for a hidden one."""
    with reading() as tx:
        row = tx.execute(_select_rooms().where(Resource.id == room_id, *_IS_LET)).first()
    if row is None:
        raise ResourceNotFound
    return _room(*row)


def read_rooms(ids: Collection[UUID]) -> dict[UUID, RoomType]:
    """Return room types by their ids, those that are no longer let as well."""
    with reading() as tx:
        rows = tx.execute(_select_rooms().where(Resource.id.in_(ids))).all()
    return {row[0].id: _room(*row) for row in rows}


def find_stays(
    *, check_in: date, check_out: date, location: str = "", limit: int = MOST_ROOMS
) -> list[RoomStay]:
    """Return the room types that can be booked for every night of a stay, in one query.

    What the rule would refuse on a single night (missing, closed, full, too soon, too far ahead)
    is not offered. `location` is a part of the place, in any case.
    """
    nights = (check_out - check_in).days
    query = (
        select(
            Resource,
            Venue,
            func.avg(Slot.price),
            func.min(Slot.capacity),
            func.min(places_left()),
            func.sum(Slot.price),
        )
        .select_from(Slot)
        .join(Slot.resource)
        .join(Resource.venue)
        .where(
            *_IS_LET,
            Slot.is_night,
            Slot.local_on >= check_in,
            Slot.local_on < check_out,
            is_on_sale(),
            places_left() > 0,
        )
        .group_by(Resource.id, Venue.id)
        .having(func.count() == nights)
        .order_by(Venue.id, Resource.position, Resource.name)
        .limit(limit)
    )
    if location:
        query = query.where(_location().icontains(location, autoescape=True))
    with reading() as tx:
        rows = tx.execute(query).all()
    return [RoomStay(_room(*row[:4]), row[4], row[5], nights) for row in rows]


def nights_of(room_id: UUID, *, check_in: date, check_out: date) -> list[UUID]:
    """Return the slots of the nights from check-in to before check-out that exist, by date."""
    with reading() as tx:
        return list(
            tx.scalars(
                select(Slot.id)
                .where(
                    Slot.resource_id == room_id,
                    Slot.is_night,
                    Slot.local_on >= check_in,
                    Slot.local_on < check_out,
                )
                .order_by(Slot.local_on)
            )
        )


_IS_LET: tuple[Any, ...] = (
    Resource.counted_in == CountedIn.ROOMS,
    Resource.retired_at.is_(None),
    Venue.is_listed,
)


def _select_rooms() -> Any:
    """Select room types with price and capacity of the next night, or else of the schedule."""
    today = cast(func.timezone(Venue.time_zone, func.now()), Date)
    night = (
        select(Slot.price, Slot.capacity)
        .where(Slot.resource_id == Resource.id, Slot.is_night, Slot.local_on >= today)
        .order_by(Slot.local_on)
        .limit(1)
        .correlate(Resource, Venue)
        .lateral("night")
    )
    pattern = (
        select(Schedule.price, Schedule.capacity)
        .where(Schedule.resource_id == Resource.id)
        .order_by(Schedule.id)
        .limit(1)
        .correlate(Resource)
        .lateral("pattern")
    )
    return (
        select(
            Resource,
            Venue,
            func.coalesce(night.c.price, pattern.c.price, 0),
            func.coalesce(night.c.capacity, pattern.c.capacity, 0),
        )
        .join(Resource.venue)
        .outerjoin(night, true())
        .outerjoin(pattern, true())
    )


def _location() -> ColumnElement[str]:
    return func.coalesce(
        Resource.attributes["location"].astext, Venue.attributes["location"].astext, Venue.name
    )


def _room(resource: Resource, venue: Venue, price: Decimal, capacity: int) -> RoomType:
    said = resource.attributes
    return RoomType(
        id=resource.id,
        venue_id=venue.id,
        name=said.get("title", resource.name),
        description=said.get("description"),
        location=said.get("location") or venue.attributes.get("location") or venue.name,
        price=Decimal(price),
        capacity=capacity,
        currency=venue.currency,
        time_zone=venue.time_zone,
    )


def _attributes(wanted: NewRoom, *, is_renamed: bool) -> dict[str, str]:
    said = {"location": wanted.location}
    if wanted.description is not None:
        said["description"] = wanted.description
    if is_renamed:
        said["title"] = wanted.name
    return said


def _free_name(name: str, taken: Collection[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name[:180]} ({number})"
    return candidate


def _make_nights(tx: Session, venue: Venue, schedule: Schedule) -> None:
    today = datetime.now(ZoneInfo(venue.time_zone)).date()
    last = today + timedelta(days=min(max(venue.horizon_days, FEWEST_DAYS), MOST_DAYS))
    make_slots_in(tx, schedule, first=today, last=last)
    schedule.made_until = last
