"""Slots made ahead in the venue's own time, on days when the clocks change as well."""

from collections.abc import MutableMapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.schedules import (
    extend_schedule,
    extend_schedules,
    make_slots_in,
    to_instant,
)
from booking.transactions import transaction
from models import CountedIn, Kind, Schedule, Slot
from tests.engine.books import EXAMPLES, place_and_decide
from tests.factories import make_resource, make_schedule, make_slot, make_venue


def made_slots(db: Session, schedule: Schedule) -> list[Slot]:
    db.expire_all()
    query = select(Slot).where(Slot.schedule_id == schedule.id).order_by(Slot.starts_at)
    return list(db.scalars(query))


def in_zone(zone: str, **given: Any) -> Schedule:
    return make_schedule(make_resource(make_venue(time_zone=zone)), **given)


def make(schedule: Schedule, first: date, last: date | None = None) -> list[datetime]:
    """Make the slots of some days; returns the local times that were skipped."""
    with transaction() as tx:
        return make_slots_in(
            tx, tx.get_one(Schedule, schedule.id), first=first, last=last or first
        ).skipped


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# What the clocks of the zone do on that day: at which local time a sitting is wanted, and the
# instant that it is, or None where the clocks skip it.
CLOCKS = [
    ("UTC", "2031-03-30", "02:30", "2031-03-30 02:30"),
    ("Europe/Berlin", "2031-03-30", "01:59", "2031-03-30 00:59"),
    ("Europe/Berlin", "2031-03-30", "02:00", None),
    ("Europe/Berlin", "2031-03-30", "02:30", None),
    ("Europe/Berlin", "2031-03-30", "03:00", "2031-03-30 01:00"),
    ("Europe/Berlin", "2031-10-26", "01:30", "2031-10-25 23:30"),
    ("Europe/Berlin", "2031-10-26", "02:30", "2031-10-26 00:30"),  # the first of the two
    ("Europe/Berlin", "2031-10-26", "03:00", "2031-10-26 02:00"),
    ("America/New_York", "2031-03-09", "02:30", None),
    ("America/New_York", "2031-03-09", "03:00", "2031-03-09 07:00"),
    ("America/New_York", "2031-11-02", "01:30", "2031-11-02 05:30"),
    ("America/New_York", "2031-11-02", "02:00", "2031-11-02 07:00"),
    # Half an hour.
    ("Australia/Lord_Howe", "2031-10-05", "02:00", None),
    ("Australia/Lord_Howe", "2031-10-05", "02:15", None),
    ("Australia/Lord_Howe", "2031-10-05", "02:30", "2031-10-04 15:30"),
    ("Australia/Lord_Howe", "2031-04-06", "01:45", "2031-04-05 14:45"),
    # At midnight the day begins an hour later.
    ("America/Sao_Paulo", "2018-11-04", "00:00", None),
    ("America/Sao_Paulo", "2018-11-04", "00:30", None),
    ("America/Sao_Paulo", "2018-11-04", "01:00", "2018-11-04 03:00"),
    ("America/Sao_Paulo", "2018-02-17", "23:30", "2018-02-18 01:30"),
    ("Asia/Beirut", "2031-03-30", "00:00", None),
    ("Asia/Beirut", "2031-03-30", "01:00", "2031-03-29 22:00"),
    # A day that never was.
    ("Pacific/Apia", "2011-12-30", "12:00", None),
    ("Pacific/Apia", "2011-12-31", "12:00", "2011-12-30 22:00"),
    ("Asia/Kathmandu", "2031-06-01", "12:00", "2031-06-01 06:15"),
]


@pytest.mark.parametrize(("zone", "day", "at", "instant"), CLOCKS)
def test_a_wall_clock_time_on_a_day_when_the_clocks_change(
    db: Session, zone: str, day: str, at: str, instant: str | None
) -> None:
    on, local = date.fromisoformat(day), time.fromisoformat(at)
    schedule = in_zone(zone, start_times=[local])

    skipped = make(schedule, on)

    slots = made_slots(db, schedule)
    if instant is None:
        assert (slots, skipped) == ([], [datetime.combine(on, local)])
    else:
        assert skipped == []
        assert [slot.starts_at for slot in slots] == [utc(instant)]
        assert slots[0].local_on == on
        assert slots[0].ends_at - slots[0].starts_at == timedelta(hours=2)


ZONES = sorted({zone for zone, *_ in CLOCKS})


@settings(max_examples=EXAMPLES or 100, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.dates(date(2010, 1, 1), date(2035, 12, 31)),
    st.times(),
)
def test_an_instant_shows_the_wanted_time_and_is_the_first_that_does(
    zone: str, on: date, at: time
) -> None:
    local = ZoneInfo(zone)
    at = at.replace(fold=0)

    instant = to_instant(on, at, local)

    if instant is None:
        # Either reading of a skipped time shows another one.
        shown = [
            datetime.combine(on, at.replace(fold=fold), tzinfo=local).astimezone(UTC)
            for fold in (0, 1)
        ]
        assert all(
            moment.astimezone(local).replace(tzinfo=None) != datetime.combine(on, at)
            for moment in shown
        )
    else:
        seen = instant.astimezone(local)
        assert seen.replace(tzinfo=None, fold=0) == datetime.combine(on, at)
        assert seen.fold == 0


