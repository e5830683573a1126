"""Finding bookings in a long list: every question reads a bounded part of it.

Day, reference, e-mail address and the open states have an index. Other states, names and channels
have none, which would cost every booking more to be written: for them the newest of the list are
looked through, and the page says so when there are older ones.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Query

from admin.tenancy import current_realm
from models import Booking, BookingSlot, Resource, Slot, Status

LOOKED_THROUGH = 100_000

_INDEXED = (Status.PENDING, Status.HELD)


def narrow(query: "Query[Any]", filters: Any) -> "Query[Any]":
    """Keep the bookings that were asked for."""
    criteria = _criteria(filters)
    if is_bounded(filters):
        ours = [current_realm().limit(Booking.venue_id)]
        if (venue_id := filters.chosen("venue")) is not None:
            ours.append(Booking.venue_id == int(venue_id))
        criteria.append(among_newest(Booking.seq, *ours))
    return query.filter(*criteria)


def is_bounded(filters: Any) -> bool:
    """Whether only the newest are looked through, because no index answers."""
    name = filters.chosen("name")
    if filters.chosen("day") or filters.chosen("reference") or (name and "@" in name):
        return False
    status = filters.chosen("status")
    if status in _INDEXED:
        return False
    return bool(status or name or filters.chosen("channel") or filters.chosen("resource"))


def among_newest(number: Any, *ours: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep the newest of `ours` by their rising number.

    Where they begin is looked up in an index first, so that the list itself is still read from its
    end and no further than its page needs.
    """
    before = select(number).where(*ours).order_by(number.desc()).offset(LOOKED_THROUGH).limit(1)
    found: ColumnElement[bool] = number > func.coalesce(before.scalar_subquery(), 0)
    return found


def _criteria(filters: Any) -> list[ColumnElement[bool]]:
    found = _places(filters)
    if (status := filters.chosen("status")) is not None:
        found.append(Booking.status == status)
    if (channel := filters.chosen("channel")) is not None:
        found.append(Booking.channel == channel)
    if (reference := filters.chosen("reference")) is not None:
        found.append(_has_reference(reference))
    if (day := filters.chosen("day")) is not None:
        found.append(Booking.id.in_(_on_day(day, filters)))
    if (name := filters.chosen("name")) is not None:
        found.append(_is_of(name))
    return found


def _places(filters: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if (venue_id := filters.chosen("venue")) is not None:
        found.append(Booking.venue_id == int(venue_id))
    if (resource_id := filters.chosen("resource")) is not None:
        found.append(Booking.resource_id == UUID(resource_id))
    return found


def _has_reference(text: str) -> ColumnElement[bool]:
    """All seven characters, or the first ones: in any collation a stretch of the unique index."""
    if len(text) == 7:
        return Booking.reference == text
    return Booking.reference.between(text.ljust(7, "0"), text.ljust(7, "Z"))


def _on_day(day: Any, filters: Any) -> Select[Any]:
    """Select the ids of bookings with a slot on that day of the venue, within the realm."""
    query = (
        select(BookingSlot.booking_id)
        .join(BookingSlot.slot)
        .join(Slot.resource)
        .where(current_realm().limit(Resource.venue_id), Slot.local_on == day)
    )
    if (venue_id := filters.chosen("venue")) is not None:
        query = query.where(Resource.venue_id == int(venue_id))
    if (resource_id := filters.chosen("resource")) is not None:
        query = query.where(Resource.id == UUID(resource_id))
    return query


def _is_of(name: str) -> ColumnElement[bool]:
    """An e-mail address is looked for as a whole, a name or number by any part of it."""
    if "@" in name:
        return func.lower(Booking.contact_email) == name.lower()
    return or_(
        Booking.contact_name.icontains(name, autoescape=True),
        Booking.contact_phone.contains(name, autoescape=True),
    )
