"""Changing and cancelling: what really changed, and what is refused in which order."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import Booking, CancellationReason, Resource, Slot, Status, Venue
from tests.factories import make_booking, make_reason, make_venue
from tests.restaurant.asking import NAME, Asking, booking_form, cancel_form, detail, wrong
from tests.restaurant.conftest import make_sitting

pytestmark = pytest.mark.usefixtures("decided_at_once")


@pytest.fixture
def booked(ask: Asking, lunch: Slot, day: date) -> dict[str, Any]:
    """A table for two at noon."""
    body: dict[str, Any] = ask.book(day, SpecialRequests="High chair").get_json()
    return body


def test_a_change_tells_only_what_really_changed(
    ask: Asking, db: Session, lunch: Slot, dinner: Slot, day: date, booked: dict[str, Any]
) -> None:
    reference = booked["booking_reference"]
    form = {"VisitDate": str(day), "VisitTime": "19:30", "PartySize": "4"}

    answer = ask.change(reference, SpecialRequests="High chair", **form)

    assert answer.status_code == 200
    read = ask.read(reference).get_json()
    assert answer.get_json() == {
        "booking_reference": reference,
        "booking_id": booked["booking_id"],
        "restaurant": NAME,
        "updates": {"visit_time": "19:30:00", "party_size": 4},
        "status": "updated",
        "updated_at": read["updated_at"],
        "message": f"Booking {reference} has been successfully updated",
    }
    assert (read["status"], read["visit_time"], read["party_size"]) == ("confirmed", "19:30:00", 4)
    assert (lunch.remaining, dinner.remaining) == (3, 2)


@pytest.mark.parametrize(
    ("form", "updates"),
    [
        ({"PartySize": "8"}, {"party_size": 8}),
        ({"SpecialRequests": "Window"}, {"special_requests": "Window"}),
        ({"SpecialRequests": "", "PartySize": "1"}, {"party_size": 1}),
        ({"IsLeaveTimeConfirmed": "True"}, {"is_leave_time_confirmed": True}),
        ({"PartySize": "3", "RoomNumber": "5", "ChannelCode": "PHONE"}, {"party_size": 3}),
    ],
)
def test_each_field_can_be_changed(
    ask: Asking, booked: dict[str, Any], form: dict[str, str], updates: dict[str, Any]
) -> None:
    reference = booked["booking_reference"]

    body = ask.change(reference, **form).get_json()

    assert (body["status"], body["updates"]) == ("updated", updates)
    read = ask.read(reference).get_json()
    assert {name: read[name] for name in updates} == updates
    assert read["room_number"] is None
    assert read["channel_code"] == "ONLINE"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"VisitTime": "12:00", "PartySize": "2", "SpecialRequests": "High chair"},
        {"IsLeaveTimeConfirmed": "false"},
        {"SpecialRequests": ""},
        {"Customer[FirstName]": "Eve", "RoomNumber": "9"},
    ],
)
def test_nothing_changed_is_an_answer_too(
    ask: Asking, booked: dict[str, Any], form: dict[str, str]
) -> None:
    reference = booked["booking_reference"]
    before = ask.read(reference).get_json()

    body = ask.change(reference, **form).get_json()

    assert (body["status"], body["updates"]) == ("no_changes", {})
    assert body["updated_at"] == before["updated_at"]
    assert body["message"] == f"Booking {reference} has been checked - no changes made"
    assert ask.read(reference).get_json() == before


def test_a_json_body_changes_nothing(ask: Asking, booked: dict[str, Any]) -> None:
    path = f"/Booking/{booked['booking_reference']}"

    assert ask("PATCH", path, json={"PartySize": 4}).get_json()["status"] == "no_changes"


def test_one_bad_field_changes_nothing(ask: Asking, booked: dict[str, Any]) -> None:
    reference = booked["booking_reference"]

    answer = ask.change(reference, PartySize="4", VisitTime="7pm")

    assert wrong(answer) == [("time_parsing", "body/VisitTime")]
    assert ask.read(reference).get_json()["party_size"] == 2


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"VisitTime": "19:30"}, 400, "That slot is no longer available"),
        ({"VisitTime": "13:00"}, 400, "That slot is no longer available"),
        ({"VisitTime": "03:17"}, 404, "New time slot not found"),
        ({"VisitTime": "18:00", "PartySize": "9"}, 400, "Party size exceeds slot capacity"),
        ({"PartySize": "9"}, 400, "Party size exceeds slot capacity"),
        ({"PartySize": "0"}, 400, "That slot is no longer available"),
        ({"PartySize": "-2"}, 400, "That slot is no longer available"),
        ({"VisitDate": "2020-01-01"}, 400, "That slot is no longer available"),
        ({"VisitDate": "2199-01-01"}, 404, "New time slot not found"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    ask: Asking,
    room: Resource,
    dinner: Slot,
    day: date,
    booked: dict[str, Any],
    form: dict[str, str],
    status: int,
    sentence: str,
) -> None:
    set_open(slot_id=make_sitting(room, day, time(13)).id, is_open=False)
    make_sitting(room, day, time(18))
    for _ in range(3):
        make_booking(dinner)
    before = ask.read(booked["booking_reference"]).get_json()

    answer = ask.change(booked["booking_reference"], SpecialRequests="Other", **form)

    assert detail(answer, status) == sentence
    assert ask.read(booked["booking_reference"]).get_json() == before


def test_a_cancelled_booking_is_not_changed(ask: Asking, booked: dict[str, Any]) -> None:
    reference = booked["booking_reference"]
    ask.cancel(reference)

    for form in ({}, {"PartySize": "3"}):
        assert detail(ask.change(reference, **form), 400) == "Cannot update cancelled booking"
    bad = ask.change(reference, PartySize="many")
    assert wrong(bad) == [("int_parsing", "body/PartySize")]


@pytest.mark.parametrize("status", [Status.CHECKED_IN, Status.COMPLETED])
def test_a_visit_that_has_begun_is_neither_changed_nor_cancelled(
    ask: Asking, lunch: Slot, status: Status
) -> None:
    booking = make_booking(lunch, status=status)

    assert isinstance(detail(ask.change(booking.reference, PartySize="3"), 400), str)
    assert isinstance(detail(ask.cancel(booking.reference), 400), str)


def test_a_cancellation_has_the_shape_that_clients_know(
    ask: Asking, lunch: Slot, booked: dict[str, Any]
) -> None:
    reference = booked["booking_reference"]

    answer = ask.cancel(reference, micrositeName="Anything")

    assert answer.status_code == 200
    read = ask.read(reference).get_json()
    assert answer.get_json() == {
        "booking_reference": reference,
        "booking_id": booked["booking_id"],
        "restaurant": NAME,
        "microsite_name": "Anything",
        "cancellation_reason_id": 1,
        "cancellation_reason": "Customer Request",
        "status": "cancelled",
        "cancelled_at": read["updated_at"],
        "message": f"Booking {reference} has been successfully cancelled",
    }
    assert read["status"] == "cancelled"
    assert read["visit_time"] == "12:00:00"
    assert read["cancellation_reason"] == {
        "id": 1,
        "reason": "Customer Request",
        "description": "Customer requested cancellation",
    }
    assert lunch.remaining == 3


def test_a_cancelled_slot_that_was_blocked_stays_blocked(
    ask: Asking, lunch: Slot, day: date, booked: dict[str, Any]
) -> None:
    set_open(slot_id=lunch.id, is_open=False)

    ask.cancel(booked["booking_reference"])

    (slot,) = ask.search(day).get_json()["available_slots"]
    assert slot["available"] is False


def test_refusals_of_a_cancellation_come_in_this_order(
    ask: Asking, restaurant: Venue, booked: dict[str, Any]
) -> None:
    reference = booked["booking_reference"]
    other = make_booking()
    elsewhere = make_reason(make_venue())

    def refusal(status: int, path: str, form: dict[str, Any], name: str = NAME) -> Any:
        return detail(ask("POST", f"/Booking/{path}/Cancel", form, name=name), status)

    mismatch = refusal(400, "XXXXXXX", cancel_form(reference, 99), name="Nowhere")
    assert mismatch == "Booking reference mismatch"
    no_house = refusal(404, "XXXXXXX", cancel_form("XXXXXXX", 99), name="Nowhere")
    assert no_house == "Restaurant not found"
    for unknown in ("XXXXXXX", other.reference):
        assert refusal(404, unknown, cancel_form(unknown, 99)) == "Booking not found"
    for reason in (0, 99, -1, elsewhere.id):
        refused = refusal(400, reference, cancel_form(reference, reason))
        assert refused == "Invalid cancellation reason"
    absurd = ask.cancel(reference, "9" * 23)
    assert wrong(absurd) == [("int_parsing_size", "body/cancellationReasonId")]
    assert ask.cancel(reference, 5).status_code == 200
    assert refusal(400, reference, cancel_form(reference, 99)) == "Booking is already cancelled"


def test_the_reasons_are_those_that_clients_know(ask: Asking, restaurant: Venue) -> None:
    own = make_reason(restaurant, reason="Power cut", description="No light")
    make_reason(make_venue())

    answer = ask("GET", "/CancellationReasons", token=None)

    assert answer.get_json() == [
        {"id": 1, "reason": "Customer Request", "description": "Customer requested cancellation"},
        {"id": 2, "reason": "Restaurant Closure", "description": "Restaurant temporarily closed"},
        {"id": 3, "reason": "Weather", "description": "Cancelled due to weather conditions"},
        {"id": 4, "reason": "Emergency", "description": "Emergency cancellation"},
        {"id": 5, "reason": "No Show", "description": "Customer did not show up"},
        {"id": own.id, "reason": "Power cut", "description": "No light"},
    ]


def test_an_owner_may_change_by_the_other_call_too(
    ask: Asking, dinner: Slot, day: date, booked: dict[str, Any]
) -> None:
    reference = booked["booking_reference"]

    answer = ask("POST", f"/Booking/{reference}/Update", booking_form(day, "19:30", 5))

    assert answer.status_code == 200
    assert answer.get_json() == {
        "message": "Booking updated successfully",
        "booking_reference": reference,
        "visit_date": str(day),
        "visit_time": "19:30:00",
        "party_size": 5,
        "special_requests": "High chair",
    }
    same = ask("POST", f"/Booking/{reference}/Update", booking_form(day, "19:30", 5))
    assert same.status_code == 200
    no_slot = booking_form(day + timedelta(days=1), "19:30", 5)
    refused = ask("POST", f"/Booking/{reference}/Update", no_slot)
    assert detail(refused, 404) == "New time slot not found"
    assert wrong(ask("POST", f"/Booking/{reference}/Update", {})) == [
        ("missing", "body/VisitDate"),
        ("missing", "body/VisitTime"),
        ("missing", "body/PartySize"),
    ]


def test_a_change_moves_the_owner_s_cutoff_not(
    ask: Asking, db: Session, restaurant: Venue, booked: dict[str, Any]
) -> None:
    restaurant.cancel_cutoff_minutes = 60 * 24 * 30
    db.commit()
    reference = booked["booking_reference"]

    assert isinstance(detail(ask.change(reference, PartySize="3"), 400), str)
    assert isinstance(detail(ask.cancel(reference), 400), str)
    booking = db.query(Booking).one()
    assert booking.status == Status.CONFIRMED
    assert db.get(CancellationReason, 1) is not None
