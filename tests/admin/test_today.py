"""The first page: what comes in by trade, what needs a hand, the charts, and how it stays fresh."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from booking.lifecycle import cancel_booking
from models import Booking, CountedIn, Kind, Notification, Status
from tests.admin.conftest import make_house
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_nights, make_resource, make_slot, make_venue
from webapp import house_stream


def visit(app, *venues) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in(make_person(*venues))
    return visitor


def started(minutes: int) -> dict[str, object]:
    """A slot that began so many minutes ago, of today whatever the hour of the test."""
    now = datetime.now(UTC)
    return {"starts_at": now - timedelta(minutes=minutes), "local_on": now.date()}


def test_covers_are_people_and_not_tables(app):
    room = make_resource(make_venue(), counted_in=CountedIn.PARTIES)
    sitting = make_slot(room, **started(5))
    make_booking(sitting, quantity=4)
    make_booking(sitting, quantity=3)

    page = visit(app, room.venue).get("/admin/").text

    assert "<b>7</b> covers" in page
    assert "<b>2</b> taken" in page


def test_passengers_are_listed_to_print(app):
    boat = make_resource(make_venue(kind=Kind.BOATS), name="Swift")
    departure = make_slot(boat, **started(5), attributes={"destination": "Coral Bay"})
    make_booking(departure, quantity=2, full_name="Ada Moreau", special_requests="A pram")
    make_booking(departure, quantity=3, full_name="Bilal Haddad")
    gone = make_booking(departure, quantity=1, full_name="Nobody", status=Status.CANCELLED)
    visitor = visit(app, boat.venue)

    page = visitor.get("/admin/").text
    manifest = visitor.get("/admin/slots/guests/", id=departure.id).text

    assert "<b>5</b> passengers" in page
    assert "Coral Bay" in page
    assert manifest.index("Ada Moreau") < manifest.index("Bilal Haddad")
    assert "5 people" in manifest
    assert "A pram" in manifest
    assert gone.reference not in manifest


def test_a_hotel_sees_who_arrives_and_who_leaves(app):
    today = datetime.now(UTC).date()
    double = make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS, name="Double")
    nights = make_nights(double, first=today - timedelta(days=2), nights=5)
    leaving = make_booking(*nights[:2], quantity=1, full_name="Leaving")
    staying = make_booking(*nights[1:4], quantity=1, full_name="Staying")
    arriving = make_booking(*nights[2:4], quantity=1, full_name="Arriving")

    page = visit(app, double.venue).get("/admin/").text

    arrivals, departures = page.split("Arrive today")[1].split("Leave today")
    assert arriving.reference in arrivals
    assert leaving.reference in departures
    assert staying.reference not in page


def test_what_needs_a_hand_is_named_with_its_reason(app, rows, ours):
    late = make_booking(make_slot(ours.resource, **late_today()), quantity=1)
    ending = make_booking(ours.slot, quantity=1, status=Status.HELD, hold_minutes=5)
    faulty = make_booking(make_slot(ours.resource), quantity=1, status=Status.REJECTED)
    rows.execute(update(Booking).where(Booking.id == faulty.id).values(reason="internal"))
    rows.execute(
        update(Notification)
        .where(Notification.booking_id == ours.booking.id)
        .values(state="refused")
    )
    rows.commit()

    page = visit(app, ours.venue).get("/admin/").text.split("Open holds")[0]

    for booking, why in (
        (late, "Not checked in yet"),
        (ending, "The hold ends soon"),
        (faulty, "Rejected by a fault of ours"),
        (ours.booking, "wants no mail for this address"),
    ):
        assert re.search(f"{booking.reference}</a>\\s*<b>[^<]*{why}", page), why


def late_today() -> dict[str, object]:
    """A slot of today in Kolkata that began more than half an hour ago."""
    at = datetime.now(UTC) - timedelta(minutes=40)
    now = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    return {"starts_at": at, "local_on": now.date()}


def test_open_holds_show_their_age(app, ours, rows):
    hold = make_booking(ours.slot, quantity=1, status=Status.PENDING)
    before = datetime.now(UTC) - timedelta(minutes=3)
    rows.execute(update(Booking).where(Booking.id == hold.id).values(created_at=before))
    rows.commit()

    page = visit(app, ours.venue).get("/admin/").text

    assert "for 3 min" in page.split("Open holds")[1]


def test_the_charts_have_their_figures(app, ours, theirs):
    now = datetime.now(UTC)
    make_booking(make_slot(ours.resource, local_on=now.date()), quantity=5, channel="phone")

    page = visit(app, ours.venue).get("/admin/").text

    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    assert found
    charts = json.loads(found[1])
    assert [series["name"] for series in charts["occupancy"]["series"]] == ["Ours"]
    assert len(charts["occupancy"]["labels"]) == 14
    by_channel = {each["name"]: sum(each["values"]) for each in charts["arrivals"]["series"]}
    assert by_channel["phone"] == 1
    assert sum(by_channel.values()) == 2


def test_a_fuller_day_asks_no_more_questions(app, statements):
    boat = make_resource(make_venue(kind=Kind.BOATS))
    visitor = visit(app, boat.venue)
    make_booking(make_slot(boat, **started(1)), quantity=1)
    with statements() as few:
        visitor.get("/admin/")
    for minutes in range(2, 9):
        make_booking(make_slot(boat, **started(minutes)), quantity=1)
    with statements() as many:
        visitor.get("/admin/")

    assert len(many) == len(few)


def test_only_what_is_known_can_be_asked_of_it(signed_in):
    assert "<html" not in signed_in.get("/admin/", part="live").text
    assert signed_in.get("/admin/", part="all").status_code == 400


# The stream


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(house_stream, "STREAM_SECONDS", 6)


def events_of(answer) -> list[str]:
    return re.findall(r"event: changed\ndata: (\d+)", answer)


def test_a_change_at_ones_own_venue_is_told_and_no_other(app, ours, theirs, brief):
    visitor = visit(app, ours.venue)
    streams = iter(visitor.client.get("/admin/stream").response)
    heard = [next(streams), next(streams)]

    cancel_booking(booking_id=theirs.booking.id)
    cancel_booking(booking_id=ours.booking.id)
    heard += list(streams)

    told = events_of("".join(_text(chunk) for chunk in heard))
    assert len(told) == 2
    assert int(told[1]) > int(told[0])
    assert "Guest" not in "".join(_text(chunk) for chunk in heard)


def test_a_stream_gives_its_place_back(app, ours, monkeypatch):
    monkeypatch.setattr(house_stream, "STREAM_SECONDS", 0)
    places: list[str] = []
    monkeypatch.setattr(house_stream, "take_place", lambda: places.append("taken") or True)
    monkeypatch.setattr(house_stream, "leave_place", lambda: places.append("left"))

    with visit(app, ours.venue).client.get("/admin/stream") as answer:
        assert answer.mimetype == "text/event-stream"

    assert places == ["taken", "left"]


def test_without_a_place_to_wait_there_is_no_stream(app, ours, monkeypatch):
    monkeypatch.setattr(house_stream, "take_place", lambda: False)

    assert visit(app, ours.venue).get("/admin/stream").status_code == 503


def test_strangers_hear_nothing(app):
    nobody = Visitor(app)
    assert nobody.get("/admin/stream").status_code == 403

    nobody.sign_in(make_person())
    assert nobody.get("/admin/stream").status_code == 403


def test_an_operator_hears_of_every_venue(app, brief):
    operator = Visitor(app)
    operator.sign_in(make_person(is_operator=True))
    house = make_house("Any")
    stream = iter(operator.client.get("/admin/stream").response)
    heard = [next(stream), next(stream)]

    cancel_booking(booking_id=house.booking.id)

    assert len(events_of("".join(_text(chunk) for chunk in [*heard, *stream]))) == 2


def _text(chunk: bytes | str) -> str:
    return chunk.decode() if isinstance(chunk, bytes) else chunk
