"""What an owner sets up: venues, resources and schedules, checked before they are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.attributes import check_resource_attributes, check_slot_attributes
from booking.audit import note_act
from booking.errors import CatalogueInvalid, ResourceNotFound
from booking.framing import check_origins
from booking.invitations import invite_in
from booking.slots import check_price
from booking.transactions import retried, transaction
from booking.venue_settings import checked_words
from models import Act, CountedIn, Kind, Post, Resource, Schedule, Venue

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
MOST_START_TIMES = 96
LARGEST_CAPACITY = 1_000_000
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
COUNTED_IN = {
    Kind.RESTAURANT: (CountedIn.PARTIES, CountedIn.SEATS),
    Kind.BOATS: (CountedIn.SEATS,),
    Kind.HOTEL: (CountedIn.ROOMS,),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """From which a schedule's slots are made: so many minutes each, or nights to `checkout`."""

    name: str
    start_times: tuple[time, ...]
    capacity: int
    price: Decimal = Decimal(0)
    minutes: int | None = None
    checkout: time | None = None
    weekdays: tuple[int, ...] = EVERY_DAY
    valid_from: date | None = None
    valid_until: date | None = None
    exceptions: tuple[date, ...] = ()
    max_quantity: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@retried
def found_venue(
    *, slug: str, name: str, kind: Kind, time_zone: str, currency: str, owner: str, by: Actor
) -> int:
    """Make an empty venue and invite its first owner; returns its id. Raises CatalogueInvalid."""
    if not _SLUG.fullmatch(slug):
        raise CatalogueInvalid("slug", "Letters, digits and hyphens, such as jk-boats.")
    said = checked_words("name", name, 200)
    if not said or "\n" in said:
        raise CatalogueInvalid("name", "Give a name.")
    try:
        with transaction() as tx:
            venue = add_venue_in(
                tx, slug=slug, name=said, kind=kind, time_zone=time_zone, currency=currency
            )
            note_act(tx, Act.VENUE_MADE, venue_id=venue.id, subject=f"venue:{venue.id}", by=by)
            try:
                invite_in(tx, venue_id=venue.id, email=owner, post=Post.OWNER, by=by)
            except CatalogueInvalid as refusal:
                raise CatalogueInvalid("owner", str(refusal)) from None
            return venue.id
    except IntegrityError:
        raise CatalogueInvalid("slug", "There is a venue with that short name.") from None


def add_venue_in(
    tx: Session,
    *,
    slug: str,
    name: str,
    kind: Kind,
    time_zone: str,
    currency: str,
    attributes: dict[str, Any] | None = None,
    code_prefix: str | None = None,
    is_listed: bool = True,
    embed_origins: Sequence[str] = (),
) -> Venue:
    """Add a venue; with a `code_prefix` its bookings get confirmation codes.

    Pages of `embed_origins` may show its booking form in a frame.

    Raises CatalogueInvalid for a zone that nobody knows.
    """
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise CatalogueInvalid("time_zone", f"There is no time zone {time_zone!r}.") from None
    venue = Venue(
        slug=slug,
        name=name,
        kind=kind,
        time_zone=time_zone,
        currency=currency,
        attributes=attributes or {},
        code_prefix=code_prefix,
        is_listed=is_listed,
        embed_origins=check_origins(embed_origins),
    )
    tx.add(venue)
    tx.flush()
    return venue


def add_resource_in(
    tx: Session,
    venue: Venue,
    *,
    name: str,
    counted_in: CountedIn,
    max_quantity: int,
    people_per_room: int | None = None,
    attributes: dict[str, Any] | None = None,
    position: int = 0,
) -> Resource:
    """Add a resource to a venue. Raises CatalogueInvalid for what its kind cannot have."""
    if counted_in not in COUNTED_IN[Kind(venue.kind)]:
        raise CatalogueInvalid("counted_in", f"A venue of kind {venue.kind} does not count that.")
    check_resource_attributes(venue.kind, attributes or {})
    check_resource(counted_in, name, max_quantity, people_per_room)
    resource = Resource(
        venue_id=venue.id,
        name=name,
        counted_in=counted_in,
        max_quantity=max_quantity,
        people_per_room=people_per_room,
        attributes=attributes or {},
        position=position,
    )
    tx.add(resource)
    tx.flush()
    return resource


