"""Bookings taken and changed by hand: the engine's rules, and its refusals beside the field."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from models import AuditEvent, Booking, BookingEvent, CountedIn, Post, Slot
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_nights, make_resource, make_slot

pytestmark = pytest.mark.usefixtures("deciding")


@pytest.fixture
def deciding(decider: Callable[[UUID], None], ours: Any) -> None:
    decider(ours.resource.id)


def _desk(slot: Slot, **more: Any) -> str:
    wanted = {"resource": slot.resource_id, "day": slot.local_on, "quantity": 1} | more
    return "/admin/desk/?" + "&".join(f"{name}={value}" for name, value in wanted.items())


def _book(visitor: Visitor, slot: Slot, **fields: Any) -> Any:
    url = _desk(slot)
    key = re.search(r'name="key"[^>]* value="([^"]+)"', visitor.get(url).text)
    assert key
    given = {"key": key[1], "slots": slot.id, "quantity": 1, "full_name": "Walk In"}
    return visitor.post(url, **given | {"channel": "walk_in"} | fields)


def _places(page: str) -> str:
    return re.sub(r"\s+", " ", page)


def test_somebody_who_walks_in_is_booked_without_an_address(signed_in, owner, ours, rows):
    answer = _book(signed_in, ours.slot, quantity=2, special_requests="A window")

    assert answer.status_code == 302
    booking = rows.query(Booking).filter_by(channel="walk_in").one()
    assert (booking.status, booking.quantity, booking.contact_name) == ("confirmed", 2, "Walk In")
    assert booking.contact_email is None
    rows.expire_all()
    assert ours.slot.remaining == 0
    placed = rows.query(BookingEvent).filter_by(booking_id=booking.id, kind="placed").one()
    assert placed.actor == f"staff:{owner.id}"
    assert booking.reference in signed_in.get(answer.location).text


def test_what_there_is_is_shown_also_what_is_full(signed_in, ours):
    make_booking(ours.slot, quantity=2)

    page = _places(signed_in.get(_desk(ours.slot)).text)

    assert "full" in page
    assert "12.50 GBP" in page


def test_a_full_slot_is_refused_beside_the_field(signed_in, ours, rows):
    answer = _book(signed_in, ours.slot, quantity=3)

    assert answer.status_code == 200
    assert "not enough places were left. Left: 2." in answer.text
    assert "Raise the capacity and book" in answer.text
    # What was typed in is still there.
    assert 'value="Walk In"' in answer.text
    rows.expire_all()
    assert ours.slot.capacity == 5


def test_an_owner_raises_the_capacity_and_books_in_one_step(signed_in, owner, ours, rows):
    answer = _book(signed_in, ours.slot, quantity=3, beyond="1", reason="A bench from inside")

    assert answer.status_code == 302
    rows.expire_all()
    assert (ours.slot.capacity, ours.slot.remaining) == (6, 0)
    act = rows.query(AuditEvent).filter_by(act="capacity_changed").one()
    assert (act.reason, act.actor) == ("A bench from inside", f"staff:{owner.id}")


def test_a_raise_needs_a_reason(signed_in, ours, rows):
    answer = _book(signed_in, ours.slot, quantity=3, beyond="1", reason=" ")

    assert "Say why" in answer.text
    rows.expire_all()
    assert ours.slot.capacity == 5


def test_staff_book_and_do_not_raise(app, ours, rows):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post=Post.STAFF))

    assert _book(visitor, ours.slot).status_code == 302
    refused = _book(visitor, ours.slot, quantity=5, beyond="1", reason="For a friend")

    assert "not enough places" in refused.text
    rows.expire_all()
    assert ours.slot.capacity == 5


def test_a_form_sent_twice_is_one_booking(signed_in, ours, rows):
    key = "5b1b2f0c-9d57-4f7e-8e29-5a6b36a45a11"

    first = _book(signed_in, ours.slot, key=key)
    second = _book(signed_in, ours.slot, key=key)

    assert first.location == second.location
    assert rows.query(Booking).filter_by(channel="walk_in").count() == 1


def test_a_form_that_has_booked_says_so_when_it_comes_with_somebody_else(signed_in, ours, rows):
    key = "5b1b2f0c-9d57-4f7e-8e29-5a6b36a45a14"
    _book(signed_in, ours.slot, key=key)

    answer = _book(signed_in, ours.slot, key=key, full_name="Somebody Else")

    assert "This form has booked already" in answer.text
    assert key not in answer.text
    assert rows.query(Booking).filter_by(channel="walk_in").count() == 1


def test_a_stay_is_booked_night_by_night(app, decider, rows):
    from tests.admin.conftest import make_house

    house = make_house("Inn")
    room = make_resource(house.venue, counted_in=CountedIn.ROOMS)
    nights = make_nights(room, nights=3)
    decider(room.id)
    visitor = Visitor(app)
    visitor.sign_in(make_person(house.venue))
    url = _desk(nights[0], nights=2)
    chosen = " ".join(str(night.id) for night in nights[:2])
    assert chosen in visitor.get(url).text

    key = "5b1b2f0c-9d57-4f7e-8e29-5a6b36a45a12"
    fields = {"key": key, "slots": chosen, "quantity": 1, "guests": 3, "full_name": "Two nights"}
    crowded = visitor.post(url, **fields, channel="phone")
    booked = visitor.post(url, **fields | {"guests": 2}, channel="phone")

    assert "At most 2 guests" in crowded.text
    assert booked.status_code == 302
    rows.expire_all()
    assert [night.remaining for night in nights] == [9, 9, 10]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", ""),
        ("email", "nobody"),
        ("phone", "call me"),
        ("slots", "x"),
        ("slots", ""),
        ("quantity", "0"),
        ("quantity", "9" * 30),
        ("channel", "api"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_booked(signed_in, ours, rows, field, value):
    before = rows.query(Booking).count()

    answer = _book(signed_in, ours.slot, **{field: value})

    assert answer.status_code == 200
    assert rows.query(Booking).count() == before


def test_a_resource_or_a_slot_of_others_is_not_there(signed_in, ours, theirs, rows):
    before = rows.query(Booking).count()

    assert "Theirs" not in signed_in.get(_desk(theirs.slot)).text
    answer = _book(signed_in, ours.slot, slots=theirs.slot.id)
    forced = _book(signed_in, ours.slot, slots=theirs.slot.id, beyond="1", reason="Mine")

    assert answer.status_code == 404
    assert forced.status_code == 404
    assert rows.query(Booking).count() == before


def test_a_booking_is_moved_and_its_history_tells(signed_in, owner, ours, rows):
    later = make_slot(ours.resource)
    url = f"/admin/bookings/change/?id={ours.booking.id}&day={later.local_on}"
    assert str(later.id) in signed_in.get(url).text

    answer = signed_in.post(url, id=ours.booking.id, slots=later.id, quantity=2)

    assert answer.status_code == 302
    rows.expire_all()
    assert (ours.slot.remaining, later.remaining, ours.booking.quantity) == (5, 8, 2)
    page = _places(signed_in.get(answer.location).text)
    assert "How many: 2 instead of 3" in page
    assert "Wishes changed" not in page
    assert re.search(r"From <time[^>]*>.*?to <time", page)
    assert f"by {owner.email}" in page


def test_a_move_to_where_there_is_no_room_is_refused_in_words(signed_in, ours, rows):
    later = make_slot(ours.resource, capacity=1)
    url = f"/admin/bookings/change/?id={ours.booking.id}&day={later.local_on}"

    answer = signed_in.post(url, id=ours.booking.id, slots=later.id, quantity=3)

    assert "not enough places were left. Left: 1." in answer.text
    rows.expire_all()
    assert (ours.slot.remaining, later.remaining) == (2, 1)


def test_a_move_to_another_venue_is_not_there(signed_in, ours, theirs, rows):
    url = f"/admin/bookings/change/?id={ours.booking.id}"

    answer = signed_in.post(url, id=ours.booking.id, slots=theirs.slot.id, quantity=1)

    assert "one resource" in answer.text
    rows.expire_all()
    assert theirs.slot.remaining == 2


def test_who_cancelled_is_told_by_name_and_why(signed_in, owner, ours, rows):
    owner.full_name = "Olive Owner"
    rows.commit()

    answer = signed_in.post("/admin/bookings/cancel/", id=ours.booking.id, reason=1)

    page = signed_in.get(answer.location).text
    assert "by Olive Owner" in page
    assert "Reason: " in page
