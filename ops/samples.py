"""The sample venues of a first start: four restaurants, two boat operators and a hotel.

Everything is relative to today, so it is fresh whenever it is made, and every booking in it went
through the engine like any other.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.catalogue import Pattern, add_resource_in, add_schedule_in, add_venue_in
from booking.decide import decide_pending
from booking.holds import Contact, HoldRequest, place_hold_in
from booking.lifecycle import cancel_booking, check_in, complete, mark_no_show
from booking.outbox import drop_queued
from booking.people import ensure_owner_in
from booking.schedules import extend_schedule
from booking.slots import set_open
from booking.transactions import transaction
from models import CountedIn, Kind, Membership, Post, Slot, Venue
from settings import settings

DAYS_BACK = 10
SITTINGS = tuple(time(hour, minute) for hour in (12, 13, 19, 20) for minute in (0, 30))
GUESTS = (
    ("Ada Moreau", "ada.moreau@example.com"),
    ("Bilal Haddad", "bilal.haddad@example.com"),
    ("Chiara Conti", "chiara.conti@example.com"),
    ("Dmitri Volkov", "dmitri.volkov@example.com"),
    ("Emeka Obi", "emeka.obi@example.com"),
    ("Freya Lindqvist", "freya.lindqvist@example.com"),
    ("Goro Tanaka", "goro.tanaka@example.com"),
    ("Hana Novak", "hana.novak@example.com"),
)


@dataclass(frozen=True, slots=True)
class SampleResource:
    """A resource and the patterns of its slots."""

    name: str
    counted_in: CountedIn
    max_quantity: int
    patterns: tuple[Pattern, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    people_per_room: int | None = None


@dataclass(frozen=True, slots=True)
class SampleVenue:
    """A venue and its resources."""

    slug: str
    name: str
    kind: Kind
    time_zone: str
    currency: str
    resources: tuple[SampleResource, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    code_prefix: str | None = None
    public_consumer_calls: bool = False


def seed(*, with_venues: bool) -> None:
    """Make the first owner and, in a database without venues, the sample venues as theirs."""
    with transaction() as tx:
        owner_id = ensure_owner_in(tx, email=settings.owner_email, password=settings.owner_password)
        is_empty = tx.scalar(select(Venue.id).limit(1)) is None
    if not (with_venues and is_empty):
        return
    chance = random.Random(7)  # noqa: S311
    for sample in VENUES:
        print(f"making {sample.name}", flush=True)
        _make_venue(sample, owner_id, chance)


def _make_venue(sample: SampleVenue, owner_id: UUID, chance: random.Random) -> None:
    with transaction() as tx:
        venue = add_venue_in(
            tx,
            slug=sample.slug,
            name=sample.name,
            kind=sample.kind,
            time_zone=sample.time_zone,
            currency=sample.currency,
            attributes=sample.attributes,
            code_prefix=sample.code_prefix,
        )
        venue.public_consumer_calls = sample.public_consumer_calls
        tx.add(Membership(user_id=owner_id, venue_id=venue.id, post=Post.OWNER))
        pairs = [
            (given, _add_resource(tx, venue, given, position))
            for position, given in enumerate(sample.resources)
        ]
        schedule_ids = [
            add_schedule_in(tx, resource_id, pattern).id
            for given, resource_id in pairs
            for pattern in given.patterns
        ]
    for schedule_id in schedule_ids:
        extend_schedule(schedule_id=schedule_id, days=settings.schedule_days, days_back=DAYS_BACK)
    if sample.kind == Kind.RESTAURANT:
        _close_some(resource_id=pairs[0][1], chance=chance)
    for given, resource_id in pairs:
        _make_bookings(given, resource_id, chance)
    # Nobody of these exists: no mail server is to be asked for them.
    drop_queued(venue_id=venue.id, reason="a sample")


def _add_resource(tx: Session, venue: Venue, given: SampleResource, position: int) -> UUID:
    return add_resource_in(
        tx,
        venue,
        name=given.name,
        counted_in=given.counted_in,
        max_quantity=given.max_quantity,
        people_per_room=given.people_per_room,
        attributes=given.attributes,
        position=position,
    ).id


def _close_some(*, resource_id: UUID, chance: random.Random) -> None:
    """Close about one sitting in five of the coming thirty days, as an owner would for a party."""
    for slot_id in _slot_ids(resource_id, first_day=0, last_day=30):
        if chance.random() < 0.2:
            set_open(slot_id=slot_id, is_open=False)


def _make_bookings(given: SampleResource, resource_id: UUID, chance: random.Random) -> None:
    """Some visits that are over, some that come, and a rush on the next days' first departures."""
    past = _sample(_slot_ids(resource_id, first_day=-DAYS_BACK, last_day=-1), 6, chance)
    coming = _sample(_slot_ids(resource_id, first_day=1, last_day=20), 10, chance)
    over = [
        _place(slot_id, chance.randint(1, min(4, given.max_quantity)), chance) for slot_id in past
    ]
    ahead = [
        _place(slot_id, chance.randint(1, min(4, given.max_quantity)), chance) for slot_id in coming
    ]
    if given.counted_in == CountedIn.SEATS:
        _fill(resource_id, chance)
    decide_pending(resource_id, by=SYSTEM)
    for count, booking_id in enumerate(over):
        if count % 4 == 3:
            mark_no_show(booking_id=booking_id, by=SYSTEM)
        else:
            check_in(booking_id=booking_id, by=SYSTEM)
            complete(booking_id=booking_id, by=SYSTEM)
    if ahead:
        cancel_booking(booking_id=ahead[-1], by=SYSTEM, reason_id=1)


