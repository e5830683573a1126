"""Rooms of the room platform API: sections 2, 3 and 5 of its contract."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import CountedIn, Slot, User, Venue
from tests.factories import make_booking, make_nights, make_resource, make_venue
from tests.hotel.conftest import SEA_VIEW, Call, assert_refused


def test_a_room_is_answered_as_the_contract_writes_it(
    db: Session, call: Call, manager: User
) -> None:
    answer = call("POST", "/rooms", as_=manager, json=SEA_VIEW)

    assert answer.status_code == 201
    body = answer.get_json()
    assert body == {
        "id": body["id"],
        "name": "Sea View",
        "description": None,
        "price_per_night": "120.50",
        "location": "Haifa",
        "total_inventory": 2,
    }
    assert call("GET", f"/rooms/{body['id']}").get_json() == body
    assert call("GET", f"/rooms/{body['id'].upper()}").get_json() == body


def test_its_nights_exist_for_a_year_from_the_venue_s_today(
    db: Session, room: dict[str, Any], hotel: Venue
) -> None:
    first, last, count = db.execute(
        select(func.min(Slot.local_on), func.max(Slot.local_on), func.count()).where(
            Slot.resource_id == room["id"]
        )
    ).one()

    assert first == _today(hotel)
    assert last >= first + timedelta(days=365)
    assert count == (last - first).days + 1


@pytest.mark.parametrize(
    ("given", "price"),
    [(120, "120.00"), (120.505, "120.51"), (0.01, "0.01"), (9_999_999_999.99, "9999999999.99")],
)
def test_a_price_is_rounded_half_up(
    db: Session, call: Call, manager: User, given: float, price: str
) -> None:
    answer = call("POST", "/rooms", as_=manager, json=SEA_VIEW | {"price_per_night": given})

    assert answer.get_json()["price_per_night"] == price


def test_two_rooms_may_have_one_name(db: Session, call: Call, manager: User) -> None:
    first, second = (call("POST", "/rooms", as_=manager, json=SEA_VIEW) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.get_json()["name"] == "Sea View"
    assert first.get_json()["id"] != second.get_json()["id"]


def test_a_description_and_unknown_fields(db: Session, call: Call, manager: User) -> None:
    more = {"description": "Two\nlines", "stars": 5, "id": "x", "is_hidden": True}

    body = call("POST", "/rooms", as_=manager, json=SEA_VIEW | more).get_json()

    assert body["description"] == "Two\nlines"
    assert set(body) == {*SEA_VIEW, "id", "description"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "S"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "Sea\x00View"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"description": None}, "description"),
        ({"description": "x" * 2001}, "description"),
        ({"price_per_night": 0}, "price_per_night"),
        ({"price_per_night": -1}, "price_per_night"),
        ({"price_per_night": "120.5"}, "price_per_night"),
        ({"price_per_night": True}, "price_per_night"),
        ({"price_per_night": 1e10}, "price_per_night"),
        ({"price_per_night": 1e308}, "price_per_night"),
        ({"price_per_night": None}, "price_per_night"),
        ({"location": "H"}, "location"),
        ({"total_inventory": 0}, "total_inventory"),
        ({"total_inventory": 1.5}, "total_inventory"),
        ({"total_inventory": "2"}, "total_inventory"),
        ({"total_inventory": 2_147_483_648}, "total_inventory"),
        ({"total_inventory": 10**400}, "total_inventory"),
        ({"total_inventory": 1e400}, ""),
    ],
)
def test_a_bad_room_is_400_and_names_the_field(
    db: Session, call: Call, manager: User, change: dict[str, Any], field: str
) -> None:
    answer = call("POST", "/rooms", as_=manager, json=SEA_VIEW | change)

    assert_refused(answer, 400, field)


def test_a_user_who_posts_a_bad_room_is_told_403(db: Session, call: Call, guest: User) -> None:
    assert_refused(call("POST", "/rooms", as_=guest, json={}), 403)
    assert_refused(call("POST", "/rooms", as_=guest, data="{", content_type=JSON), 403)


JSON = "application/json"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("{", JSON),
        ('{"name": NaN}', JSON),
        ("", JSON),
        ("[]", JSON),
        ("null", JSON),
        ('"text"', JSON),
        (b"\xff", JSON),
        ("[" * 50_000, JSON),
        ('{"name":"Sea View"}', "text/plain"),
        ("name=Sea+View", "application/x-www-form-urlencoded"),
        ("{}", None),
    ],
)
def test_a_body_that_is_none_is_400(
    db: Session, call: Call, manager: User, data: Any, content_type: str | None
) -> None:
    answer = call("POST", "/rooms", as_=manager, data=data, content_type=content_type)

    assert_refused(answer, 400)


def test_a_body_beyond_64_kb_is_413(db: Session, call: Call, manager: User) -> None:
    answer = call("POST", "/rooms", as_=manager, json=SEA_VIEW | {"more": "x" * 70_000})

    assert_refused(answer, 413)


@pytest.mark.parametrize(
    "room_id",
    ["1", "x" * 36, "00000000-0000-0000-0000-000000000000", "%00", "my-room", "../rooms"],
)
def test_an_unknown_room_is_404(db: Session, call: Call, room_id: str) -> None:
    assert_refused(call("GET", f"/rooms/{room_id}"), 404)


def test_a_hidden_room_is_unknown(db: Session, call: Call, guest: User) -> None:
    hidden = make_nights(_room_type(make_venue(kind="hotel", is_listed=False)))
    table = make_resource()
    retired = make_nights()
    retired[0].resource.retired_at = datetime.now(ZoneInfo("UTC"))
    db.commit()

    for resource_id in (hidden[0].resource_id, table.id, retired[0].resource_id):
        assert_refused(call("GET", f"/rooms/{resource_id}"), 404)
        body = _stay(hidden) | {"roomId": str(resource_id)}
        assert_refused(call("POST", "/bookings", as_=guest, json=body), 404)


def test_a_search_answers_rooms_with_what_is_left(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue
) -> None:
    day = _today(hotel) + timedelta(days=3)

    answer = call("GET", "/rooms", query_string=_dates(day, 2))

    assert answer.status_code == 200
    assert answer.get_json() == [
        room | {"available_units": 2, "currency": "ILS", "total_price": "241.00"}
    ]


def test_the_smallest_number_left_over_all_nights_counts(db: Session, call: Call) -> None:
    nights = make_nights(nights=3, capacity=5)
    make_booking(nights[1], quantity=3)
    make_booking(*nights[1:], quantity=1)

    assert _units(call, nights, 3) == [1]
    assert _units(call, nights, 1) == [5]
    assert _units(call, nights[2:], 1) == [4]


def test_offered_means_bookable(db: Session, call: Call) -> None:
    full, closed, gap = (make_nights(nights=3, capacity=1) for _ in range(3))
    make_booking(full[1], quantity=1)
    set_open(slot_id=closed[1].id, is_open=False)
    db.delete(gap[1])
    db.commit()

    for nights in (full, closed, gap):
        found = call("GET", "/rooms", query_string=_dates(nights[0].local_on, 3)).get_json()
        assert found == []
        assert len(call("GET", "/rooms", query_string=_dates(nights[0].local_on, 1)).get_json())


@pytest.mark.parametrize(
    "policy",
    [{"horizon_days": 5}, {"notice_minutes": 60 * 24 * 30}, {"cutoff_minutes": 60 * 24 * 30}],
)
def test_what_the_policies_would_refuse_is_not_offered(
    db: Session, call: Call, policy: dict[str, int]
) -> None:
    nights = make_nights(_room_type(make_venue(kind="hotel", **policy)))

    assert call("GET", "/rooms", query_string=_dates(nights[0].local_on, 1)).get_json() == []


def test_a_night_is_priced_as_the_stay_s_average_rounded_half_up(db: Session, call: Call) -> None:
    nights = make_nights(nights=3)
    for slot, price in zip(nights, ("100.00", "100.00", "100.02"), strict=True):
        slot.price = Decimal(price)
    db.commit()

    (found,) = call("GET", "/rooms", query_string=_dates(nights[0].local_on, 3)).get_json()

    assert found["price_per_night"] == "100.01"
    assert found["total_price"] == "300.02"


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ("", True),
        ("haifa", True),
        ("AIF", True),
        ("50%_Off", True),
        ("50%Off", False),
        ("%", True),
        ("_", True),
        ("5__", False),
        ("Eilat", False),
        ("\\", False),
        ("x" * 300, None),
        ("a\x00", None),
    ],
)
def test_a_part_of_the_place_is_looked_for(
    db: Session, call: Call, manager: User, hotel: Venue, asked: str, is_found: bool | None
) -> None:
    call("POST", "/rooms", as_=manager, json=SEA_VIEW | {"location": "Haifa 50%_off"})

    query = _dates(_today(hotel), 1) | {"location": asked}
    answer = call("GET", "/rooms", query_string=query)

    if is_found is None:
        assert_refused(answer, 400, "location")
    else:
        assert bool(answer.get_json()) == is_found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", ("checkIn", "checkOut")),
        ("checkIn=2030-11-21", ("checkOut",)),
        ("checkIn=&checkOut=2030-11-23", ("checkIn: Date must be written as YYYY-MM-DD",)),
        ("checkIn=2030-13-01&checkOut=2030-13-02", ("checkIn", "checkOut")),
        ("checkIn=2030-02-30&checkOut=2030-03-02", ("checkIn",)),
        ("checkIn=2030-11-21T00:00:00Z&checkOut=2030-11-23", ("checkIn",)),
        ("checkIn=21/11/2030&checkOut=2030-11-23", ("checkIn",)),
        ("checkIn=20301121&checkOut=2030-11-23", ("checkIn",)),
        ("checkIn=1795219200000&checkOut=2030-11-23", ("checkIn",)),
        ("checkIn=%D9%A2030-11-21&checkOut=2030-11-23", ("checkIn",)),
        ("checkIn=2030-11-23&checkOut=2030-11-23", ("checkOut",)),
        ("checkIn=2030-11-24&checkOut=2030-11-23", ("checkOut",)),
        ("checkIn=2030-11-21&checkIn=2030-11-22&checkOut=2030-11-23", ("checkIn",)),
    ],
)
def test_bad_dates_are_400(db: Session, call: Call, query: str, said: tuple[str, ...]) -> None:
    assert_refused(call("GET", f"/rooms?{query}"), 400, *said)


@pytest.mark.parametrize("days", [("1999-12-30", "2000-01-02"), ("2199-01-01", "2199-01-02")])
def test_the_past_and_the_far_future_offer_nothing(
    db: Session, call: Call, room: dict[str, Any], days: tuple[str, str]
) -> None:
    answer = call("GET", f"/rooms?checkIn={days[0]}&checkOut={days[1]}&more=1&more=2")

    assert answer.status_code == 200
    assert answer.get_json() == []


def test_a_stay_from_yesterday_offers_nothing(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue
) -> None:
    day = _today(hotel) - timedelta(days=1)

    assert call("GET", "/rooms", query_string=_dates(day, 2)).get_json() == []
    assert len(call("GET", "/rooms", query_string=_dates(_today(hotel), 1)).get_json()) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/bookings"),
        ("GET", "/bookings/00000000-0000-0000-0000-000000000000"),
        ("PUT", "/rooms"),
        ("DELETE", "/bookings/my-bookings"),
        ("GET", "/auth/login"),
        ("GET", "/nothing"),
        ("GET", ""),
    ],
)
def test_unknown_addresses_are_404_in_the_one_body(
    db: Session, call: Call, method: str, path: str
) -> None:
    assert_refused(call(method, path), 404)


def test_every_origin_may_read_without_cookies(db: Session, call: Call, room: Any) -> None:
    origin = {"Origin": "https://shop.example"}
    answers = [
        call("GET", f"/rooms/{room['id']}", headers=origin),
        call("GET", "/rooms", headers=origin),
        call("GET", "/nothing", headers=origin),
        call("GET", "/bookings/my-bookings", headers=origin),
    ]

    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_a_preflight_allows_the_token_and_the_type(call: Call) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for path in ("/rooms", "/bookings", "/auth/login", "/nothing"):
        answer = call("OPTIONS", path, headers=asked)

        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert {"authorization", "content-type"} <= set(allowed)
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def _room_type(venue: Venue) -> Any:
    return make_resource(venue, counted_in=CountedIn.ROOMS)


def _today(hotel: Venue) -> Any:
    return datetime.now(ZoneInfo(hotel.time_zone)).date()


def _dates(first: Any, nights: int) -> dict[str, str]:
    return {"checkIn": str(first), "checkOut": str(first + timedelta(days=nights))}


def _stay(nights: list[Slot]) -> dict[str, str]:
    return _dates(nights[0].local_on, len(nights)) | {"roomId": str(nights[0].resource_id)}


def _units(call: Call, nights: list[Slot], count: int) -> list[int]:
    found = call("GET", "/rooms", query_string=_dates(nights[0].local_on, count)).get_json()
    return [room["available_units"] for room in found]
