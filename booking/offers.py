"""The slots that somebody asks for, read without locks, and what can never be booked of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, func, null, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from booking.errors import (
    GuestsNotCounted,
    QuantityTooLarge,
    SlotHasStarted,
    SlotNotFound,
    SlotsApart,
    SlotsOfTwoResources,
    SlotsRepeated,
    TooManyGuests,
    TotalTooLarge,
)
from booking.pressure import MOST_COUNTED
from models import Booking, CountedIn, Resource, Slot, Status, Venue

# What the column of a booking's total holds.
LARGEST_TOTAL = Decimal("9999999999.99")


@dataclass(frozen=True, slots=True)
class OfferedSlot:
    """One slot as its owner offers it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    sold_until: datetime
    local_on: date
    is_night: bool
    max_quantity: int | None
    price: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Slots of one resource in the order of time, with what is needed of resource and venue.

    `ahead` counts the pending holds of the resource, up to MOST_COUNTED; `now` is the database's.
    """

    slots: tuple[OfferedSlot, ...]
    resource_id: UUID
    resource_name: str
    counted_in: str
    max_quantity: int
    people_per_room: int | None
    is_retired: bool
    decisions_per_second: float
    venue_id: int
    venue: str
    venue_name: str
    time_zone: str
    patience_seconds: int
    default_hold_minutes: int
    max_hold_minutes: int
    code_prefix: str | None
    ahead: int
    now: datetime

    def units_of(self, quantity: int) -> int:
        """Return how many places of each slot a quantity takes."""
        return 1 if self.counted_in == CountedIn.PARTIES else quantity

    def refuse_impossible(self, quantity: int, guests: int | None, *, is_bound: bool) -> None:
        """Raise the InvalidRequest that says why this can never be booked, if it cannot.

        The venue's own people (not `is_bound`) may book what has started and any quantity.
        """
        if self.is_retired:
            raise SlotNotFound
        self._refuse_gaps()
        self._refuse_guests(quantity, guests)
        if sum(slot.price for slot in self.slots) * self.units_of(quantity) > LARGEST_TOTAL:
            raise TotalTooLarge
        if not is_bound:
            return
        if any(slot.sold_until <= self.now for slot in self.slots):
            raise SlotHasStarted
        largest = min(slot.max_quantity or self.max_quantity for slot in self.slots)
        if quantity > min(largest, self.max_quantity):
            raise QuantityTooLarge(min(largest, self.max_quantity))

    def _refuse_gaps(self) -> None:
        nights = [slot.local_on for slot in self.slots if slot.is_night]
        if any((later - earlier).days != 1 for earlier, later in pairwise(nights)):
            raise SlotsApart

    def _refuse_guests(self, quantity: int, guests: int | None) -> None:
        if guests is None:
            return
        if self.people_per_room is None:
            raise GuestsNotCounted
        if guests > quantity * self.people_per_room:
            raise TooManyGuests(quantity * self.people_per_room)


def read_offer(tx: Session, slot_ids: Sequence[UUID], *, is_arrival: bool = True) -> Offer:
    """Read the slots and, for an arrival, take its resource's shared lock in the same statement.

    A change draws no arrival number, and would only keep new arrivals waiting while it waits.
    Raises SlotsRepeated, SlotNotFound or SlotsOfTwoResources.
    """
    if len(set(slot_ids)) < len(slot_ids):
        raise SlotsRepeated
    rows = tx.execute(_ARRIVAL if is_arrival else _OFFER, {"ids": list(slot_ids)}).all()
    if not rows or len(rows) < len(slot_ids):
        raise SlotNotFound
    first = rows[0]
    if any(row.resource_id != first.resource_id for row in rows):
        raise SlotsOfTwoResources
    return Offer(tuple(OfferedSlot(*row[:9]) for row in rows), *first[10:])


def arrival_lock(resource_id: object) -> object:
    """Return the key of a resource's advisory lock, which orders arrivals against decisions."""
    return func.hashtextextended(func.concat("arrivals:", resource_id), 0)


_AHEAD = (
    select(Booking.id)
    .where(Booking.resource_id == Resource.id, Booking.status == Status.PENDING)
    .correlate(Resource)
    .limit(MOST_COUNTED)
    .subquery()
)


def _select_offer(locked: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Slot.id,
            Slot.starts_at,
            Slot.ends_at,
            Slot.sold_until,
            Slot.local_on,
            Slot.is_night,
            Slot.max_quantity,
            Slot.price,
            Slot.currency,
            locked.label("locked"),
            Resource.id.label("resource_id"),
            Resource.name,
            Resource.counted_in,
            Resource.max_quantity.label("resource_max_quantity"),
            Resource.people_per_room,
            Resource.retired_at.is_not(None),
            Resource.decisions_per_second,
            Venue.id.label("venue_id"),
            Venue.slug,
            Venue.name.label("venue_name"),
            Venue.time_zone,
            Venue.patience_seconds,
            Venue.default_hold_minutes,
            Venue.max_hold_minutes,
            Venue.code_prefix,
            select(func.count()).select_from(_AHEAD).scalar_subquery(),
            func.clock_timestamp(),
        )
        .join(Slot.resource)
        .join(Resource.venue)
        .where(Slot.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
        .order_by(Slot.starts_at)
    )


_OFFER = _select_offer(null())
_ARRIVAL = _select_offer(func.pg_advisory_xact_lock_shared(arrival_lock(Resource.id)))