def _fill(resource_id: UUID, chance: random.Random) -> None:
    """Sell a boat's second coming departure out, and leave two seats on the third."""
    coming = _slot_ids(resource_id, first_day=1, last_day=10)
    for slot_id, left in zip(coming[1:3], (0, 2), strict=False):
        with transaction() as tx:
            remaining = tx.scalars(select(Slot.remaining).where(Slot.id == slot_id)).one()
        while remaining > left:
            seats = min(remaining - left, chance.randint(2, 8))
            _place(slot_id, seats, chance)
            remaining -= seats


def _place(slot_id: UUID, quantity: int, chance: random.Random) -> UUID:
    name, email = chance.choice(GUESTS)
    wanted = HoldRequest(
        slot_ids=(slot_id,),
        quantity=quantity,
        customer=Contact(email=email, full_name=name),
        channel=chance.choice(("web", "web", "phone", "walk_in")),
        is_bound=False,
        by=SYSTEM,
    )
    with transaction() as tx:
        return place_hold_in(tx, wanted).booking.id


def _slot_ids(resource_id: UUID, *, first_day: int, last_day: int) -> Sequence[UUID]:
    """Return the open slots between two days counted from today, by time."""
    today = datetime.now(UTC).date()
    with transaction() as tx:
        return tx.scalars(
            select(Slot.id)
            .where(
                Slot.resource_id == resource_id,
                Slot.is_open,
                Slot.local_on.between(_day(today, first_day), _day(today, last_day)),
            )
            .order_by(Slot.starts_at)
        ).all()


def _day(today: date, offset: int) -> date:
    return date.fromordinal(today.toordinal() + offset)


def _sample(ids: Iterable[UUID], count: int, chance: random.Random) -> list[UUID]:
    ids = list(ids)
    return chance.sample(ids, min(count, len(ids)))


def _restaurant(slug: str, name: str, *, is_public: bool = False) -> SampleVenue:
    sittings = Pattern("Lunch and dinner", SITTINGS, capacity=3, minutes=90)
    room = SampleResource("Dining room", CountedIn.PARTIES, 8, (sittings,))
    return SampleVenue(
        slug,
        name,
        Kind.RESTAURANT,
        "Europe/London",
        "GBP",
        (room,),
        # By this mark it takes the tokens of HOLDFAST_SAMPLE_TOKENS.
        {"sample": True},
        public_consumer_calls=is_public,
    )


def _boat(
    name: str, seats: int, price: int, destination: str, times: tuple[time, ...], *, has_ac: bool
) -> SampleResource:
    departures = Pattern(
        f"To {destination}",
        times,
        capacity=seats,
        price=Decimal(price),
        minutes=120,
        attributes={"destination": destination},
    )
    return SampleResource(
        name, CountedIn.SEATS, seats, (departures,), {"has_ac": has_ac, "capacity": seats}
    )


def _room(
    name: str, count: int, people: int, week: int, weekend: int, amenities: list[str]
) -> SampleResource:
    def nights(name: str, price: int, weekdays: tuple[int, ...]) -> Pattern:
        return Pattern(
            name,
            (time(15),),
            count,
            price=Decimal(price),
            checkout=time(11),
            weekdays=weekdays,
        )

    return SampleResource(
        name,
        CountedIn.ROOMS,
        min(5, count),
        (nights("Weekdays", week, (1, 2, 3, 4, 7)), nights("Weekend", weekend, (5, 6))),
        {"amenities": amenities},
        people_per_room=people,
    )


VENUES = (
    _restaurant("TheHungryUnicorn", "The Hungry Unicorn"),
    _restaurant("PizzaPalace", "Pizza Palace", is_public=True),
    _restaurant("SushiZen", "Sushi Zen"),
    _restaurant("CafeBistro", "Café Bistro"),
    SampleVenue(
        "jk-boats",
        "JK Boats",
        Kind.BOATS,
        "Asia/Bangkok",
        "USD",
        (
            _boat("SeaExpress 1", 50, 25, "Island Paradise", (time(9), time(14)), has_ac=True),
            _boat("SeaExpress 2", 30, 25, "Coral Bay", (time(8, 30), time(16)), has_ac=True),
            _boat("Old Harbour", 12, 15, "Island Paradise", (time(10),), has_ac=False),
        ),
        code_prefix="JKB",
    ),
    SampleVenue(
        "northern-ferries",
        "Northern Ferries",
        Kind.BOATS,
        "Europe/Oslo",
        "NOK",
        (
            _boat("Fjordhest", 80, 340, "Skjærgard", (time(8), time(17)), has_ac=True),
            _boat("Lillebåt", 20, 210, "Fyrtårnet", (time(11),), has_ac=False),
        ),
        code_prefix="NOF",
    ),
    SampleVenue(
        "hotel-aurora",
        "Hotel Aurora",
        Kind.HOTEL,
        "Europe/Lisbon",
        "EUR",
        (
            _room("Single", 6, 1, 70, 85, ["desk", "shower"]),
            _room("Double", 10, 2, 110, 135, ["balcony", "bath"]),
            _room("Family", 4, 4, 160, 195, ["two bedrooms", "bath", "cot"]),
            _room("Suite", 2, 2, 260, 320, ["sea view", "terrace", "bath"]),
        ),
        {"location": "Lisbon"},
    ),
)
