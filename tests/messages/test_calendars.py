"""Calendar files: one entry for life, numbered, at the right instant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from booking.correspondence import Subject
from messages.calendars import feed, invitation
from messages.languages import Voice
from models import Kind, Notice, Status
from tests.messages.samples import make_owed, make_sender
from tests.messages.test_letters import assert_as_expected

ENGLISH = Voice("en")


def test_the_file_is_that_which_was_looked_at() -> None:
    assert_as_expected("booking.ics", _file(_subject()).replace("\r\n", "\n"))


def test_a_change_and_a_cancellation_are_the_same_entry_with_a_higher_number() -> None:
    entries = [
        _entry(_subject()),
        _entry(_subject(revision=2)),
        _entry(_subject(revision=2, status=Status.CANCELLED)),
    ]

    assert len({str(entry["UID"]) for entry in entries}) == 1
    assert [int(entry["SEQUENCE"]) for entry in entries] == [1, 2, 3]
    assert [str(entry["STATUS"]) for entry in entries] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
    ],
    ids=str,
)
def test_the_instant_is_right_on_days_when_clocks_change(instant: datetime) -> None:
    booking = _subject(starts_at=instant, ends_at=instant.replace(hour=instant.hour + 2))

    entry = _entry(booking)

    assert entry["DTSTART"].dt == booking.starts_at
    assert entry["DTEND"].dt == booking.ends_at


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/London", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
        ("Europe/London", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 14, 7, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, 0, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
    ],
)
def test_file_and_words_agree_with_the_venue_s_clock_around_its_changes(
    zone: str, change: datetime
) -> None:
    before = (change - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).utcoffset()
    after = change.astimezone(ZoneInfo(zone)).utcoffset()
    assert (before == after) == (zone == "Asia/Kolkata"), "the clock changes in this moment"

    for minutes in range(-90, 120, 30):
        instant = change + timedelta(minutes=minutes)
        file = invitation(
            ENGLISH, make_sender(time_zone=zone), _subject(starts_at=instant, ends_at=instant)
        )[1]
        (entry,) = Calendar.from_ical(file).walk("VEVENT")

        assert entry["DTSTART"].dt == instant
        assert ENGLISH.clock(instant, zone) == f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def test_what_somebody_has_written_adds_no_line() -> None:
    evil = "x\r\nATTENDEE:mailto:eve@example.com\r\nBEGIN:VALARM"
    booking = _subject(resource_name=evil, full_name=evil)

    calendars = [
        _file(booking),
        feed(ENGLISH, evil, make_sender(name=evil), [booking], is_for_venue=True).decode(),
    ]

    for written in calendars:
        lines = written.replace("\r\n ", "").split("\r\n")
        assert not [line for line in lines if line.startswith(("BEGIN:VALARM", "ATTENDEE:mail"))]


def test_a_feed_shows_what_was_cancelled_as_cancelled_and_a_hold_as_unsure() -> None:
    bookings = [
        _subject(),
        _subject(status=Status.CANCELLED),
        _subject(status=Status.HELD),
    ]

    calendar = Calendar.from_ical(feed(ENGLISH, "Ours", make_sender(), bookings, is_for_venue=True))

    assert str(calendar["METHOD"]) == "PUBLISH"
    assert [str(entry["STATUS"]) for entry in calendar.walk("VEVENT")] == [
        "CONFIRMED",
        "CANCELLED",
        "TENTATIVE",
    ]
    assert str(calendar.walk("VEVENT")[0]["SUMMARY"]) == "Ada Moreau · 4 people"


def test_a_stay_is_one_entry_from_arrival_to_departure() -> None:
    entry = _entry(_subject(kind=Kind.HOTEL))

    assert (entry["DTEND"].dt - entry["DTSTART"].dt).days == 1


def _subject(*, kind: Kind = Kind.RESTAURANT, **given: object) -> Subject:
    booking = make_owed(Notice.CONFIRMED, kind=kind).booking
    assert booking is not None
    return replace(booking, **given)  # type: ignore[arg-type]


def _file(booking: Subject) -> str:
    return invitation(ENGLISH, make_sender(), booking)[1].decode()


def _entry(booking: Subject) -> Calendar:
    return Calendar.from_ical(_file(booking)).walk("VEVENT")[0]
