"""What searches found a moment ago: as true as the rows, void with a change, and never needed."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from booking import remembered
from booking.actors import CUSTOMER
from booking.availability import find_departures, find_rooms, find_slots
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking, check_in, confirm_hold
from booking.remembered import Line
from booking.schedules import extend_schedule
from booking.sittings import find_sittings
from booking.slots import change_capacity, delete_slot, set_open
from models import Booking, CountedIn, Kind, Slot, Status
from settings import settings
from tests.engine.books import place, set_slot
from tests.factories import (
    make_booking,
    make_nights,
    make_owner,
    make_resource,
    make_schedule,
    make_slot,
    make_venue,
)

Search = Callable[[], list[Any]]


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Switch the cache on for as long as it may be, so that only a change makes an answer void."""
    monkeypatch.setattr(remembered, "_seconds", 30)
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


def searches_of(slot: Slot) -> list[Search]:
    """Return every search that finds a slot of a boat."""
    venue = slot.resource.venue
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    week = {"starts_from": now, "starts_before": now + timedelta(days=300)}
    return [
        lambda: find_slots(venue_id=venue.id, **week),
        lambda: find_departures(kind=Kind.BOATS, venue=venue.slug),
        lambda: find_sittings(venue_id=venue.id, day=slot.local_on),
    ]


def fresh(search: Search, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with monkeypatch.context() as without:
        without.setattr(remembered, "_seconds", 0)
        return search()


def without_clock(found: list[Any]) -> list[Any]:
    """A sitting carries the moment at which it was read."""
    return [
        {name: getattr(each, name) for name in each.__slots__ if name != "now"} for each in found
    ]


def make_departure(**given: Any) -> Slot:
    return make_slot(
        make_resource(make_venue(kind=Kind.BOATS)), attributes={"destination": "Island"}, **given
    )


def test_an_answer_told_again_equals_a_fresh_one(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = make_departure(max_quantity=4)
    make_booking(slot)
    nights = make_nights(nights=2)
    day = nights[0].local_on
    hotel = nights[0].resource.venue.slug
    searches = [
        *searches_of(slot),
        lambda: find_rooms(check_in=day, check_out=day + timedelta(days=2), venue=hotel),
    ]

    for search in searches:
        first, again, now = search(), search(), fresh(search, monkeypatch)
        assert len(first) == 1
        assert first == again
        assert without_clock(again) == without_clock(now)


def test_it_is_the_same_answer_until_something_changes(db: Session) -> None:
    slot = make_departure()
    searches = searches_of(slot)
    before = [search() for search in searches]

    # Behind the program's back: this shows that the answers come from memory.
    set_slot(slot, remaining=1)

    assert [search() for search in searches] == before


def _book(slot: Slot, _booking: Booking) -> None:
    place(slot)
    decide_pending(slot.resource_id)


def _cancel(_slot: Slot, booking: Booking) -> None:
    cancel_booking(booking_id=booking.id)


def _change(_slot: Slot, booking: Booking) -> None:
    change_booking(booking_id=booking.id, change=Change(quantity=3), by=CUSTOMER)


def _change_capacity(slot: Slot, _booking: Booking) -> None:
    change_capacity(slot_id=slot.id, capacity=50)


def _close(slot: Slot, _booking: Booking) -> None:
    set_open(slot_id=slot.id, is_open=False)


@pytest.mark.parametrize("act", [_book, _cancel, _change, _change_capacity, _close])
def test_a_change_makes_it_void(
    db: Session, monkeypatch: pytest.MonkeyPatch, act: Callable[[Slot, Booking], None]
) -> None:
    slot = make_departure()
    booking = make_booking(slot)
    searches = searches_of(slot)
    before = [without_clock(search()) for search in searches]

    act(slot, booking)

    after = [without_clock(search()) for search in searches]
    assert after == [without_clock(fresh(search, monkeypatch)) for search in searches]
    assert all(now != then for now, then in zip(after, before, strict=True))


def test_a_hold_confirmed_and_a_guest_come_count_at_once(db: Session) -> None:
    slot = make_departure()
    booking = make_booking(slot, status=Status.HELD)
    sittings = searches_of(slot)[-1]
    counts = [sittings()[0].bookings]

    confirm_hold(booking_id=booking.id)
    counts.append(sittings()[0].bookings)
    check_in(booking_id=booking.id, by=make_owner())
    counts.append(sittings()[0].bookings)

    assert counts == [0, 1, 0]


def test_slots_that_come_and_go_are_seen_at_once(db: Session) -> None:
    slot = make_departure()
    slots = searches_of(slot)[0]
    assert len(slots()) == 1

    extend_schedule(schedule_id=make_schedule(slot.resource).id, days=3)
    after = len(slots())
    delete_slot(slot_id=slot.id)

    assert after > 2
    assert len(slots()) == after - 1


def test_a_night_taken_makes_rooms_void(db: Session) -> None:
    nights = make_nights(make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS))
    day = nights[0].local_on

    def rooms() -> list[int]:
        found = find_rooms(check_in=day, check_out=day + timedelta(days=3))
        return [offer.remaining for offer in found if offer.slot_ids[0] == nights[0].id]

    assert rooms() == [10]

    make_booking(nights[1], quantity=4)

    assert rooms() == [6]


def test_what_was_read_before_a_change_is_not_kept_after_it(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = make_departure()
    scope = remembered.of_venue(slot.resource.venue_id)

    def slow() -> list[Any]:
        found = fresh(searches_of(slot)[0], monkeypatch)
        change_capacity(slot_id=slot.id, capacity=50)
        return found

    kind = type(fresh(searches_of(slot)[0], monkeypatch)[0])
    remembered.remembered(scope, ("slow",), kind, slow)
    [now] = remembered.remembered(
        scope, ("slow",), kind, lambda: fresh(searches_of(slot)[0], monkeypatch)
    )

    assert now.capacity == 50


def test_a_wiped_redis_costs_nothing_but_the_memory(db: Session, redis: Redis) -> None:
    slot = make_departure()
    searches = searches_of(slot)
    for search in searches:
        search()
    change_capacity(slot_id=slot.id, capacity=50)

    redis.flushdb()

    assert searches[0]()[0].capacity == 50
    assert searches[0]()[0].capacity == 50


def test_garbage_in_redis_is_no_answer(db: Session, redis: Redis) -> None:
    slot = make_departure()
    search = searches_of(slot)[0]
    found = search()

    for key in redis.scan_iter("holdfast:found:*"):
        redis.set(key, b'\n[["nonsense"]]')

    assert search() == found


def test_answers_end_by_themselves(db: Session, redis: Redis) -> None:
    search = searches_of(make_departure())[0]
    search()

    [left] = [redis.pttl(key) for key in redis.scan_iter("holdfast:found:*")]

    assert 0 < left <= 30_000


@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_frozen_or_dead_redis_is_not_waited_for(
    db: Session, monkeypatch: pytest.MonkeyPatch, is_frozen: bool
) -> None:
    slot = make_departure()
    searches = searches_of(slot)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not is_frozen:
            silent.close()
        for name in ("_searching", "_renewing"):
            line = Line(f"redis://127.0.0.1:{port}", timeout_seconds=0.05, silence_seconds=30)
            monkeypatch.setattr(remembered, name, line)

        begun = time.monotonic()
        first = [search() for search in searches]
        for _ in range(20):
            assert searches[0]() == first[0]
        change_capacity(slot_id=slot.id, capacity=50)
        seconds = time.monotonic() - begun

    # Asked once for searches and once to renew, 50 ms each; everything else is the database.
    assert seconds < 2
    assert searches[0]()[0].capacity == 50
