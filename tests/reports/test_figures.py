"""Each kind of report against a venue whose figures are known."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models import CountedIn, FileFormat, Kind, ReportKind, Status, Venue
from reports.kinds import TYPES
from tests.factories import make_booking, make_nights, make_resource, make_slot, make_venue
from tests.reports.conftest import TODAY, ask, made, make_all, read_file, read_report

NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) + timedelta(days=9)


def lines(venue: Venue, kind: ReportKind) -> list[dict[str, str]]:
    report, content = made(venue, kind)
    assert report.state == "done", report.error
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.parametrize("kind", list(ReportKind))
def test_each_kind_is_made_of_its_columns_also_of_nothing(kind: ReportKind) -> None:
    venue = make_venue(kind=TYPES[kind].only_for or Kind.RESTAURANT)

    report, content = made(venue, kind)

    assert (report.state, report.error) == ("done", None)
    head = content.decode().splitlines()[0].split(",")
    assert head == [column.name for column in TYPES[kind].columns]


def test_occupancy_counts_places_bookings_and_people_once(venue: Venue) -> None:
    room = make_resource(venue, counted_in=CountedIn.PARTIES, name="Room")
    slot = make_slot(room, capacity=4, starts_at=NOON)
    make_slot(room, capacity=6, starts_at=NOON + timedelta(hours=2))
    make_booking(slot, quantity=5)
    make_booking(slot, quantity=3, status=Status.CANCELLED)

    (line,) = lines(venue, ReportKind.OCCUPANCY)

    assert line == {
        "day": str(NOON.date()),
        "resource": "Room",
        "slots": "2",
        "capacity": "10",
        "taken": "1",
        "percent": "10.0",
        "bookings": "1",
        "people": "5",
    }


def test_revenue_is_what_was_sold_and_not_cancelled(venue: Venue) -> None:
    slot = make_slot(make_resource(venue), price=Decimal("12.50"), starts_at=NOON)
    make_booking(slot, quantity=2)
    make_booking(slot, quantity=1)
    make_booking(slot, quantity=4, status=Status.CANCELLED)
    make_booking(slot, quantity=1, status=Status.PENDING)

    (line,) = lines(venue, ReportKind.REVENUE)

    assert (line["bookings"], line["units"], line["revenue"]) == ("2", "3", "37.50")


def test_sources_tell_channels_and_lead_times(venue: Venue) -> None:
    slot = make_slot(make_resource(venue), starts_at=NOON)
    make_booking(slot, channel="widget", quantity=2)
    make_booking(slot, channel="phone", quantity=1)
    make_booking(slot, channel="phone", quantity=1, status=Status.REJECTED)

    found = lines(venue, ReportKind.SOURCES)

    assert [(each["channel"], each["lead"]) for each in found] == [
        ("phone", "1 to 4 weeks"),
        ("widget", "1 to 4 weeks"),
    ]
    assert [(each["requests"], each["bookings"]) for each in found] == [("2", "1"), ("1", "1")]


def test_cancellations_no_shows_refusals_and_success(venue: Venue) -> None:
    slot = make_slot(make_resource(venue, name="Hall"), starts_at=NOON, capacity=20)
    make_booking(slot)
    make_booking(slot, status=Status.CANCELLED)
    make_booking(slot, status=Status.REJECTED, quantity=3)
    make_booking(slot, status=Status.REJECTED)

    (cancelled,) = lines(venue, ReportKind.CANCELLATIONS)
    (refused,) = lines(venue, ReportKind.REFUSALS)
    (success,) = lines(venue, ReportKind.SUCCESS)

    assert (cancelled["bookings"], cancelled["cancelled"], cancelled["late"]) == ("2", "1", "0")
    assert cancelled["cancelled_percent"] == "50.0"
    assert (refused["reason"], refused["refused"], refused["people"]) == ("closed", "2", "5")
    assert (success["requests"], success["won"], success["percent"]) == ("4", "2", "50.0")
    assert float(success["median_seconds"]) >= 0


def test_mail_tells_what_became_of_it(venue: Venue) -> None:
    make_booking(make_slot(make_resource(venue)))

    (line,) = lines(venue, ReportKind.MAIL)

    assert (line["kind"], line["owed"], line["queued"], line["sent"]) == (
        "confirmed",
        "1",
        "1",
        "0",
    )


def test_a_run_sheet_names_who_comes_in_the_venue_s_own_time(venue: Venue) -> None:
    summer = datetime(TODAY.year, 7, 1, 19, tzinfo=UTC)
    if not TODAY <= summer.date() <= TODAY + timedelta(days=120):
        summer = NOON.replace(hour=19)
    slot = make_slot(make_resource(venue), starts_at=summer)
    make_booking(slot, full_name="Ada", special_requests="A high chair", quantity=2)
    make_booking(slot, full_name="Gone", status=Status.CANCELLED)

    (line,) = lines(venue, ReportKind.RUN_SHEET)

    assert (line["name"], line["people"], line["requests"]) == ("Ada", "2", "A high chair")
    assert line["time"] in ("19:00", "20:00")


def test_a_manifest_names_boat_and_destination() -> None:
    venue = make_venue(kind=Kind.BOATS)
    slot = make_slot(make_resource(venue, name="Gull"), attributes={"destination": "Skye"})
    make_booking(slot, full_name="Bo", quantity=3)

    (line,) = lines(venue, ReportKind.MANIFEST)

    assert (line["resource"], line["destination"], line["name"], line["people"]) == (
        "Gull",
        "Skye",
        "Bo",
        "3",
    )


def test_a_stay_arrives_and_leaves_the_day_after_its_last_night() -> None:
    venue = make_venue(kind=Kind.HOTEL)
    nights = make_nights(make_resource(venue, counted_in=CountedIn.ROOMS), nights=2)
    make_booking(*nights, quantity=1, guests=2, full_name="Cy")

    came, left = lines(venue, ReportKind.ARRIVALS)

    assert (came["movement"], came["day"]) == ("arrives", str(nights[0].local_on))
    assert (left["movement"], left["day"]) == (
        "leaves",
        str(nights[1].local_on + timedelta(days=1)),
    )
    assert (came["nights"], came["guests"]) == ("2", "2")


def test_the_list_has_every_booking_of_the_venue_and_no_other_s(venue: Venue) -> None:
    slot = make_slot(make_resource(venue))
    here = [make_booking(slot, quantity=1, full_name=f"Guest {n}") for n in range(3)]
    make_booking(full_name="Elsewhere")

    _, content = made(venue, ReportKind.BOOKINGS, FileFormat.JSON)

    found = json.loads(content)
    assert [each["reference"] for each in found] == [each.reference for each in here]
    assert found[0]["total"] == "12.50"


def test_only_one_resource_is_counted_when_it_is_named(venue: Venue) -> None:
    slots = [make_slot(make_resource(venue, name=name), starts_at=NOON) for name in "AB"]
    key = ask(venue, resource_id=slots[0].resource_id)
    make_all()

    content = b"".join(read_file(read_report(key=key))).decode()
    assert [line.split(",")[1] for line in content.splitlines()[1:]] == ["A"]