@pytest.mark.parametrize("zone", ZONES)
def test_over_the_years_no_instant_comes_twice(zone: str) -> None:
    local = ZoneInfo(zone)
    quarters = [time(hour, minute) for hour in range(4) for minute in (0, 15, 30, 45)]
    instants = [
        instant
        for year in (2011, 2018, 2031)
        for day in range(365)
        for at in quarters
        if (instant := to_instant(date(year, 1, 1) + timedelta(days=day), at, local))
    ]

    assert instants == sorted(set(instants))
    assert len(instants) > 3 * 365 * 16 - 100


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2031-03-28", 20),
        ("Europe/Berlin", "2031-03-29", 19),
        ("Europe/Berlin", "2031-10-25", 21),
        ("Australia/Lord_Howe", "2031-10-04", 19.5),
        ("America/Sao_Paulo", "2018-11-03", 19),
        ("Asia/Beirut", "2031-03-29", 19),
    ],
)
def test_a_night_across_the_change_ends_at_checkout_time(
    db: Session, zone: str, day: str, hours: float
) -> None:
    first = date.fromisoformat(day)
    venue = make_venue(kind=Kind.HOTEL, time_zone=zone)
    schedule = make_schedule(
        make_resource(venue, counted_in=CountedIn.ROOMS),
        start_times=[time(15)],
        duration_minutes=None,
        checkout_time=time(11),
    )

    make(schedule, first, first + timedelta(days=2))

    nights = made_slots(db, schedule)
    local = ZoneInfo(zone)
    assert len(nights) == 3
    assert nights[0].ends_at - nights[0].starts_at == timedelta(hours=hours)
    assert {night.starts_at.astimezone(local).time() for night in nights} == {time(15)}
    assert {night.ends_at.astimezone(local).time() for night in nights} == {time(11)}
    assert [night.local_on for night in nights] == [first + timedelta(days=n) for n in range(3)]
    # Sold to the last minute of its own day.
    last_minute = nights[0].sold_until - timedelta(minutes=1)
    assert last_minute.astimezone(local).date() == first
    assert nights[0].sold_until.astimezone(local).date() == first + timedelta(days=1)


def test_a_skipped_sitting_is_said_so(db: Session, logged: list[MutableMapping[str, Any]]) -> None:
    schedule = in_zone("Europe/Berlin", start_times=[time(2, 30), time(12)])

    with time_machine.travel(utc("2031-03-29 09:00"), tick=False):
        made = extend_schedule(schedule_id=schedule.id, days=2)

    assert made.slots == 5
    assert made.skipped == [datetime(2031, 3, 30, 2, 30)]  # noqa: DTZ001
    told = [entry for entry in logged if entry["event"] == "slots_skipped"]
    assert told[0]["times"] == ["2031-03-30T02:30:00"]


# The pattern


def test_the_pattern_of_an_owner(db: Session) -> None:
    schedule = make_schedule(
        start_times=[time(12), time(19, 30)],
        weekdays=[5, 6],
        valid_from=date(2031, 5, 3),
        valid_until=date(2031, 5, 16),
        exceptions=[date(2031, 5, 9)],
        capacity=7,
        max_quantity=4,
        attributes={"menu": "spring"},
    )

    make(schedule, date(2031, 4, 1), date(2031, 6, 30))

    slots = made_slots(db, schedule)
    days = sorted({slot.local_on for slot in slots})
    assert days == [date(2031, 5, 3), date(2031, 5, 10), date(2031, 5, 16)]
    assert len(slots) == 6
    assert {(slot.capacity, slot.remaining, slot.max_quantity) for slot in slots} == {(7, 7, 4)}
    assert slots[0].attributes == {"menu": "spring"}
    assert slots[0].sold_until == slots[0].starts_at


def test_the_same_time_named_twice_is_one_sitting(db: Session) -> None:
    schedule = make_schedule(start_times=[time(12), time(12)])

    make(schedule, date(2031, 5, 3))

    assert len(made_slots(db, schedule)) == 1


def test_what_exists_is_left_as_it_is(db: Session) -> None:
    schedule = make_schedule()
    own = make_slot(schedule.resource, starts_at=utc("2031-05-03 12:00"), capacity=3)

    make(schedule, date(2031, 5, 3), date(2031, 5, 4))

    assert [slot.local_on for slot in made_slots(db, schedule)] == [date(2031, 5, 4)]
    assert (own.capacity, own.schedule_id) == (3, None)


def test_extending_again_makes_what_is_new_only(db: Session) -> None:
    schedule = make_schedule(start_times=[time(12)])

    with time_machine.travel(utc("2031-05-03 09:00"), tick=False):
        first = extend_schedule(schedule_id=schedule.id, days=9).slots
        again = extend_schedule(schedule_id=schedule.id, days=9).slots
    with time_machine.travel(utc("2031-05-05 09:00"), tick=False):
        later = extend_schedule(schedule_id=schedule.id, days=9).slots

    assert (first, again, later) == (10, 0, 2)
    db.expire_all()
    assert schedule.made_until == date(2031, 5, 14)


def test_today_is_the_venue_s_today(db: Session) -> None:
    schedules = [in_zone(zone) for zone in ("Pacific/Auckland", "America/Los_Angeles")]

    with time_machine.travel(utc("2031-05-03 13:00"), tick=False):
        for schedule in schedules:
            extend_schedule(schedule_id=schedule.id, days=0)

    days = [made_slots(db, schedule)[0].local_on for schedule in schedules]
    assert days == [date(2031, 5, 4), date(2031, 5, 3)]


def test_all_active_schedules_are_extended(db: Session) -> None:
    retired = make_resource(retired_at=datetime.now(UTC))
    schedules = [make_schedule(), make_schedule(is_active=False), make_schedule(retired)]

    made = extend_schedules(days=3)

    assert made == 4
    assert [len(made_slots(db, schedule)) for schedule in schedules] == [4, 0, 0]


def test_slots_that_were_made_can_be_booked(db: Session) -> None:
    schedule = make_schedule()
    extend_schedule(schedule_id=schedule.id, days=3)

    booking = place_and_decide(made_slots(db, schedule)[2], quantity=2)

    assert booking.status == "confirmed"
