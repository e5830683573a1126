"""What is owed because a time has come: once each, at the right hour, and to the right people."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.changes import Change, change_booking
from booking.correspondence import read_owed
from booking.dues import owe_what_is_due
from booking.relevance import why_not
from models import Booking, Notification, Resource, Slot, Status, Venue
from tests.factories import make_booking, make_nights, make_resource, make_slot, make_venue
from tests.messages.conftest import all_messages, messages_of

HOUR = timedelta(hours=1)


def kinds_of(booking: Booking) -> list[str]:
    return [message.kind for message in messages_of(booking)]


def shift(db: Session, booking: Booking, **columns: timedelta) -> None:
    """Move times of a booking back."""
    values = {name: getattr(Booking, name) - by for name, by in columns.items()}
    db.execute(update(Booking).where(Booking.id == booking.id).values(**values))
    db.commit()


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.mark.parametrize(("hours", "is_due"), [(23, True), (25, False), (-1, False)])
def test_a_reminder_is_owed_the_venue_s_hours_before(
    db: Session, resource: Resource, hours: float, is_due: bool
) -> None:
    booking = make_booking(make_slot(resource, starts_at=in_hours(hours)))
    shift(db, booking, confirmed_at=timedelta(days=3))

    owe_what_is_due()
    owe_what_is_due()

    assert kinds_of(booking).count("reminder") == is_due


def test_who_has_just_booked_is_not_reminded(db: Session, resource: Resource) -> None:
    booking = make_booking(make_slot(resource, starts_at=in_hours(20)))

    owe_what_is_due()

    assert kinds_of(booking) == ["confirmed"]


def test_a_venue_may_remind_nobody(db: Session, venue: Venue, resource: Resource) -> None:
    venue.reminder_hours = None
    booking = make_booking(make_slot(resource, starts_at=in_hours(20)))
    shift(db, booking, confirmed_at=timedelta(days=3))

    owe_what_is_due()

    assert "reminder" not in kinds_of(booking)


def test_a_stay_is_reminded_of_before_its_first_night_alone(db: Session) -> None:
    nights = make_nights(nights=3)
    booking = make_booking(*nights, quantity=1)
    shift(db, booking, confirmed_at=timedelta(days=60))
    back = nights[1].starts_at - in_hours(12)
    db.execute(
        update(Slot).values(
            starts_at=Slot.starts_at - back,
            sold_until=Slot.sold_until - back,
            ends_at=Slot.ends_at - back,
        )
    )
    db.commit()

    owe_what_is_due()

    assert "reminder" not in kinds_of(booking)


def test_who_has_moved_to_a_later_day_is_reminded_again_and_who_has_not_is_not(
    db: Session, resource: Resource
) -> None:
    first, later = make_slot(resource, starts_at=in_hours(20)), make_slot(resource)
    moved, wordy = make_booking(first), make_booking(first)
    for booking in (moved, wordy):
        shift(db, booking, confirmed_at=timedelta(days=30))
    owe_what_is_due()
    change_booking(booking_id=moved.id, change=Change(slot_ids=(later.id,)))
    change_booking(booking_id=wordy.id, change=Change(special_requests="quiet"))
    db.execute(update(Notification).values(created_at=Notification.created_at - timedelta(days=10)))
    for slot, starts_at in ((later, in_hours(23)), (first, in_hours(-220))):
        times = {"starts_at": starts_at, "sold_until": starts_at}
        db.execute(update(Slot).where(Slot.id == slot.id).values(times))
    db.commit()

    owe_what_is_due()

    assert kinds_of(moved).count("reminder") == 2
    assert kinds_of(wordy).count("reminder") == 1


def test_a_hold_is_warned_of_before_its_end_unless_it_was_short(
    db: Session, resource: Resource
) -> None:
    long, short, early = (
        make_booking(make_slot(resource), status=Status.HELD, hold_minutes=minutes)
        for minutes in (30, 9, 30)
    )
    for booking, passed in ((long, 26), (short, 5), (early, 20)):
        back = timedelta(minutes=passed)
        shift(db, booking, held_at=back, expires_at=back)

    owe_what_is_due()
    owe_what_is_due()

    assert kinds_of(long) == ["held", "hold_expires"]
    assert kinds_of(short) == kinds_of(early) == ["held"]


def test_a_hold_that_nobody_waits_for_is_acknowledged_when_its_decision_is_late(
    db: Session, resource: Resource
) -> None:
    late, fresh, waited_for = (
        make_booking(make_slot(resource), status=Status.PENDING, **given)
        for given in ({}, {}, {"decide_within": 60.0})
    )
    for booking in (late, waited_for):
        shift(db, booking, created_at=timedelta(seconds=40))

    owe_what_is_due()

    assert kinds_of(late) == ["received"]
    assert kinds_of(fresh) == kinds_of(waited_for) == []


def test_a_venue_that_hears_daily_gets_one_summary_of_yesterday(db: Session) -> None:
    zone = "Pacific/Auckland"
    local = datetime.now(ZoneInfo(zone))
    venue = _daily(zone, digest_hour=local.hour)
    slot = make_slot(make_resource(venue))
    new, gone, today = (
        make_booking(slot),
        make_booking(slot, status=Status.CANCELLED),
        make_booking(slot),
    )
    yesterday = timedelta(days=1)
    shift(db, new, confirmed_at=yesterday)
    shift(db, gone, confirmed_at=yesterday, cancelled_at=yesterday)

    owe_what_is_due()
    owe_what_is_due()

    (digest,) = [message for message in all_messages() if message.kind == "venue_digest"]
    owed = read_owed(db, digest.id)
    assert digest.period_on == local.date() - yesterday
    assert owed.day is not None
    assert [booking.reference for booking in owed.day.new] == [new.reference]
    assert [booking.reference for booking in owed.day.cancelled] == [gone.reference]
    assert today.reference != new.reference
    assert "venue_new" not in kinds_of(new)


def test_no_summary_before_its_hour_and_none_of_an_empty_day(db: Session) -> None:
    local = datetime.now(ZoneInfo("Asia/Tokyo"))
    if local.hour < 23:
        early = _daily("Asia/Tokyo", digest_hour=local.hour + 1)
    empty = _daily("Asia/Tokyo", digest_hour=0)

    owe_what_is_due()

    found = {message.venue_id: message for message in all_messages()}
    assert local.hour == 23 or early.id not in found
    assert why_not(read_owed(db, found[empty.id].id), datetime.now(UTC)) is not None
    assert found[empty.id].period_on == date.fromordinal(local.date().toordinal() - 1)


def _daily(zone: str, **given: Any) -> Venue:
    return make_venue(
        time_zone=zone, told_of_bookings="daily", contact_email="host@example.com", **given
    )
