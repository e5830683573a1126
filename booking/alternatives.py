"""What a booking can be moved to: slots of its resource that have room, on a day or near it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.availability import SlotView, find_slots
from booking.correspondence import day_bounds
from booking.transactions import reading
from booking.views import BookingView, SlotTaken, read_booking
from models import CountedIn, Resource

NEAR_DAYS = 7
MOST_A_DAY = 100
MOST_NEAR = 6
_MOST_READ = 1000


@dataclass(frozen=True, slots=True)
class Alternative:
    """Slots that could be had instead, and what the booking would then cost in all."""

    slot_ids: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime
    total: Decimal
    is_present: bool


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What there is on the day that was asked for and, if there is nothing, near it."""

    on_the_day: tuple[Alternative, ...]
    near: tuple[Alternative, ...]
    largest: int
    is_stay: bool


def find_alternatives(
    *, booking_id: UUID, on: date, nights: int = 1, quantity: int
) -> Alternatives:
    """Return what a booking could be moved to; whether it is had is decided by the change.

    Places that the booking has itself count as free for it. `nights` is for rooms alone. A booking
    of several slots that are no nights keeps its slots. Raises BookingNotFound.
    """
    booking = read_booking(booking_id=booking_id)
    with reading() as tx:
        resource = tx.get_one(Resource, booking.resource_id)
    search = _Search(booking, resource, quantity, nights)
    on_the_day = search.between(on, on)
    near: tuple[Alternative, ...] = ()
    if not on_the_day:
        reach = timedelta(days=NEAR_DAYS)
        wanted_at = datetime.combine(on, search.usual_time, search.zone)
        found = search.between(on - reach, on + reach)
        nearest = sorted(found, key=lambda each: abs(each.starts_at - wanted_at))[:MOST_NEAR]
        near = tuple(sorted(nearest, key=lambda each: each.starts_at))
    return Alternatives(on_the_day[:MOST_A_DAY], near, resource.max_quantity, search.is_stay)


class _Search:
    """Looks for a booking's alternatives among the slots of its resource."""

    def __init__(
        self, booking: BookingView, resource: Resource, quantity: int, nights: int
    ) -> None:
        self.zone = ZoneInfo(booking.time_zone)
        self.is_stay = resource.counted_in == CountedIn.ROOMS
        self.usual_time = booking.slots[0].starts_at.astimezone(self.zone).time()
        self._booking, self._quantity = booking, quantity
        self._nights = nights if self.is_stay else 1
        is_party = resource.counted_in == CountedIn.PARTIES
        self._units, self._had = (1, 1) if is_party else (quantity, booking.quantity)
        self._own = {slot.id: slot for slot in booking.slots}

    def between(self, first: date, last: date) -> tuple[Alternative, ...]:
        """Return what begins on these days, the first and the last among them."""
        if not self.is_stay and len(self._own) > 1:
            return (self._alternative(self._booking.slots),)
        until = last + timedelta(days=self._nights - 1)
        free = self._free(first, until)
        if not self.is_stay:
            return tuple(self._alternative([slot]) for slot in free)
        nights = {self._day_of(slot): slot for slot in free}
        days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
        stays = ([day + timedelta(days=n) for n in range(self._nights)] for day in days)
        return tuple(
            self._alternative([nights[day] for day in stay])
            for stay in stays
            if all(day in nights for day in stay)
        )

    def _free(self, first: date, last: date) -> list[SlotView | SlotTaken]:
        """Return the slots that have room, and of its own those that it can keep, by time."""
        free: dict[UUID, SlotView | SlotTaken] = dict(self._find(first, last, self._quantity))
        more = self._units - self._had
        keeps = self._own if more <= 0 else self._find(first, last, more)
        for slot in self._booking.slots:
            if slot.id in keeps and first <= self._day_of(slot) <= last:
                free.setdefault(slot.id, slot)
        return sorted(free.values(), key=lambda slot: (slot.starts_at, slot.id))

    def _find(self, first: date, last: date, quantity: int) -> dict[UUID, SlotView]:
        starts_from, _ = day_bounds(first, self._booking.time_zone)
        _, starts_before = day_bounds(last, self._booking.time_zone)
        found = find_slots(
            venue_id=self._booking.venue_id,
            starts_from=starts_from,
            starts_before=starts_before,
            resource_id=self._booking.resource_id,
            quantity=quantity,
            limit=_MOST_READ,
        )
        return {slot.id: slot for slot in found}

    def _alternative(self, slots: Sequence[SlotView | SlotTaken]) -> Alternative:
        ids = tuple(slot.id for slot in slots)
        return Alternative(
            slot_ids=ids,
            starts_at=slots[0].starts_at,
            ends_at=slots[-1].ends_at,
            total=sum((self._price_of(slot) for slot in slots), Decimal(0)),
            is_present=set(ids) == set(self._own),
        )

    def _price_of(self, slot: SlotView | SlotTaken) -> Decimal:
        """Price as a change does: what is kept at its old price, what is added at today's."""
        own = self._own.get(slot.id)
        if own is None:
            return slot.price * self._units
        kept = min(self._units, self._had)
        return own.price * kept + slot.price * (self._units - kept)

    def _day_of(self, slot: SlotView | SlotTaken) -> date:
        return slot.starts_at.astimezone(self.zone).date()