def check_resource(
    counted_in: str, name: str, max_quantity: int, people_per_room: int | None
) -> None:
    """Raise CatalogueInvalid for a resource that the table would refuse."""
    if not 1 <= len(name.strip()) <= 200:
        raise CatalogueInvalid("name", "Give a name of at most 200 letters.")
    if not 0 < max_quantity <= LARGEST_CAPACITY:
        raise CatalogueInvalid("max_quantity", "The largest booking is a number from 1.")
    if (counted_in == CountedIn.ROOMS) != (people_per_room is not None):
        raise CatalogueInvalid(
            "people_per_room", "Rooms say how many people one holds; nothing else does."
        )
    if people_per_room is not None and not 0 < people_per_room <= 1000:
        raise CatalogueInvalid("people_per_room", "A room holds from one person to 1,000.")


def add_schedule_in(tx: Session, resource_id: UUID, pattern: Pattern) -> Schedule:
    """Add a schedule to a resource; its slots are made by booking/schedules.py.

    Raises ResourceNotFound, or CatalogueInvalid for a pattern that cannot be followed.
    """
    resource = tx.get(Resource, resource_id)
    if resource is None:
        raise ResourceNotFound
    check_pattern(pattern)
    check_slot_attributes(resource.venue.kind, pattern.attributes)
    schedule = Schedule(resource_id=resource_id, **columns_of(pattern))
    tx.add(schedule)
    tx.flush()
    return schedule


def columns_of(pattern: Pattern) -> dict[str, Any]:
    """Return a pattern as the columns of a schedule."""
    return {
        "name": pattern.name,
        "weekdays": sorted(set(pattern.weekdays)),
        "start_times": sorted(set(pattern.start_times)),
        "duration_minutes": pattern.minutes,
        "checkout_time": pattern.checkout,
        "valid_from": pattern.valid_from,
        "valid_until": pattern.valid_until,
        "exceptions": sorted(set(pattern.exceptions)),
        "capacity": pattern.capacity,
        "max_quantity": pattern.max_quantity,
        "price": pattern.price,
        "attributes": pattern.attributes,
    }


def check_pattern(pattern: Pattern) -> None:
    """Say in words what the table's constraints would refuse by their names."""
    if not pattern.start_times:
        raise CatalogueInvalid("start_times", "Give at least one time to start.")
    if len(pattern.start_times) > MOST_START_TIMES:
        raise CatalogueInvalid("start_times", f"At most {MOST_START_TIMES} times a day.")
    if not 1 <= len(pattern.name.strip()) <= 200:
        raise CatalogueInvalid("name", "Give a name of at most 200 letters.")
    if not set(pattern.weekdays) <= set(EVERY_DAY) or not pattern.weekdays:
        raise CatalogueInvalid("weekdays", "Weekdays are numbers from 1 (Monday) to 7.")
    if (pattern.minutes is None) == (pattern.checkout is None):
        raise CatalogueInvalid("minutes", "Give either the minutes or the time to check out.")
    if pattern.checkout is not None and len(pattern.start_times) > 1:
        raise CatalogueInvalid("start_times", "A night begins at one time.")
    if pattern.minutes is not None and not 0 < pattern.minutes <= 7 * 24 * 60:
        raise CatalogueInvalid("minutes", "A slot lasts from one minute to a week.")
    if pattern.valid_from and pattern.valid_until and pattern.valid_until < pattern.valid_from:
        raise CatalogueInvalid("valid_until", "The season ends before it begins.")
    if not 0 <= pattern.capacity <= LARGEST_CAPACITY:
        raise CatalogueInvalid("capacity", "The capacity is a number from 0 to 1,000,000.")
    if pattern.max_quantity is not None and not 0 < pattern.max_quantity <= LARGEST_CAPACITY:
        raise CatalogueInvalid("max_quantity", "The largest booking is a number from 1.")
    check_price(pattern.price)
