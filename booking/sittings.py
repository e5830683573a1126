"""The sittings of one day, full and closed ones too, and what the rule would say of each now."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import contains_eager

from booking.availability import places_left
from booking.batch import policy_of, slot_now
from booking.remembered import of_venue, remembered
from booking.rule import Policy, Refuse, SlotNow, Wanted, decide
from booking.transactions import reading
from models import Booking, BookingSlot, CountedIn, Resource, Slot, Status, Venue


@dataclass(frozen=True, slots=True)
class Sitting:
    """A slot of that day as it is now; `bookings` counts those that are confirmed."""

    slot_id: UUID
    resource_id: UUID
    starts_at: datetime
    largest: int
    bookings: int
    counted_in: str
    now: datetime
    rule_sees: SlotNow
    policy: Policy

    def would_take(self, quantity: int) -> bool:
        """Whether the rule would confirm so many people if it decided at this moment."""
        units = 1 if self.counted_in == CountedIn.PARTIES else quantity
        deadline = self.now + timedelta(minutes=1)
        wanted = Wanted((self.rule_sees,), units, quantity, deadline=deadline)
        return not isinstance(decide(wanted, self.policy, self.now), Refuse)


def find_sittings(*, venue_id: int, day: date, is_fresh: bool = False) -> list[Sitting]:
    """Return what is still sold by time on a day of the venue's zone, in one query.

    For who is about to book it is to be fresh; others may hear what was found a moment ago.
    By time; those that start together are in the order of their resources.
    """
    query = (
        select(Slot, places_left(), _confirmed(), func.clock_timestamp())
        .join(Slot.resource)
        .join(Resource.venue)
        .options(contains_eager(Slot.resource).contains_eager(Resource.venue))
        .where(
            Venue.id == venue_id,
            Resource.retired_at.is_(None),
            Slot.local_on == day,
            Slot.sold_until > func.now(),
            ~Slot.is_night,
        )
        .order_by(Slot.starts_at, Resource.position, Slot.id)
    )

    def search() -> list[Sitting]:
        with reading() as tx:
            return [_sitting(*row) for row in tx.execute(query).all()]

    if is_fresh:
        return search()
    return remembered(of_venue(venue_id), ("sittings", day), Sitting, search)


def _sitting(slot: Slot, remaining: int, bookings: int, now: datetime) -> Sitting:
    resource = slot.resource
    return Sitting(
        slot_id=slot.id,
        resource_id=resource.id,
        starts_at=slot.starts_at,
        largest=min(slot.max_quantity or resource.max_quantity, resource.max_quantity),
        bookings=bookings,
        counted_in=resource.counted_in,
        now=now,
        rule_sees=replace(slot_now(slot), remaining=remaining),
        policy=policy_of(resource),
    )


def _confirmed() -> ColumnElement[int]:
    """Count the confirmed bookings of a slot; a booking may have two lines in it."""
    return (
        select(func.count(func.distinct(BookingSlot.booking_id)))
        .join(BookingSlot.booking)
        .where(
            BookingSlot.slot_id == Slot.id,
            BookingSlot.released_at.is_(None),
            Booking.status == Status.CONFIRMED,
        )
        .correlate(Slot)
        .scalar_subquery()
    )
