"""What belongs to another venue does not exist, on whichever path it is asked for."""

from typing import Any

from models import Post
from tests.admin.conftest import House, make_house
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_reason

SCREENS = (
    "venues",
    "resources",
    "schedules",
    "slots",
    "bookings",
    "messages",
    "correspondence",
    "customers",
    "privacy",
)


def test_own_rows_are_there_and_the_lists_have_no_others(signed_in, ours, theirs):
    for screen in SCREENS:
        page = signed_in.get(f"/admin/{screen}/").text
        details = signed_in.get(f"/admin/{screen}/details/", id=_id_of(ours, screen))

        assert "Ours" in page
        assert "Theirs" not in page
        assert details.status_code == 200


def test_filters_offer_and_take_own_venues_only(app, ours, theirs):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, make_house("Second").venue))

    for screen in ("resources", "schedules", "slots", "bookings", "calendar"):
        assert "Theirs" not in visitor.get(f"/admin/{screen}/", venue=ours.venue.id).text
        assert visitor.get(f"/admin/{screen}/", venue=theirs.venue.id).status_code == 400
    for screen in ("slots", "bookings"):
        foreign = visitor.get(f"/admin/{screen}/", resource=theirs.resource.id)
        assert foreign.status_code == 400


def test_an_action_with_one_foreign_row_changes_none(signed_in, ours, theirs, rows):
    answer = signed_in.client.post(
        "/admin/slots/action/",
        data={
            "csrf_token": signed_in.token(),
            "action": "close",
            "rowid": [str(ours.slot.id), str(theirs.slot.id)],
        },
    )

    rows.expire_all()
    assert answer.status_code == 404
    assert ours.slot.is_open
    assert theirs.slot.is_open


def test_a_reason_of_another_venue_is_refused(signed_in, ours, theirs, rows):
    reason = make_reason(theirs.venue)

    answer = signed_in.post("/admin/bookings/cancel/", id=ours.booking.id, reason=reason.id)

    rows.expire_all()
    assert answer.status_code == 400
    assert ours.booking.status == "confirmed"


def test_staff_do_the_days_work_and_leave_the_venue_alone(app, ours, rows):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post=Post.STAFF))
    slot = f"/admin/slots/edit/?id={ours.slot.id}"

    assert visitor.get(slot).status_code == 403
    assert visitor.post(slot, capacity=9).status_code == 403
    closed = visitor.post("/admin/slots/action/", action="close", rowid=ours.slot.id)
    assert closed.status_code == 403
    visitor.post("/admin/bookings/check-in/", id=ours.booking.id)

    rows.expire_all()
    assert ours.slot.capacity == 5
    assert ours.slot.is_open
    assert ours.booking.status == "checked_in"


def test_an_operator_sees_every_venue(app, ours, theirs):
    visitor = Visitor(app)
    visitor.sign_in(make_person(is_operator=True))

    page = visitor.get("/admin/bookings/").text

    assert "Ours" in page
    assert "Theirs" in page


def _id_of(house: House, screen: str) -> str:
    kinds: dict[str, Any] = {
        "messages": house.message,
        "correspondence": house.venue,
        "privacy": house.venue,
        "venues": house.venue,
        "resources": house.resource,
        "schedules": house.schedule,
        "slots": house.slot,
        "bookings": house.booking,
        "customers": house.booking.customer,
    }
    return next(str(row.id) for name, row in kinds.items() if name in screen)
