"""What is offered: the venues, their slots, and the rooms that are free for a whole stay."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import contains_eager, selectinload

from booking.errors import VenueNotFound
from booking.remembered import counted_in, of_kind, of_venue, remembered
from booking.transactions import reading
from models import (
    LONGEST_ON_SALE_HOURS,
    Booking,
    BookingSlot,
    CountedIn,
    Kind,
    Resource,
    Slot,
    Status,
    Venue,
)


@dataclass(frozen=True, slots=True)
class SlotView:
    """A slot as it is offered now; `remaining` counts the places of overdue holds as free."""

    id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    remaining: int
    max_quantity: int
    price: Decimal
    currency: str
    attributes: dict[str, Any]
    status: str


@dataclass(frozen=True, slots=True)
class Departure:
    """A slot with what is said of its resource and its venue."""

    slot: SlotView
    resource_name: str
    resource_attributes: dict[str, Any]
    venue: str


@dataclass(frozen=True, slots=True)
class Night:
    """One night of a stay."""

    date: date
    slot_id: UUID
    price: Decimal


@dataclass(frozen=True, slots=True)
class RoomOffer:
    """A room type that is free for every night of a stay; `total` is for all rooms asked for."""

    resource_id: UUID
    venue: str
    name: str
    attributes: dict[str, Any]
    remaining: int
    nights: tuple[Night, ...]
    total: Decimal
    currency: str

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        """The slots to book."""
        return tuple(night.slot_id for night in self.nights)


def list_venues(*, after_id: int = 0, limit: int = 50) -> Sequence[Venue]:
    """Return the listed venues with their resources, by id."""
    with reading() as tx:
        return tx.scalars(
            _SELECT_VENUES.where(Venue.is_listed, Venue.id > after_id).limit(limit)
        ).all()


def read_venue(slug: str) -> Venue:
    """Return one venue with its resources, listed or not. Raises VenueNotFound."""
    with reading() as tx:
        venue = tx.scalar(_SELECT_VENUES.where(Venue.slug == slug))
    if venue is None:
        raise VenueNotFound
    return venue


def find_venue(*, slug: str, kind: Kind) -> Venue | None:
    """Return one venue of a kind without its resources, listed or not, or None."""
    with reading() as tx:
        return tx.scalar(select(Venue).where(Venue.slug == slug, Venue.kind == kind))


def find_slots(
    *,
    venue_id: int,
    starts_from: datetime,
    starts_before: datetime,
    resource_id: UUID | None = None,
    quantity: int | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[SlotView]:
    """Return slots still on sale, by time, in one query; `quantity` keeps those that have it.

    `after` is the start and id of the last slot of the page before.
    """
    question = ("slots", venue_id, starts_from, starts_before, resource_id, quantity, after, limit)
    query = (
        _select_slots()
        .where(
            Resource.venue_id == venue_id,
            Slot.starts_at >= starts_from,
            Slot.starts_at < starts_before,
            _starts_late_enough(),
            Slot.sold_until > func.now(),
        )
        .order_by(Slot.starts_at, Slot.id)
        .limit(limit)
    )
    if resource_id is not None:
        query = query.where(Slot.resource_id == resource_id)
    if after is not None:
        query = query.where(tuple_(Slot.starts_at, Slot.id) > after)
    if quantity is not None:
        query = query.where(
            is_on_sale(),
            func.coalesce(Slot.max_quantity, Resource.max_quantity) >= quantity,
            Resource.max_quantity >= quantity,
            places_left() >= _units(quantity),
        )

    def search() -> list[SlotView]:
        with reading() as tx:
            return [_slot_view(*row) for row in tx.execute(query).all()]

    return remembered(of_venue(venue_id), question, SlotView, search)


def read_slot(slot_id: UUID) -> SlotView | None:
    """Return one slot, past or not, or None."""
    with reading() as tx:
        row = tx.execute(_select_slots().where(Slot.id == slot_id)).first()
    return None if row is None else _slot_view(*row)


def find_departures(
    *,
    kind: Kind,
    venue: str | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
    attributes_begin: Mapping[str, str] | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Departure]:
    """Return open slots still on sale at all venues of a kind, by time, in one query.

    Days are those of each venue's own zone. `attributes_begin` compares the beginning of a slot's
    text attributes without regard to case. `after` is the start and id of the last one before.
    """
    begin = sorted((attributes_begin or {}).items())
    question = ("departures", venue, first_day, last_day, begin, after, limit)
    query = (
        _select_slots()
        .where(Venue.kind == kind, is_on_sale(), _starts_late_enough())
        .where(Venue.is_listed if venue is None else Venue.slug == venue)
        .order_by(Slot.starts_at, Slot.id)
        .limit(limit)
    )
    if first_day is not None:
        query = query.where(
            Slot.starts_at >= _day_begins(first_day),
            Slot.starts_at >= _midnight(first_day, -1),
        )
    if last_day is not None:
        query = query.where(Slot.local_on <= last_day, Slot.starts_at < _midnight(last_day, 2))
    for name, beginning in begin:
        # Lower on both sides, as the index has it; ILIKE could not use one.
        text = func.lower(Slot.attributes[name].astext)
        query = query.where(text.like(func.lower(_begins(beginning))))
    if after is not None:
        query = query.where(tuple_(Slot.starts_at, Slot.id) > after)

    def search() -> list[Departure]:
        with reading() as tx:
            return [_departure(*row) for row in tx.execute(query).all()]

    return remembered(of_kind(kind), question, Departure, search)


def read_departures(slot_ids: Collection[UUID], *, kind: Kind) -> dict[UUID, Departure]:
    """Return slots of venues of that kind by their ids, past and closed ones too."""
    query = _select_slots().where(Slot.id.in_(slot_ids), Venue.kind == kind)
    with reading() as tx:
        found = [_departure(*row) for row in tx.execute(query).all()]
    return {departure.slot.id: departure for departure in found}


def find_rooms(
    *,
    check_in: date,
    check_out: date,
    guests: int = 1,
    rooms: int = 1,
    venue: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[RoomOffer]:
    """Return the room types with `rooms` left on every night from check-in to before check-out.

    One query over the nights; what is missing, closed or full on a single night is not offered.
    """
    question = ("rooms", check_in, check_out, guests, rooms, venue, after, limit)
    nights = (check_out - check_in).days
    page = _free_resources(check_in, check_out, nights, guests, rooms, venue)
    if after is not None:
        page = page.where(Slot.resource_id > after)
    query = (
        _select_slots()
        .where(
            Slot.resource_id.in_(page.limit(limit)),
            Slot.is_night,
            Slot.local_on >= check_in,
            Slot.local_on < check_out,
        )
        .order_by(Slot.resource_id, Slot.local_on)
    )

    def search() -> list[RoomOffer]:
        with reading() as tx:
            by_resource: dict[UUID, list[tuple[Slot, int]]] = {}
            for slot, remaining, _ in tx.execute(query):
                by_resource.setdefault(slot.resource_id, []).append((slot, remaining))
        return [_room_offer(found, rooms) for found in by_resource.values()]

    return remembered(counted_in(CountedIn.ROOMS), question, RoomOffer, search)


def _free_resources(
    check_in: date, check_out: date, nights: int, guests: int, rooms: int, venue: str | None
) -> Select[UUID]:
    query = (
        select(Slot.resource_id)
        .join(Slot.resource)
        .join(Resource.venue)
        .where(
            Slot.is_night,
            is_on_sale(),
            Slot.local_on >= check_in,
            Slot.local_on < check_out,
            Resource.retired_at.is_(None),
            Resource.max_quantity >= rooms,
            func.coalesce(Slot.max_quantity, rooms) >= rooms,
            Resource.people_per_room * rooms >= guests,
            places_left() >= rooms,
        )
        .group_by(Slot.resource_id)
        .having(func.count() == nights)
        .order_by(Slot.resource_id)
    )
    return query.where(Venue.is_listed if venue is None else Venue.slug == venue)


_SELECT_VENUES = (
    select(Venue)
    .options(selectinload(Venue.resources.and_(Resource.retired_at.is_(None))))
    .order_by(Venue.id)
)


def _select_slots() -> Select[Slot, int, bool]:
    return (
        select(Slot, places_left(), is_on_sale())
        .join(Slot.resource)
        .join(Resource.venue)
        .where(Resource.retired_at.is_(None))
        .options(contains_eager(Slot.resource).contains_eager(Resource.venue))
    )


def _departure(slot: Slot, remaining: int, on_sale: bool) -> Departure:
    resource = slot.resource
    return Departure(
        _slot_view(slot, remaining, on_sale),
        resource.name,
        resource.attributes,
        resource.venue.slug,
    )


def _starts_late_enough() -> ColumnElement[bool]:
    """Leave the history out by the index; what is on sale cannot have started before that."""
    return Slot.starts_at >= func.now() - timedelta(hours=LONGEST_ON_SALE_HOURS)


def _begins(beginning: str) -> str:
    """Return the pattern of LIKE for a beginning in which nothing is a wildcard."""
    return re.sub(r"([\\%_])", r"\\\1", beginning) + "%"


def _day_begins(day: date) -> ColumnElement[datetime]:
    """Return when a day begins in the zone of the joined venue.

    `Slot.local_on` says the same, but its index would tempt PostgreSQL to read every slot after it.
    """
    return func.timezone(Venue.time_zone, cast(day, DateTime(timezone=False)))


def _midnight(day: date, further: int) -> datetime | date:
    """Return a midnight in UTC, a day aside: no zone is further from UTC than that."""
    try:
        return datetime.combine(day + timedelta(days=further), time(), UTC)
    except OverflowError:
        return day


def is_on_sale() -> ColumnElement[bool]:
    """Whether a slot of a joined venue may be booked now, as the rule will see it."""
    minute, day = timedelta(minutes=1), timedelta(days=1)
    return and_(
        Slot.is_open,
        Slot.sold_until - Venue.cutoff_minutes * minute > func.now(),
        or_(
            Venue.notice_minutes == 0,
            Slot.starts_at - Venue.notice_minutes * minute >= func.now(),
        ),
        Slot.starts_at <= func.now() + Venue.horizon_days * day,
    )


def places_left() -> Any:
    """What is left, with the places of held bookings whose deadline has passed."""
    overdue = (
        select(func.coalesce(func.sum(BookingSlot.units), 0))
        .join(BookingSlot.booking)
        .where(
            # With the resource the few overdue holds are found, however long the slot's history.
            Booking.resource_id == Slot.resource_id,
            Booking.status == Status.HELD,
            Booking.expires_at <= func.now(),
            BookingSlot.slot_id == Slot.id,
            BookingSlot.released_at.is_(None),
        )
        .correlate(Slot)
        .scalar_subquery()
    )
    return Slot.remaining + overdue


def _units(quantity: int) -> Any:
    return case((Resource.counted_in == CountedIn.PARTIES, 1), else_=quantity)


def _slot_view(slot: Slot, remaining: int, on_sale: bool) -> SlotView:
    largest = min(slot.max_quantity or slot.resource.max_quantity, slot.resource.max_quantity)
    return SlotView(
        id=slot.id,
        resource_id=slot.resource_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        capacity=slot.capacity,
        remaining=remaining,
        max_quantity=largest,
        price=slot.price,
        currency=slot.currency,
        attributes=slot.attributes,
        status="closed" if not on_sale else "open" if remaining > 0 else "full",
    )


def _room_offer(found: list[tuple[Slot, int]], rooms: int) -> RoomOffer:
    first = found[0][0]
    return RoomOffer(
        resource_id=first.resource_id,
        venue=first.resource.venue.slug,
        name=first.resource.name,
        attributes=first.resource.attributes,
        remaining=min(remaining for _, remaining in found),
        nights=tuple(Night(slot.local_on, slot.id, slot.price) for slot, _ in found),
        total=sum((slot.price for slot, _ in found), Decimal(0)) * rooms,
        currency=first.currency,
    )
