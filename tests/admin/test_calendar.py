"""The calendar: days summed up, slots with what is taken and left, and ways to change them."""

import pytest

from models import Post
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_slot, make_venue


@pytest.mark.parametrize("view", ["month", "week", "day"])
def test_each_view_says_what_is_taken_and_left(signed_in, ours, view):
    page = signed_in.get(
        "/admin/calendar/", resource=ours.resource.id, view=view, on=ours.slot.local_on
    ).text

    said = page.replace("<i>", "").replace("</i>", "")
    assert "3 taken" in said
    assert "2 left" in said
    assert "Kolkata" in page
    assert ("data-slot" in page) == (view != "month")


def test_a_closed_slot_is_marked_and_not_counted_as_left(signed_in, ours):
    signed_in.post("/admin/slots/turn/", id=ours.slot.id, to="close")
    query = {"resource": ours.resource.id, "on": ours.slot.local_on}

    assert "closed" in signed_in.get("/admin/calendar/", **query).text
    assert "mark-closed" in signed_in.get("/admin/calendar/", view="day", **query).text


def test_one_comes_back_to_the_calendar_from_a_slot(signed_in, ours):
    query = {"resource": ours.resource.id, "view": "day", "on": ours.slot.local_on}
    back = signed_in.client.get("/admin/calendar/", query_string=query).request.full_path

    answer = signed_in.client.post(
        "/admin/slots/edit/",
        query_string={"id": ours.slot.id, "back": back},
        data={"csrf_token": signed_in.token(), "capacity": "8", "price": "12.50"},
    )

    assert answer.location == back


def test_staff_see_the_calendar_without_what_changes_it(app, ours):
    staff = Visitor(app)
    staff.sign_in(make_person(ours.venue, post=Post.STAFF))

    page = staff.get("/admin/calendar/", view="day", on=ours.slot.local_on).text

    assert "3 taken" in page
    assert "/admin/slots/edit/" not in page
    assert "New slot" not in page


def test_without_a_resource_it_says_what_to_do(app):
    visitor = Visitor(app)
    visitor.sign_in(make_person(make_venue()))

    assert "Make a resource" in visitor.get("/admin/calendar/").text


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("view", "year", 400),
        ("on", "yesterday", 400),
        ("on", "0001-01-01", 400),
        ("on", "9999-12-31", 400),
        ("venue", "0", 400),
        ("venue", "x", 400),
        ("resource", "x", 404),
        ("resource", "\x00", 404),
    ],
)
def test_a_bad_address_is_refused(signed_in, name, value, status):
    assert signed_in.get("/admin/calendar/", **{name: value}).status_code == status


def test_a_fuller_month_asks_no_more_questions(signed_in, ours, statements):
    with statements() as few:
        signed_in.get("/admin/calendar/", resource=ours.resource.id)
    for _ in range(6):
        make_booking(make_slot(ours.resource), quantity=1)
    with statements() as many:
        signed_in.get("/admin/calendar/", resource=ours.resource.id)

    assert len(many) == len(few)
