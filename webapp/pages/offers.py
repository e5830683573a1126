"""What a venue offers to somebody who looks, in one shape for tables, seats and rooms."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from booking.availability import RoomOffer, SlotView
from models import Venue

# So many places are few enough to say so.
FEW = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be booked as a whole; `remaining` is that of its tightest slot."""

    slot_ids: tuple[UUID, ...]
    name: str
    starts_at: datetime
    remaining: int
    largest: int
    price: Decimal
    total: Decimal
    currency: str
    attributes: dict[str, Any]
    is_open: bool
    capacity: int | None = None
    nights: int = 0

    def has_room_for(self, quantity: int, units: int) -> bool:
        """Whether it could be booked at this moment."""
        return self.is_open and self.remaining >= units and self.largest >= quantity

    @property
    def is_full(self) -> bool:
        """Whether it would be sold if there were places."""
        return self.is_open and self.remaining == 0

    @property
    def slots(self) -> str:
        """The slots as they stand in an address."""
        return ",".join(str(slot_id) for slot_id in self.slot_ids)


def of_slot(
    slot: SlotView, name: str, units: int, attributes: dict[str, Any] | None = None
) -> Offer:
    """Return a sitting or a departure as an offer for so many units."""
    return Offer(
        slot_ids=(slot.id,),
        name=name,
        starts_at=slot.starts_at,
        remaining=slot.remaining,
        largest=slot.max_quantity,
        price=slot.price,
        total=slot.price * units,
        currency=slot.currency,
        attributes=(attributes or {}) | slot.attributes,
        is_open=slot.status != "closed",
        capacity=slot.capacity,
    )


def of_room(room: RoomOffer, starts_at: datetime) -> Offer:
    """Return a room type for a whole stay as an offer."""
    nights = len(room.nights)
    return Offer(
        slot_ids=room.slot_ids,
        name=room.name,
        starts_at=starts_at,
        remaining=room.remaining,
        largest=room.remaining,
        price=sum((night.price for night in room.nights), Decimal(0)) / nights,
        total=room.total,
        currency=room.currency,
        attributes=room.attributes,
        is_open=True,
        nights=nights,
    )


def largest_party(venue: Venue) -> int:
    """Return the largest number that can be booked at once anywhere in a venue."""
    return max((resource.max_quantity for resource in venue.resources), default=1)


def most_guests(venue: Venue) -> int:
    """Return how many people fit into the rooms that can be booked at once."""
    return max(
        ((each.people_per_room or 1) * each.max_quantity for each in venue.resources), default=1
    )
