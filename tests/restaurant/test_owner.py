"""The owner's list: a bare array, the latest visit first, page after page."""

from datetime import date, time, timedelta
from itertools import chain
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models import Booking, Resource, Slot, Status, Venue
from tests.factories import make_booking
from tests.restaurant.asking import NAME, TOKEN, Asking, detail, wrong
from tests.restaurant.conftest import ORIGIN, make_sitting


def _references(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["booking_reference"] for row in answer.get_json()]


@pytest.fixture
def bookings(room: Resource, day: date) -> list[Booking]:
    """Seven bookings on three days, the latest visit first."""
    made = []
    for days in (2, 1, 0):
        for at in (time(20), time(12)):
            made.append(make_booking(make_sitting(room, day + timedelta(days=days), at)))
    # The last sitting has two: the newest comes first.
    second = make_booking(made[-1].lines[0].slot)
    return [*made[:-1], second, made[-1]]


@pytest.mark.usefixtures("decided_at_once")
def test_a_row_has_the_shape_that_clients_know(ask: Asking, lunch: Slot, day: date) -> None:
    guest = {"Customer[FirstName]": "Ann", "Customer[Email]": "a@b.c"}
    made = ask.book(day, **guest).get_json()
    read = ask.read(made["booking_reference"]).get_json()

    answer = ask("GET", "/Bookings")

    assert answer.get_json() == [
        {
            "booking_reference": made["booking_reference"],
            "booking_id": made["booking_id"],
            "restaurant": NAME,
            "visit_date": str(day),
            "visit_time": "12:00:00",
            "party_size": 2,
            "status": "confirmed",
            "customer": {
                "id": made["customer"]["id"],
                "first_name": "Ann",
                "surname": None,
                "email": "a@b.c",
                "mobile": None,
            },
            "created_at": read["created_at"],
            "updated_at": read["updated_at"],
        }
    ]
    assert "Link" not in answer.headers
    assert "X-Next-Cursor" not in answer.headers


def test_the_latest_visit_comes_first(ask: Asking, bookings: list[Booking]) -> None:
    make_booking()

    assert _references(ask("GET", "/Bookings")) == [each.reference for each in bookings]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_cursors_lead_through_all_of_them(
    ask: Asking, client: FlaskClient, bookings: list[Booking], limit: int
) -> None:
    """The same by the address in Link as by the cursor itself."""
    expected = [each.reference for each in bookings]
    by_cursor, by_link = [], []
    answer = ask("GET", f"/Bookings?limit={limit}&status=confirmed")
    linked = answer
    while True:
        by_cursor += _references(answer)
        by_link += _references(linked)
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
        answer = ask("GET", f"/Bookings?limit={limit}&status=confirmed&cursor={cursor}")
        url, rel = linked.headers["Link"].split("; ")
        assert rel == 'rel="next"'
        linked = client.get(url.strip("<>"), headers={"Authorization": f"Bearer {TOKEN}"})

    assert by_cursor == by_link == expected


def test_offsets_lead_through_all_of_them(ask: Asking, bookings: list[Booking]) -> None:
    pages = [_references(ask("GET", f"/Bookings?limit=3&offset={n}")) for n in (0, 3, 6, 9)]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [*chain(*pages)] == [each.reference for each in bookings]


def test_the_usual_page_has_a_hundred(ask: Asking, room: Resource, day: date) -> None:
    slot = make_sitting(room, day, time(12), capacity=101)
    for _ in range(101):
        make_booking(slot)

    first, whole = ask("GET", "/Bookings"), ask("GET", "/Bookings?limit=99999")

    assert len(first.get_json()) == 100
    assert "X-Next-Cursor" in first.headers
    assert len(whole.get_json()) == 101
    assert "Link" not in whole.headers


def test_days_are_inclusive(ask: Asking, bookings: list[Booking], day: date) -> None:
    middle = str(day + timedelta(days=1))

    answer = ask("GET", f"/Bookings?date_from={middle}&date_to={middle}")

    assert {row["visit_date"] for row in answer.get_json()} == {middle}
    assert len(answer.get_json()) == 2
    assert len(_references(ask("GET", f"/Bookings?date_from={middle}"))) == 4
    assert len(_references(ask("GET", f"/Bookings?date_to={middle}"))) == 5


