"""The search shows every slot of a day that is large enough, and says which can be booked."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import CountedIn, Resource, Slot, Status, Venue
from tests.factories import make_booking, make_resource, make_slot
from tests.restaurant.asking import NAME, Asking
from tests.restaurant.conftest import make_sitting


def test_the_answer_has_the_shape_that_clients_know(
    ask: Asking, restaurant: Venue, lunch: Slot, dinner: Slot, day: date
) -> None:
    answer = ask.search(day)

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.get_json() == {
        "restaurant": NAME,
        "restaurant_id": restaurant.id,
        "visit_date": str(day),
        "party_size": 2,
        "channel_code": "ONLINE",
        "available_slots": [
            {"time": "12:00:00", "available": True, "max_party_size": 8, "current_bookings": 0},
            {"time": "19:30:00", "available": True, "max_party_size": 8, "current_bookings": 0},
        ],
        "total_slots": 2,
    }


def test_only_confirmed_bookings_are_counted(ask: Asking, lunch: Slot, day: date) -> None:
    for status in (Status.CONFIRMED, Status.CANCELLED, Status.HELD, Status.PENDING):
        make_booking(lunch, status=status)

    (slot,) = ask.search(day).get_json()["available_slots"]

    assert slot["current_bookings"] == 1
    assert slot["available"] is True


def test_a_full_slot_is_listed_but_not_available(ask: Asking, lunch: Slot, day: date) -> None:
    for _ in range(3):
        make_booking(lunch)

    (slot,) = ask.search(day).get_json()["available_slots"]

    assert (slot["available"], slot["current_bookings"]) == (False, 3)


def test_a_blocked_slot_is_listed_but_not_available(ask: Asking, lunch: Slot, day: date) -> None:
    set_open(slot_id=lunch.id, is_open=False)

    (slot,) = ask.search(day).get_json()["available_slots"]

    assert slot["available"] is False


@pytest.mark.parametrize(("party", "listed"), [(8, 2), (9, 1), (10, 1), (11, 0), (0, 2), (-3, 2)])
def test_slots_that_are_too_small_are_left_out(
    ask: Asking, restaurant: Venue, room: Resource, day: date, party: int, listed: int
) -> None:
    banquet = make_resource(restaurant, counted_in=CountedIn.PARTIES, max_quantity=10)
    make_sitting(room, day, time(12))
    make_sitting(banquet, day, time(13))

    body = ask.search(day, party).get_json()

    assert body["party_size"] == party
    assert body["total_slots"] == len(body["available_slots"]) == listed


def test_seats_are_counted_where_the_owner_counts_them(
    ask: Asking, restaurant: Venue, day: date
) -> None:
    bar = make_resource(restaurant, counted_in=CountedIn.SEATS, max_quantity=8)
    slot = make_sitting(bar, day, time(18), capacity=6)
    make_booking(slot, quantity=4)

    small, large = (
        ask.search(day, party).get_json()["available_slots"][0]["available"] for party in (2, 3)
    )

    assert (small, large) == (True, False)


def test_two_rooms_show_one_row_for_each_time(
    ask: Asking, restaurant: Venue, room: Resource, day: date
) -> None:
    terrace = make_resource(restaurant, counted_in=CountedIn.PARTIES, position=1, max_quantity=4)
    set_open(slot_id=make_sitting(room, day, time(12)).id, is_open=False)
    make_sitting(terrace, day, time(12))

    small = ask.search(day, 4).get_json()["available_slots"]
    large = ask.search(day, 5).get_json()["available_slots"]

    assert [(slot["available"], slot["max_party_size"]) for slot in small] == [(True, 4)]
    assert [(slot["available"], slot["max_party_size"]) for slot in large] == [(False, 8)]


@pytest.mark.parametrize("days", [-400, -1, 3, 4000])
def test_a_day_without_slots_is_an_empty_list(
    ask: Asking, lunch: Slot, day: date, days: int
) -> None:
    body = ask.search(day + timedelta(days=days)).get_json()

    assert (body["available_slots"], body["total_slots"]) == ([], 0)


def test_slots_of_today_that_have_passed_are_not_offered(ask: Asking, room: Resource) -> None:
    now = datetime.now(UTC)
    past = make_slot(room, starts_at=now - timedelta(minutes=5), capacity=3)

    body = ask.search(past.local_on).get_json()

    assert body["available_slots"] == []


def test_the_day_is_the_restaurant_s_own(ask: Asking, db: Session, restaurant: Venue) -> None:
    restaurant.time_zone = "Pacific/Auckland"
    db.commit()
    resource = make_resource(restaurant, counted_in=CountedIn.PARTIES)
    starts_at = datetime.combine(
        (datetime.now(UTC) + timedelta(days=9)).date(), time(20), tzinfo=UTC
    )
    local_on = starts_at.date() + timedelta(days=1)
    make_slot(resource, starts_at=starts_at, local_on=local_on)

    (slot,) = ask.search(local_on).get_json()["available_slots"]

    assert slot["time"] in ("08:00:00", "09:00:00")


def test_what_the_rules_refuse_is_not_available(
    ask: Asking, db: Session, restaurant: Venue, lunch: Slot, day: date
) -> None:
    restaurant.notice_minutes = 60 * 24 * 30
    db.commit()

    (slot,) = ask.search(day).get_json()["available_slots"]

    assert slot["available"] is False


def test_a_search_is_two_queries_whatever_is_booked(
    ask: Asking, db: Session, lunch: Slot, dinner: Slot, day: date
) -> None:
    from sqlalchemy import event

    for _ in range(3):
        make_booking(lunch)
    asked: list[str] = []
    connection = db.connection()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    ask.search(day)
    event.remove(connection, "before_cursor_execute", note)

    assert len(asked) == 2
