"""A booking is made, refused in the words of clients, and read again."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import Booking, CountedIn, Customer, Resource, Slot, Venue
from tests.factories import make_booking, make_resource, make_slot
from tests.restaurant.asking import NAME, Asking, detail
from tests.restaurant.conftest import make_sitting

pytestmark = pytest.mark.usefixtures("decided_at_once")

NOT_AVAILABLE = "Selected time slot is not available"
NO_SLOT = "No availability slot found for that date/time"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
GUEST = {
    "Customer[Title]": "Dr",
    "Customer[FirstName]": "Pia",
    "Customer[Surname]": "Lund",
    "Customer[Email]": "pia.lund@example.com",
    "Customer[MobileCountryCode]": "44",
    "Customer[Mobile]": "07000",
    "Customer[Phone]": "02000",
    "Customer[ReceiveEmailMarketing]": "True",
}


def test_the_answer_has_the_shape_that_clients_know(
    ask: Asking, db: Session, lunch: Slot, day: date
) -> None:
    answer = ask.book(day, SpecialRequests="High chair", **GUEST)

    assert answer.status_code == 200
    body = answer.get_json()
    booking = db.scalars(select(Booking)).one()
    assert re.fullmatch(r"[A-Z0-9]{7}", body["booking_reference"])
    assert TIMESTAMP.fullmatch(body["created_at"])
    assert body == {
        "booking_reference": booking.reference,
        "booking_id": booking.seq,
        "restaurant": NAME,
        "visit_date": str(day),
        "visit_time": "12:00:00",
        "party_size": 2,
        "channel_code": "ONLINE",
        "special_requests": "High chair",
        "is_leave_time_confirmed": None,
        "room_number": None,
        "customer": {
            "id": booking.customer_id,
            "title": "Dr",
            "first_name": "Pia",
            "surname": "Lund",
            "email": "pia.lund@example.com",
            "mobile": "07000",
        },
        "status": "confirmed",
        "created_at": booking.created_at.replace(tzinfo=None).isoformat(),
    }


def test_reading_shows_more(ask: Asking, db: Session, lunch: Slot, day: date) -> None:
    made = ask.book(day, RoomNumber="12", **GUEST).get_json()

    answer = ask.read(made["booking_reference"])

    assert answer.status_code == 200
    booking = db.scalars(select(Booking)).one()
    assert answer.get_json() == made | {
        "is_leave_time_confirmed": False,
        "room_number": "12",
        "customer": made["customer"] | {"phone": "02000"},
        "cancellation_reason": None,
        "updated_at": booking.updated_at.replace(tzinfo=None).isoformat(),
    }


def test_a_booking_without_any_customer_is_good(ask: Asking, lunch: Slot, day: date) -> None:
    first, second = ask.book(day).get_json(), ask.book(day).get_json()

    nothing = dict.fromkeys(("title", "first_name", "surname", "email", "mobile"))
    assert first["customer"] == {"id": first["customer"]["id"]} | nothing
    assert first["customer"]["id"] != second["customer"]["id"]


@pytest.mark.parametrize(("given", "told", "read"), [("True", True, True), ("no", False, False)])
def test_a_leave_time_is_told_as_it_was_given(
    ask: Asking, lunch: Slot, day: date, given: str, told: bool, read: bool
) -> None:
    made = ask.book(day, IsLeaveTimeConfirmed=given).get_json()

    assert made["is_leave_time_confirmed"] is told
    assert ask.read(made["booking_reference"]).get_json()["is_leave_time_confirmed"] is read


def test_empty_values_are_absent_ones(ask: Asking, lunch: Slot, day: date) -> None:
    empty = dict.fromkeys((*GUEST, "SpecialRequests", "IsLeaveTimeConfirmed", "RoomNumber"), "")

    body = ask.book(day, **empty).get_json()

    assert body["special_requests"] is None
    assert body["is_leave_time_confirmed"] is None
    assert set(body["customer"].values()) == {None, body["customer"]["id"]}


def test_text_comes_back_unchanged(ask: Asking, lunch: Slot, day: date) -> None:
    form = {
        "SpecialRequests": "  Fensterplatz, bitte 🪟\n",
        "ChannelCode": "A channel with a name that is far longer than forty characters",
        "RoomNumber": " 7 ",
        "Customer[FirstName]": " Žofie ",
        "Customer[Surname]": "N" * 300,
        "Customer[Mobile]": "0" * 60,
        "Customer[Email]": "not an address",
    }

    made = ask.book(day, **form).get_json()

    for body in (made, ask.read(made["booking_reference"]).get_json()):
        assert body["special_requests"] == form["SpecialRequests"]
        assert body["channel_code"] == form["ChannelCode"]
        assert body["room_number"] == form["RoomNumber"]
        assert body["customer"]["first_name"] == form["Customer[FirstName]"]
        assert body["customer"]["surname"] == form["Customer[Surname]"]
        assert body["customer"]["mobile"] == form["Customer[Mobile]"]
        assert body["customer"]["email"] == form["Customer[Email]"]


def test_the_same_address_is_the_same_customer_and_discloses_nobody(
    ask: Asking, db: Session, lunch: Slot, day: date
) -> None:
    first = ask.book(day, **GUEST).get_json()
    known = db.scalars(select(Customer.full_name)).one()
    stranger = {
        "Customer[FirstName]": "Eve",
        "Customer[Email]": GUEST["Customer[Email]"],
    }

    second = ask.book(day, **stranger).get_json()

    assert second["customer"] == {
        "id": first["customer"]["id"],
        "title": None,
        "first_name": "Eve",
        "surname": None,
        "email": "pia.lund@example.com",
        "mobile": None,
    }
    assert ask.read(second["booking_reference"]).get_json()["customer"]["phone"] is None
    assert ask.read(first["booking_reference"]).get_json()["customer"]["first_name"] == "Pia"
    db.expire_all()
    assert db.scalars(select(Customer.full_name)).one() == known


@pytest.mark.parametrize("at", ["12:00", "12:00:00", "12:00:00.000", "12:00:00Z"])
def test_a_time_may_be_written_in_these_ways(ask: Asking, lunch: Slot, day: date, at: str) -> None:
    assert ask.book(day, at).get_json()["visit_time"] == "12:00:00"


@pytest.mark.parametrize(
    ("days", "at", "party", "sentence"),
    [
        (0, "12:00", 0, NOT_AVAILABLE),
        (0, "12:00", -1, NOT_AVAILABLE),
        (0, "12:00", 9, NOT_AVAILABLE),
        (0, "12:00", 2_000_000_000, NOT_AVAILABLE),
        (0, "03:17", 2, NO_SLOT),
        (0, "12:00:01", 2, NO_SLOT),
        (1, "12:00", 2, NO_SLOT),
        (4000, "12:00", 2, NO_SLOT),
        (-30, "12:00", 2, NOT_AVAILABLE),
        (-4000, "12:00", 2, NOT_AVAILABLE),
    ],
)
def test_what_the_mock_confirmed_wrongly_is_refused(
    ask: Asking, db: Session, lunch: Slot, day: date, days: int, at: str, party: int, sentence: str
) -> None:
    answer = ask.book(day + timedelta(days=days), at, party)

    assert detail(answer, 400) == sentence
    assert db.scalar(select(func.count()).select_from(Booking)) == 0


def test_the_fourth_party_is_refused(ask: Asking, db: Session, lunch: Slot, day: date) -> None:
    statuses = [ask.book(day, party=8).status_code for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert detail(ask.book(day, party=1), 400) == NOT_AVAILABLE
    assert lunch.remaining == 0


def test_a_blocked_slot_is_refused(ask: Asking, lunch: Slot, day: date) -> None:
    set_open(slot_id=lunch.id, is_open=False)

    assert detail(ask.book(day), 400) == NOT_AVAILABLE


def test_a_slot_of_today_that_has_begun_is_refused(
    ask: Asking, restaurant: Venue, db: Session
) -> None:
    restaurant.time_zone = "UTC"
    db.commit()
    resource = make_resource(restaurant, counted_in=CountedIn.PARTIES)
    begun = make_slot(resource, starts_at=datetime.now(UTC) - timedelta(minutes=2))

    answer = ask.book(begun.local_on, begun.starts_at.time().isoformat())

    assert detail(answer, 400) == NOT_AVAILABLE


def test_too_short_a_notice_is_refused(
    ask: Asking, db: Session, restaurant: Venue, lunch: Slot, day: date
) -> None:
    restaurant.notice_minutes = 60 * 24 * 30
    db.commit()

    assert detail(ask.book(day), 400) == NOT_AVAILABLE


def test_a_party_goes_to_the_room_that_takes_it(
    ask: Asking, db: Session, restaurant: Venue, room: Resource, day: date
) -> None:
    terrace = make_resource(restaurant, counted_in=CountedIn.PARTIES, position=1, max_quantity=12)
    full, free = make_sitting(room, day, time(12), capacity=1), make_sitting(terrace, day, time(12))
    make_booking(full)

    answers = [ask.book(day, party=party).status_code for party in (2, 11)]

    assert answers == [200, 200]
    assert free.remaining == 1


@pytest.mark.parametrize("reference", ["ABCDEFG", "abcdefg", "ABC", "%00ABCDE", "ÄBCDEFG"])
def test_an_unknown_reference_is_404(ask: Asking, lunch: Slot, reference: str) -> None:
    assert detail(ask.read(reference), 404) == "Booking not found"
    assert detail(ask.change(reference), 404) == "Booking not found"


def test_a_reference_is_compared_with_its_capitals_and_within_the_restaurant(
    ask: Asking, lunch: Slot
) -> None:
    booking, other = make_booking(lunch), make_booking()

    assert ask.read(booking.reference).status_code == 200
    assert detail(ask.read(booking.reference.lower()), 404) == "Booking not found"
    assert detail(ask.read(other.reference), 404) == "Booking not found"
