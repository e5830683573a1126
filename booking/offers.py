"""The slots that somebody asks for, read without locks, and what can never be booked of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, func, select
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
from booking.transactions import reading
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
    ahead: int
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


def read_offer(tx: Session, slot_ids: Sequence[UUID]) -> Offer:
    """Read the slots that a change wants. Raises SlotsRepeated, SlotNotFound, SlotsOfTwoResources.

    A change draws no arrival number: with the lock of arrivals it would only keep them waiting.
    """
    return Offers(tx.execute(_SLOTS, {"ids": list(slot_ids)}).all()).of(slot_ids)


def read_offers(tx: Session, slot_ids: Iterable[UUID]) -> "Offers":
    """Read the slots of many arrivals and take the shared arrival locks of their resources."""
    tx.flush()
    database = tx.connection()
    rows = database.execute(_SLOTS, {"ids": list(slot_ids)}).all()
    resource_ids = {row.resource_id for row in rows}
    ahead = database.execute(_ARRIVE, {"ids": list(resource_ids)}).all() if rows else ()
    return Offers(rows, {row.id: row.ahead for row in ahead})


class Offers:
    """What is offered of many slots, and how many holds of each resource wait already."""

    def __init__(
        self, rows: Sequence[Row[*tuple[Any, ...]]], ahead: dict[UUID, int] | None = None
    ) -> None:
        self._rows = {row.id: row for row in rows}
        self._ahead = ahead or {}

    def of(self, slot_ids: Sequence[UUID]) -> Offer:
        """Return the offer of these slots.

        Raises SlotsRepeated, SlotNotFound or SlotsOfTwoResources.
        """
        if len(set(slot_ids)) < len(slot_ids):
            raise SlotsRepeated
        rows = [self._rows[slot_id] for slot_id in slot_ids if slot_id in self._rows]
        if not rows or len(rows) < len(slot_ids):
            raise SlotNotFound
        rows.sort(key=lambda row: row.starts_at)
        first = rows[0]
        if any(row.resource_id != first.resource_id for row in rows):
            raise SlotsOfTwoResources
        slots = tuple(OfferedSlot(*row[:_SLOT_COLUMNS]) for row in rows)
        ahead = self._ahead.get(first.resource_id, 0)
        return Offer(slots, ahead, *first[_SLOT_COLUMNS:])

    def note_arrival(self, resource_id: UUID) -> None:
        """Count one hold more before those that come after it."""
        self._ahead[resource_id] = self._ahead.get(resource_id, 0) + 1


def look_at_offer(slot_ids: Sequence[UUID]) -> Offer:
    """Return the slots for somebody who has not decided yet; raises what read_offer raises."""
    with reading() as tx:
        return read_offer(tx, slot_ids)


def arrival_lock(resource_id: object) -> object:
    """Return the key of a resource's advisory lock, which orders arrivals against decisions."""
    return func.hashtextextended(func.concat("arrivals:", resource_id), 0)


_SLOTS = (
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
        func.clock_timestamp().label("now"),
    )
    .join(Slot.resource)
    .join(Resource.venue)
    .where(Slot.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
)
_SLOT_COLUMNS = 9

_AHEAD = (
    select(Booking.id)
    .where(Booking.resource_id == Resource.id, Booking.status == Status.PENDING)
    .correlate(Resource)
    .limit(MOST_COUNTED)
    .subquery()
)
# In one order, as whoever takes several of these locks does.
_ARRIVE = (
    select(
        Resource.id,
        func.pg_advisory_xact_lock_shared(arrival_lock(Resource.id)),
        select(func.count()).select_from(_AHEAD).scalar_subquery().label("ahead"),
    )
    .where(Resource.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Resource.id)
)
