"""What can be changed goes through the engine, and nothing else can be."""

from datetime import UTC, datetime, timedelta
from itertools import product

from models import BookingEvent, CountedIn, Status
from tests.factories import make_booking, make_nights, make_reason, make_resource, make_slot


def test_a_new_capacity_keeps_what_is_taken(signed_in, ours, rows):
    answer = signed_in.post(f"/admin/slots/edit/?id={ours.slot.id}", capacity=9)

    rows.expire_all()
    assert answer.status_code == 302
    assert (ours.slot.capacity, ours.slot.remaining) == (9, 6)


def test_a_capacity_below_what_is_taken_is_refused_in_words(signed_in, ours, rows):
    answer = signed_in.post(f"/admin/slots/edit/?id={ours.slot.id}", capacity=2)

    rows.expire_all()
    assert answer.status_code == 200
    assert "3 are taken: the capacity cannot go below that." in answer.text
    assert f"{ours.booking.reference}</a>" in answer.text
    assert ours.slot.capacity == 5


def test_a_capacity_that_is_none_is_refused_in_words(signed_in, ours, rows):
    for capacity in ("", "-1", "ten", "1e3", "99999999999999999999", "\x00"):
        answer = signed_in.post(f"/admin/slots/edit/?id={ours.slot.id}", capacity=capacity)

        assert answer.status_code == 200, capacity
        assert "invalid-feedback" in answer.text, capacity
    rows.expire_all()
    assert ours.slot.capacity == 5


def test_fields_that_were_not_offered_are_not_applied(signed_in, ours, rows):
    signed_in.post(
        f"/admin/slots/edit/?id={ours.slot.id}",
        capacity=6,
        remaining=500,
        is_open="",
        schedule_id=1,
        resource_id="",
        id="",
    )

    rows.expire_all()
    assert (ours.slot.capacity, ours.slot.remaining) == (6, 3)
    assert ours.slot.is_open
    assert ours.slot.price == 12.5


def test_slots_are_closed_and_opened_again(signed_in, ours, rows):
    signed_in.post(
        "/admin/slots/action/", action="close", rowid=ours.slot.id, back="venue=&_anchor=x"
    )
    rows.expire_all()
    assert not ours.slot.is_open

    signed_in.post("/admin/slots/action/", action="open", rowid=ours.slot.id)
    rows.expire_all()
    assert ours.slot.is_open


def test_the_librarys_own_mass_delete_is_gone(signed_in, ours, rows):
    answer = signed_in.post("/admin/slots/action/", action="delete", rowid=ours.slot.id)

    assert answer.status_code == 404


def test_cancelling_frees_the_places_and_is_written_down(signed_in, owner, ours, rows):
    reason = make_reason(ours.venue, reason="Kitchen closed")

    answer = signed_in.post("/admin/bookings/cancel/", id=ours.booking.id, reason=reason.id)

    rows.expire_all()
    assert answer.status_code == 302
    assert (ours.booking.status, ours.slot.remaining) == ("cancelled", 5)
    assert ours.booking.cancellation_reason_id == reason.id
    event = rows.query(BookingEvent).filter_by(kind="cancelled").one()
    assert event.actor == f"staff:{owner.id}"
    page = signed_in.get(answer.location).text
    assert "Kitchen closed" in page
    assert f"by {owner.email}" in page


def test_what_can_no_longer_be_cancelled_is_refused_in_words(signed_in, ours):
    done = make_booking(ours.slot, quantity=1, status=Status.COMPLETED)

    answer = signed_in.post("/admin/bookings/cancel/", id=done.id)

    assert "can no longer be cancelled" in signed_in.get(answer.location).text


def test_the_steps_at_the_door(signed_in, ours, rows):
    started = make_slot(ours.resource, starts_at=datetime.now(UTC) - timedelta(minutes=5))
    missed = make_booking(started, quantity=1)

    signed_in.post("/admin/bookings/check-in/", id=ours.booking.id)
    signed_in.post("/admin/bookings/complete/", id=ours.booking.id)
    signed_in.post("/admin/bookings/no-show/", id=missed.id)

    rows.expire_all()
    assert ours.booking.status == "completed"
    assert missed.status == "no_show"


def test_a_hold_is_confirmed_for_somebody_who_calls(signed_in, ours, owner, rows):
    held = make_booking(ours.slot, quantity=1, status=Status.HELD)
    assert "Confirm</button>" in signed_in.get(f"/admin/bookings/details/?id={held.id}").text

    signed_in.post("/admin/bookings/confirm/", id=held.id)
    refused = signed_in.post("/admin/bookings/cancel/", id=held.id)
    again = signed_in.post("/admin/bookings/confirm/", id=held.id)

    rows.expire_all()
    assert refused.status_code == 302
    assert "Only a booking that is held" in signed_in.get(again.location).text
    event = rows.query(BookingEvent).filter_by(booking_id=held.id, kind="confirmed").one()
    assert event.actor == f"staff:{owner.id}"


def test_who_never_came_may_leave_later_nights_to_others(signed_in, ours, rows):
    room = make_resource(ours.venue, counted_in=CountedIn.ROOMS)
    nights = make_nights(room, first=datetime.now(UTC).date() - timedelta(days=1), nights=2)
    missed = make_booking(*nights, quantity=1, is_bound=False)
    assert "free the later nights" in signed_in.get(f"/admin/bookings/details/?id={missed.id}").text

    signed_in.post("/admin/bookings/no-show/", id=missed.id, release_later=1)

    rows.expire_all()
    assert missed.status == "no_show"
    assert [night.remaining for night in nights] == [9, 10]


FORGED = (
    ("/admin/bookings/confirm/", {}),
    ("/admin/bookings/cancel/", {}),
    ("/admin/bookings/check-in/", {}),
    ("/admin/slots/action/", {"action": "close"}),
    ("/admin/slots/edit/", {"capacity": "50"}),
    ("/admin/slots/ajax/update/", {"capacity": "50"}),
    ("/admin/slots/delete/", {}),
    ("/admin/slots/turn/", {"to": "close"}),
    ("/admin/change", {"new_password": "another long password"}),
    ("/admin/logout", {}),
)


def test_without_the_sessions_token_nothing_changes(signed_in, ours, rows):
    for (url, fields), token in product(FORGED, ({}, {"csrf_token": ""}, {"csrf_token": "mine"})):
        row = ours.booking if "bookings" in url else ours.slot
        known = {"id": str(row.id), "rowid": str(row.id)}
        answer = signed_in.client.post(
            url, query_string={"id": row.id}, data=fields | token | known
        )

        assert answer.status_code == 400, (url, token)
        assert "Nothing was changed" in answer.text
    rows.expire_all()
    assert (ours.slot.capacity, ours.slot.is_open, ours.booking.status) == (5, True, "confirmed")
    assert signed_in.get("/admin/").status_code == 200
