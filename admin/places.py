"""What there is at a resource on a day, for people at the desk: also what is full or has begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from admin.database import db
from admin.tenancy import current_realm
from models import CountedIn, Resource, Slot

MOST_SLOTS = 200
MOST_NIGHTS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """One sitting, departure or stay: its slots and what is left of the tightest of them."""

    slot_ids: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime
    left: int
    capacity: int
    is_open: bool
    price: Decimal
    currency: str

    @property
    def value(self) -> str:
        """How a form names it."""
        return " ".join(map(str, self.slot_ids))


def find_resource(given: Any) -> Resource:
    """Return the resource of that id with its venue, if it is theirs; otherwise 404."""
    try:
        resource_id = UUID(str(given))
    except ValueError:
        abort(404)
    found = db.session.scalar(
        select(Resource)
        .join(Resource.venue)
        .options(contains_eager(Resource.venue))
        .where(current_realm().limit(Resource.venue_id), Resource.id == resource_id)
    )
    if found is None:
        abort(404)
    return found


def read_places(resource: Resource, day: date, nights: int = 1) -> list[Place]:
    """Return what a resource has on a day, by time; of rooms the one stay that begins there.

    A stay of which a night was never made is not there.
    """
    is_stay = resource.counted_in == CountedIn.ROOMS
    until = day + timedelta(days=nights - 1) if is_stay else day
    slots = db.session.scalars(
        select(Slot)
        .where(Slot.resource_id == resource.id, Slot.local_on.between(day, until))
        .order_by(Slot.starts_at)
        .limit(MOST_SLOTS)
    ).all()
    if not is_stay:
        return [_place([slot]) for slot in slots]
    return [_place(slots)] if len(slots) == nights else []


def slot_ids_in(text: str | None) -> tuple[UUID, ...]:
    """Return the slots that a form names. Raises ValueError."""
    return tuple(UUID(part) for part in (text or "").split()[: MOST_NIGHTS + 1])


def _place(slots: Sequence[Slot]) -> Place:
    return Place(
        slot_ids=tuple(slot.id for slot in slots),
        starts_at=slots[0].starts_at,
        ends_at=slots[-1].ends_at,
        left=min(slot.remaining for slot in slots),
        capacity=min(slot.capacity for slot in slots),
        is_open=all(slot.is_open for slot in slots),
        price=sum((slot.price for slot in slots), Decimal(0)),
        currency=slots[0].currency,
    )