def test_a_status_keeps_those_that_have_it(ask: Asking, room: Resource, day: date) -> None:
    statuses = (Status.CONFIRMED, Status.CHECKED_IN, Status.COMPLETED, Status.CANCELLED)
    hidden = (Status.HELD, Status.REJECTED, Status.EXPIRED, Status.PENDING)
    for number, status in enumerate((*statuses, *hidden)):
        make_booking(make_sitting(room, day, time(10 + number)), status=status)

    found = {
        word: [row["status"] for row in ask("GET", f"/Bookings?status={word}").get_json()]
        for word in ("confirmed", "completed", "cancelled", "no_show", "pending", "", "Confirmed")
    }

    assert found == {
        "confirmed": ["confirmed", "confirmed"],
        "completed": ["completed"],
        "cancelled": ["cancelled"],
        "no_show": [],
        "pending": [],
        "": ["cancelled", "completed", "confirmed", "confirmed"],
        "Confirmed": [],
    }


@pytest.mark.usefixtures("decided_at_once")
def test_a_moved_booking_is_listed_once_and_where_it_is(
    ask: Asking, lunch: Slot, dinner: Slot, day: date
) -> None:
    reference = ask.book(day).get_json()["booking_reference"]
    for at in ("19:30", "12:00", "19:30"):
        ask.change(reference, VisitTime=at)

    confirmed = ask("GET", "/Bookings").get_json()
    ask.cancel(reference)
    cancelled = ask("GET", "/Bookings").get_json()

    assert [row["visit_time"] for row in confirmed] == ["19:30:00"]
    assert [(row["visit_time"], row["status"]) for row in cancelled] == [("19:30:00", "cancelled")]


def test_a_booking_of_two_slots_and_more_lines_is_listed_once(
    ask: Asking, restaurant: Venue, lunch: Slot, dinner: Slot
) -> None:
    booking = make_booking(lunch, dinner)

    (row,) = ask("GET", "/Bookings").get_json()

    assert (row["booking_reference"], row["visit_time"]) == (booking.reference, "12:00:00")


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        ("limit=0", ("greater_than_equal", "query/limit")),
        ("limit=-1", ("greater_than_equal", "query/limit")),
        ("limit=many", ("int_parsing", "query/limit")),
        ("limit=" + "9" * 30, ("int_parsing_size", "query/limit")),
        ("offset=-1", ("greater_than_equal", "query/offset")),
        ("date_from=soon", ("date_from_datetime_parsing", "query/date_from")),
        ("cursor=made-up", ("value_error", "query/cursor")),
    ],
)
def test_a_bad_query_is_422(
    ask: Asking, restaurant: Venue, query: str, entry: tuple[str, str]
) -> None:
    assert wrong(ask("GET", f"/Bookings?{query}")) == [entry]


def test_a_cursor_of_another_restaurant_is_refused(
    ask: Asking, db: Session, bookings: list[Booking]
) -> None:
    cursor = ask("GET", "/Bookings?limit=1").headers["X-Next-Cursor"]
    other = make_booking()
    name = other.venue.slug

    answer = ask("GET", f"/Bookings?cursor={cursor}", name=name)

    assert wrong(answer) == [("value_error", "query/cursor")]


def test_an_unknown_query_is_ignored(ask: Asking, bookings: list[Booking]) -> None:
    assert len(_references(ask("GET", "/Bookings?page=9&sort=x"))) == 7
    assert detail(ask("GET", "/Bookings?limit=5", name="Nowhere"), 404) == "Restaurant not found"


@pytest.mark.parametrize("path", ["/Bookings", "/AvailabilitySearch", "/Booking/ABCDEFG"])
def test_a_page_of_an_allowed_origin_may_ask(
    client: FlaskClient, restaurant: Venue, path: str
) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,x-anything",
    }

    answer = client.options(f"/api/ConsumerApi/v1/Restaurant/{NAME}{path}", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"GET", "POST", "PATCH"} <= set(
        answer.headers["Access-Control-Allow-Methods"].split(", ")
    )
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,x-anything"
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", ["http://localhost:5174", "https://evil.example", "null", ""])
def test_a_page_of_another_origin_may_not(ask: Asking, restaurant: Venue, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}

    asked = ask("OPTIONS", "/Bookings", headers=headers, token=None)
    called = ask("GET", "/Bookings", headers=headers)

    assert detail(asked, 405) == "Method Not Allowed"
    assert called.status_code == 200
    for answer in (asked, called):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("token", [None, "Bearer wrong", f"Bearer {TOKEN}"])
def test_an_allowed_page_may_read_errors_too(
    ask: Asking, restaurant: Venue, token: str | None
) -> None:
    answer = ask("GET", "/Booking/ABCDEFG", token=token, headers={"Origin": ORIGIN})

    assert answer.status_code in (401, 404, 422)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Next-Cursor" in answer.headers["Access-Control-Expose-Headers"]


def test_other_apis_are_not_opened_with_it(client: FlaskClient, restaurant: Venue) -> None:
    answer = client.get("/api/v1/venues", headers={"Origin": ORIGIN})

    assert "Access-Control-Allow-Credentials" not in answer.headers
