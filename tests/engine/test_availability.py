"""What is offered: what can be taken now, with the places of overdue holds counted as free."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from booking.availability import (
    Departure,
    RoomOffer,
    SlotView,
    find_departures,
    find_rooms,
    find_slots,
    list_venues,
    read_slot,
    read_venue,
)
from booking.errors import VenueNotFound
from booking.sittings import find_sittings
from booking.slots import set_open
from models import CountedIn, Kind, Resource, Slot, Venue
from tests.engine.books import place, place_and_decide, run_out, set_policy, set_slot
from tests.factories import (
    make_booking,
    make_nights,
    make_resource,
    make_slot,
    make_venue,
    session,
)


def offered(venue: Venue, **given: Any) -> list[SlotView]:
    moment = datetime.now(UTC)
    given.setdefault("starts_from", moment - timedelta(days=2))
    given.setdefault("starts_before", moment + timedelta(days=200))
    return find_slots(venue_id=venue.id, **given)


def rooms(nights: list[Slot], **given: Any) -> list[RoomOffer]:
    last = nights[-1].local_on + timedelta(days=1)
    given.setdefault("check_in", nights[0].local_on)
    given.setdefault("check_out", last)
    return find_rooms(**given)


def test_a_slot_as_it_is_offered(db: Session) -> None:
    slot = make_slot(capacity=5, max_quantity=4, attributes={"destination": "the island"})
    make_booking(slot, quantity=2)

    [seen] = offered(slot.resource.venue)

    assert (seen.id, seen.capacity, seen.remaining) == (slot.id, 5, 3)
    assert (seen.max_quantity, seen.price, seen.currency) == (4, Decimal("12.50"), "GBP")
    assert (seen.status, seen.attributes) == ("open", {"destination": "the island"})
    assert read_slot(slot.id) == seen
    assert read_slot(uuid4()) is None


def test_full_and_closed_are_said_so(db: Session) -> None:
    resource = make_resource()
    full, closed = make_slot(resource, capacity=1), make_slot(resource)
    make_booking(full, quantity=1)
    set_open(slot_id=closed.id, is_open=False)

    assert [slot.status for slot in offered(resource.venue)] == ["full", "closed"]
    assert offered(resource.venue, quantity=1) == []


def test_pending_holds_take_nothing_and_held_ones_do(db: Session) -> None:
    slot = make_slot(capacity=5)
    place_and_decide(slot, quantity=2, hold_minutes=5)
    place(slot, quantity=2)

    assert offered(slot.resource.venue)[0].remaining == 3


def test_places_of_overdue_holds_are_free_before_any_sweep(db: Session) -> None:
    nights = make_nights(capacity=1)
    held = place_and_decide(*nights, hold_minutes=5)
    assert rooms(nights) == []
    run_out(held)

    seen = read_slot(nights[0].id)

    assert seen is not None
    assert (seen.remaining, seen.status) == (1, "open")
    assert len(rooms(nights)) == 1
    assert len(offered(nights[0].resource.venue, quantity=1)) == 3
    assert nights[0].remaining == 0


@pytest.mark.parametrize(
    ("counted_in", "quantity", "is_offered"),
    [
        (CountedIn.PARTIES, 8, True),
        (CountedIn.PARTIES, 11, False),
        (CountedIn.SEATS, 3, True),
        (CountedIn.SEATS, 4, False),
    ],
)
def test_quantity_is_counted_as_the_resource_says(
    db: Session, counted_in: CountedIn, quantity: int, is_offered: bool
) -> None:
    slot = make_slot(make_resource(counted_in=counted_in), capacity=3)

    assert bool(offered(slot.resource.venue, quantity=quantity)) == is_offered


def test_what_cannot_be_sold_any_more_is_not_offered(db: Session) -> None:
    resource = make_resource()
    past = make_slot(resource, starts_at=datetime.now(UTC) - timedelta(hours=1))
    make_slot(make_resource(resource.venue, retired_at=datetime.now(UTC)))
    ahead = make_slot(resource)

    assert [slot.id for slot in offered(resource.venue)] == [ahead.id]
    assert read_slot(past.id) is not None


def test_pages_follow_one_another(db: Session) -> None:
    resource = make_resource()
    starts_at = datetime.now(UTC) + timedelta(days=3)
    other = make_resource(resource.venue)
    for at in range(3):
        for each in (resource, other):
            make_slot(each, starts_at=starts_at + timedelta(hours=at))
    everything = offered(resource.venue)
    seen: list[SlotView] = []
    while page := offered(
        resource.venue, limit=2, after=(seen[-1].starts_at, seen[-1].id) if seen else None
    ):
        seen += page

    assert seen == everything
    assert len(seen) == 6
    assert len(offered(resource.venue, resource_id=other.id)) == 3


def test_the_window_takes_its_beginning_and_not_its_end(db: Session) -> None:
    resource = make_resource()
    first, second = make_slot(resource), make_slot(resource)

    window = offered(resource.venue, starts_from=first.starts_at, starts_before=second.starts_at)

    assert [slot.id for slot in window] == [first.id]


def test_another_venue_s_slots_are_not_shown(db: Session) -> None:
    make_slot()

    assert offered(make_venue()) == []


# Rooms


def test_a_stay_as_it_is_offered(db: Session) -> None:
    nights = make_nights(nights=3, capacity=5)
    set_slot(nights[1], price=Decimal("80"))
    make_booking(nights[2], quantity=2)

    [offer] = rooms(nights, rooms=2, guests=4)

    assert offer.slot_ids == tuple(night.id for night in nights)
    assert offer.remaining == 3
    assert offer.total == 2 * (Decimal("12.50") * 2 + Decimal("80"))
    assert [night.date for night in offer.nights] == [night.local_on for night in nights]
    assert place_and_decide(*nights, quantity=2, guests=4).total == offer.total


def spoil(nights: list[Slot], how: str) -> None:
    resource: Resource = nights[0].resource
    match how:
        case "full":
            make_booking(nights[1], quantity=2)
        case "closed":
            set_open(slot_id=nights[1].id, is_open=False)
        case "largest quantity of the room type":
            resource.max_quantity = 1
        case "largest quantity of a night":
            set_slot(nights[1], max_quantity=1)
        case "retired":
            resource.retired_at = datetime.now(UTC)
        case "horizon":
            set_policy(resource, horizon_days=8)
        case "not listed":
            resource.venue.is_listed = False
    session().commit()


@pytest.mark.parametrize(
    "how",
    [
        "full",
        "closed",
        "largest quantity of the room type",
        "largest quantity of a night",
        "retired",
        "horizon",
        "not listed",
    ],
)
def test_what_could_not_be_booked_is_not_offered(db: Session, how: str) -> None:
    nights = make_nights(nights=3, capacity=3)
    assert len(rooms(nights, rooms=2)) == 1

    spoil(nights, how)

    assert rooms(nights, rooms=2) == []


def test_a_missing_night_is_no_stay(db: Session) -> None:
    first, _, third = make_nights(nights=3)
    resource = first.resource
    make_nights(resource, first=third.local_on + timedelta(days=2), nights=1)

    assert rooms([first], check_out=third.local_on + timedelta(days=3)) == []


def test_the_day_of_leaving_is_not_slept(db: Session) -> None:
    nights = make_nights(nights=3, capacity=1)
    make_booking(nights[2], quantity=1)

    assert len(rooms(nights[:2])) == 1


@pytest.mark.parametrize("nights", [0, -2])
def test_a_stay_of_no_nights_is_nothing(db: Session, nights: int) -> None:
    first = make_nights()[0].local_on

    assert find_rooms(check_in=first, check_out=first + timedelta(days=nights)) == []


def test_guests_have_to_fit(db: Session) -> None:
    nights = make_nights()

    assert len(rooms(nights, guests=2)) == 1
    assert rooms(nights, guests=3) == []
    assert len(rooms(nights, guests=3, rooms=2)) == 1


def test_an_unlisted_venue_is_found_by_its_name_only(db: Session) -> None:
    venue = make_venue(kind=Kind.HOTEL, is_listed=False)
    nights = make_nights(make_resource(venue, counted_in=CountedIn.ROOMS))

    assert rooms(nights) == []
    assert len(rooms(nights, venue=venue.slug)) == 1
    assert venue.slug not in [each.slug for each in list_venues()]
    assert read_venue(venue.slug).name == venue.name


def test_rooms_come_in_pages(db: Session) -> None:
    day = date.today() + timedelta(days=9)  # noqa: DTZ011
    venue = make_venue(kind=Kind.HOTEL)
    for _ in range(3):
        make_nights(make_resource(venue, counted_in=CountedIn.ROOMS), first=day)
    stay = {"check_in": day, "check_out": day + timedelta(days=2), "venue": venue.slug}

    first = find_rooms(**stay, limit=2)
    second = find_rooms(**stay, limit=2, after=first[-1].resource_id)

    assert (len(first), len(second)) == (2, 1)
    assert first + second == find_rooms(**stay)


def test_an_unknown_venue_is_not_found(db: Session) -> None:
    with pytest.raises(VenueNotFound):
        read_venue("nobody")


@pytest.mark.parametrize(
    "policy", [{"notice_minutes": 120}, {"cutoff_minutes": 120}, {"horizon_days": 1}]
)
def test_what_the_rule_would_refuse_is_not_offered(db: Session, policy: dict[str, int]) -> None:
    ahead = timedelta(days=3) if "horizon_days" in policy else timedelta(minutes=90)
    slot = make_slot(starts_at=datetime.now(UTC) + ahead)
    venue = slot.resource.venue
    assert [found.status for found in offered(venue, quantity=1)] == ["open"]

    set_policy(slot.resource, **policy)

    assert offered(venue, quantity=1) == []
    assert [found.status for found in offered(venue)] == ["closed"]
    assert place_and_decide(slot).status == "rejected"


def test_every_search_is_one_statement(db: Session, patient_engine: Engine) -> None:
    slots = [make_slot(make_resource(make_venue(kind=Kind.BOATS))) for _ in range(3)]
    nights = make_nights()
    venue = slots[0].resource.venue
    db.expire_all()

    with _statements(patient_engine) as seen:
        offered(venue)
        assert len(find_departures(kind=Kind.BOATS)) >= 3
        assert rooms(nights)
        assert find_sittings(venue_id=venue.id, day=slots[0].local_on)

    # `rooms` reads the nights' days anew out of the test's own session.
    assert len([each for each in seen if "remaining" in each and "coalesce(sum" in each]) == 4


@pytest.mark.parametrize(("zone", "hour"), [("Pacific/Kiritimati", 11), ("Etc/GMT+12", 11)])
def test_a_day_is_that_of_the_venue_however_far_from_utc(db: Session, zone: str, hour: int) -> None:
    venue = make_venue(kind=Kind.BOATS, time_zone=zone)
    starts_at = (datetime.now(UTC) + timedelta(days=9)).replace(hour=hour, minute=0)
    day = starts_at.astimezone(ZoneInfo(zone)).date()
    slot = make_slot(make_resource(venue), starts_at=starts_at, local_on=day)

    found = find_departures(kind=Kind.BOATS, venue=venue.slug, first_day=day, last_day=day)

    assert [departure.slot.id for departure in found] == [slot.id]


@pytest.mark.parametrize("beginning", ["%", "_", "\\", "is%"])
def test_a_beginning_has_no_wildcards(db: Session, beginning: str) -> None:
    slot = make_slot(
        make_resource(make_venue(kind=Kind.BOATS)), attributes={"destination": "Island"}
    )

    def going(to: str) -> list[Departure]:
        venue = slot.resource.venue.slug
        return find_departures(kind=Kind.BOATS, venue=venue, attributes_begin={"destination": to})

    assert going(beginning) == []
    assert len(going("iSL")) == 1


def test_the_end_of_the_calendar_can_be_asked_for(db: Session) -> None:
    make_slot(make_resource(make_venue(kind=Kind.BOATS)))

    assert find_departures(kind=Kind.BOATS, first_day=date.max, last_day=date.max) == []
    assert find_departures(kind=Kind.BOATS, first_day=date.min, last_day=date.min) == []


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    """Gather what is sent to the database."""
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
