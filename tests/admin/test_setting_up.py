"""Resources, slots and schedules as their owners set them up: in fields, by the engine's verbs."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEvent, Kind, Post, Resource, Schedule, Slot
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_resource, make_slot, make_venue

PATTERN = {
    "name": "Evenings",
    "weekdays": ["1", "2", "3", "4", "5", "6", "7"],
    "start_times": "19:00, 21:30",
    "minutes": "90",
    "capacity": "6",
    "price": "4.50",
}


@pytest.fixture
def staff(app, ours) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post=Post.STAFF))
    return visitor


def in_days(count: int) -> str:
    return (datetime.now(UTC) + timedelta(days=count)).date().isoformat()


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found, page
    return found[1]


def slots_of(rows: Any, schedule: Schedule) -> list[Slot]:
    rows.expire_all()
    return list(rows.scalars(select(Slot).where(Slot.schedule_id == schedule.id)))


# Resources


def test_a_boat_is_made_in_fields_and_retired(app, rows):
    venue = make_venue(kind=Kind.BOATS)
    visitor = Visitor(app)
    visitor.sign_in(make_person(venue))
    page = visitor.client.get("/admin/resources/new/", follow_redirects=True).text

    made = visitor.post(
        f"/admin/resources/new/?venue={venue.id}",
        name="Swift",
        max_quantity=8,
        **{"attributes.has_ac": "y", "attributes.capacity": 12},
    )

    boat = rows.scalars(select(Resource)).one()
    assert "Air conditioning" in page
    assert made.status_code == 302
    assert (boat.name, boat.counted_in) == ("Swift", "seats")
    assert boat.attributes == {"has_ac": True, "capacity": 12}
    visitor.post("/admin/resources/retire/", id=boat.id)
    rows.expire_all()
    assert boat.retired_at is not None
    assert "Retired" in visitor.get("/admin/resources/").text


def test_a_room_type_lists_its_amenities_one_a_line(app, rows):
    venue = make_venue(kind=Kind.HOTEL)
    room = make_resource(venue, counted_in="rooms", attributes={"beds": "two"})
    visitor = Visitor(app)
    visitor.sign_in(make_person(venue))

    visitor.post(
        f"/admin/resources/edit/?id={room.id}",
        name="Double",
        max_quantity=4,
        people_per_room=2,
        **{"attributes.amenities": "bath\r\n\r\n balcony ", "attributes.beds": ""},
    )

    rows.expire_all()
    assert (room.name, room.attributes) == ("Double", {"amenities": ["bath", "balcony"]})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Give it a name."),
        ("name", "Taken", "There is a resource of that name at this venue."),
        ("max_quantity", "0", "A number from 1 to 1,000,000."),
        ("attributes.cuisine", "x" * 201, "cuisine"),
    ],
)
def test_what_a_resource_cannot_be_is_said_beside_the_field(signed_in, ours, field, value, said):
    make_resource(ours.venue, name="Taken")
    fields = {"name": "Room", "max_quantity": 4} | {field: value}

    answer = signed_in.post(f"/admin/resources/edit/?id={ours.resource.id}", **fields)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert said in answer.text


# Slots


def test_a_slot_is_made_by_the_clock_of_the_venue(signed_in, ours, rows):
    day = in_days(40)

    answer = signed_in.post(
        f"/admin/slots/new/?resource={ours.resource.id}",
        day=day,
        start="19:30",
        minutes=60,
        capacity=3,
        price="7.25",
    )

    page = signed_in.get(answer.location).text
    slot = rows.scalars(select(Slot).where(Slot.local_on == date.fromisoformat(day))).one()
    assert "19:30" in page
    assert (slot.starts_at.hour, slot.starts_at.minute) == (14, 0)  # Kolkata
    assert (slot.capacity, slot.remaining, slot.currency) == (3, 3, "GBP")


def test_a_second_slot_of_that_time_is_refused_in_words(signed_in, ours):
    fields = {"day": in_days(40), "start": "19:30", "minutes": 60, "capacity": 3}
    url = f"/admin/slots/new/?resource={ours.resource.id}"
    signed_in.post(url, **fields)

    answer = signed_in.post(url, **fields)

    assert "has a slot that begins then already" in answer.text


def test_price_and_reason_are_kept_and_bookings_keep_theirs(signed_in, owner, ours, rows):
    before = ours.booking.total

    signed_in.post(
        f"/admin/slots/edit/?id={ours.slot.id}", capacity=5, price="20", reason="A feast"
    )

    rows.expire_all()
    noted = rows.scalars(select(AuditEvent).where(AuditEvent.act == "price_changed")).one()
    assert (ours.slot.price, ours.booking.total) == (20, before)
    assert (noted.actor, noted.reason) == (f"staff:{owner.id}", "A feast")


@pytest.mark.parametrize("price", ["-1", "0.001", "NaN", "Infinity", "1e30", "ten"])
def test_a_price_that_is_none_is_refused(signed_in, ours, rows, price):
    answer = signed_in.post(f"/admin/slots/edit/?id={ours.slot.id}", capacity=5, price=price)

    rows.expire_all()
    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert ours.slot.price == 12.5


def test_a_booked_slot_is_closed_and_never_deleted(signed_in, ours, rows):
    free = make_slot(ours.resource)
    page = signed_in.get(f"/admin/slots/edit/?id={ours.slot.id}").text

    refused = signed_in.post("/admin/slots/delete/", id=ours.slot.id)
    said = signed_in.get(refused.location).text
    deleted = signed_in.post("/admin/slots/delete/", id=free.id)
    signed_in.post("/admin/slots/turn/", id=ours.slot.id, to="close")

    assert "Delete it" not in page
    assert "closed, never deleted" in said
    assert deleted.status_code == 302
    rows.expire_all()
    assert rows.scalars(select(Slot.id)).all() == [ours.slot.id]
    assert not ours.slot.is_open


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/admin/", "/admin/\\evil", "javascript:x", "/x"]
)
def test_the_way_back_leads_nowhere_else(signed_in, ours, back):
    answer = signed_in.client.post(
        "/admin/slots/turn/",
        query_string={"back": back},
        data={"csrf_token": signed_in.token(), "id": str(ours.slot.id), "to": "open"},
    )

    assert answer.location == f"/admin/slots/details/?id={ours.slot.id}"


# Schedules


def test_nothing_is_saved_that_was_not_looked_at(signed_in, ours, rows):
    url = f"/admin/schedules/new/?resource={ours.resource.id}"

    unseen = signed_in.post(url, **PATTERN, step="save", seen="")
    preview = signed_in.post(url, **PATTERN, step="preview").text
    other = signed_in.post(url, **PATTERN | {"capacity": "7"}, step="save", seen=seen_in(preview))

    for page in (unseen.text, preview, other.text):
        assert "What it comes to" in page
    assert "changed since you looked" in other.text
    assert rows.scalars(select(Schedule.id)).all() == [ours.schedule.id]


def test_what_was_looked_at_is_saved_and_its_slots_are_there(signed_in, ours, rows):
    url = f"/admin/schedules/new/?resource={ours.resource.id}"
    preview = signed_in.post(url, **PATTERN, step="preview").text

    answer = signed_in.post(url, **PATTERN, step="save", seen=seen_in(preview))

    schedule = rows.scalars(select(Schedule).where(Schedule.name == "Evenings")).one()
    made = slots_of(rows, schedule)
    assert answer.status_code == 302
    assert f"<dd>{len([s for s in made if s.starts_at > datetime.now(UTC)])}</dd>" in preview
    assert {(slot.capacity, slot.price) for slot in made} == {(6, 4.5)}
    assert rows.scalars(select(AuditEvent.act)).all() == ["schedule_added"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("start_times", "", "Give at least one time to start."),
        ("start_times", "19:00, late", "late is no time"),
        ("start_times", "25:00", "25:00 is no time of the day"),
        ("weekdays", [], "Weekdays are numbers"),
        ("weekdays", ["8"], "not a valid choice"),
        ("exceptions", "2027-12-24 to 2027-12-01", "no span of days"),
        ("exceptions", "Christmas", "is no day"),
        ("valid_until", "2001-01-01", "The season ends before it begins."),
        ("minutes", "0", "from one minute to a week"),
        ("capacity", "-3", "from 0 to 1,000,000"),
    ],
)
def test_a_pattern_that_cannot_be_is_said_beside_the_field(signed_in, ours, field, value, said):
    url = f"/admin/schedules/new/?resource={ours.resource.id}"
    fields = PATTERN | {"valid_from": "2027-01-01"} | {field: value}

    answer = signed_in.post(url, **fields, step="preview")

    assert answer.status_code == 200
    assert said in answer.text
    assert "What it comes to" not in answer.text


def test_a_changed_schedule_does_with_its_slots_what_was_chosen(signed_in, ours, rows):
    new = f"/admin/schedules/new/?resource={ours.resource.id}"
    seen = seen_in(signed_in.post(new, **PATTERN, step="preview").text)
    signed_in.post(new, **PATTERN, step="save", seen=seen)
    schedule = rows.scalars(select(Schedule).where(Schedule.name == "Evenings")).one()
    edit = f"/admin/schedules/edit/?id={schedule.id}"
    wanted = PATTERN | {"start_times": "20:00", "capacity": "9"}

    preview = signed_in.post(edit, **wanted, step="preview").text
    signed_in.post(edit, **wanted, step="save", seen=seen_in(preview), existing="adapt")

    ahead = [s for s in slots_of(rows, schedule) if s.starts_at > datetime.now(UTC)]
    assert "never booked" in preview
    assert {slot.capacity for slot in ahead} == {9}
    signed_in.post(f"/admin/schedules/end/?id={schedule.id}", existing="adapt")
    assert not [s for s in slots_of(rows, schedule) if s.starts_at > datetime.now(UTC)]
    assert "Ended" in signed_in.get("/admin/schedules/").text


def test_staff_look_and_change_nothing(staff, ours, rows):
    pages = [staff.get(f"/admin/{name}/") for name in ("resources", "slots", "schedules")]
    made = [
        staff.get(f"/admin/resources/new/?venue={ours.venue.id}"),
        staff.get(f"/admin/slots/new/?resource={ours.resource.id}"),
        staff.post(f"/admin/schedules/new/?resource={ours.resource.id}", **PATTERN),
        staff.get(f"/admin/schedules/edit/?id={ours.schedule.id}"),
        staff.post(f"/admin/schedules/end/?id={ours.schedule.id}", existing="adapt"),
        staff.post("/admin/resources/retire/", id=ours.resource.id),
        staff.post("/admin/slots/turn/", id=ours.slot.id, to="close"),
        staff.post("/admin/slots/delete/", id=ours.slot.id),
    ]

    assert {page.status_code for page in pages} == {200}
    assert not any("/new/" in page.text for page in pages)
    assert {answer.status_code for answer in made} == {403}
    rows.expire_all()
    assert ours.slot.is_open
    assert ours.schedule.is_active
