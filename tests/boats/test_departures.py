"""Which departures are offered, and how each is shown."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import Kind, Resource, Slot, Status
from tests.factories import make_booking, make_resource, make_slot, make_venue

ENTRY = {
    "id",
    "departure_id",
    "name",
    "capacity",
    "available_seats",
    "has_ac",
    "price_per_seat",
    "departure_time",
    "destination",
}


def test_an_entry_has_every_key_in_its_form(client: FlaskClient, departure: Slot) -> None:
    make_booking(departure, quantity=3)

    (entry,) = client.get("/api/boats").get_json()["boats"]

    assert entry.keys() >= ENTRY
    assert entry["id"] == str(departure.resource_id)
    assert entry["departure_id"] == str(departure.id)
    assert (entry["capacity"], entry["available_seats"]) == (10, 7)
    assert entry["has_ac"] is True
    assert entry["price_per_seat"] == 25.0
    assert entry["departure_time"] == f"{departure.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    assert entry["destination"] == "Island Paradise"


@pytest.mark.parametrize(
    ("destination", "is_found"),
    [
        ("Island Paradise", True),
        ("island paradise", True),
        ("isl", True),
        ("", True),
        ("Paradise", False),
        ("%", False),
        ("I_land", False),
    ],
)
def test_a_destination_is_matched_by_its_beginning(
    client: FlaskClient, departure: Slot, destination: str, is_found: bool
) -> None:
    answer = client.get("/api/boats", query_string={"destination": destination})

    assert bool(answer.get_json()["boats"]) is is_found


def test_a_date_is_the_day_in_the_operators_zone(client: FlaskClient, boat: Resource) -> None:
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    late = in_a_month.replace(hour=18, minute=30, second=0, microsecond=0)
    utc_day = late.date()
    local_day = utc_day + timedelta(days=1)  # It is 01:30 in Bangkok.
    make_slot(boat, starts_at=late, local_on=local_day)

    def count(**query: date) -> int:
        return len(client.get("/api/boats", query_string=query).get_json()["boats"])

    assert count(date=local_day) == 1
    assert count(date=utc_day) == 0
    assert count(date_from=local_day, date_to=local_day + timedelta(days=5)) == 1
    assert count(date_from=local_day + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"date": "15.03.2031"},
        {"date": "2031-02-30"},
        {"date": "tomorrow"},
        {"date_from": "x"},
        {"date_from": "2031-03-15", "date_to": "2031-03-14"},
    ],
)
def test_a_bad_date_has_a_code_of_its_own(
    db: Session, client: FlaskClient, query: dict[str, str]
) -> None:
    answer = client.get("/api/boats", query_string=query)

    assert answer.status_code == 400
    assert answer.get_json()["error"] == "invalid_date"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"date": "9999-12-31"}, 0),
        ({"date": "0001-01-01"}, 0),
        ({"date_from": "9999-12-31"}, 0),
        ({"date_to": "0001-01-01"}, 0),
        ({"date_from": "0001-01-01", "date_to": "9999-12-31"}, 1),
    ],
)
def test_a_day_far_off_is_a_day(
    client: FlaskClient, departure: Slot, query: dict[str, str], found: int
) -> None:
    answer = client.get("/api/boats", query_string=query)

    assert answer.status_code == 200
    assert len(answer.get_json()["boats"]) == found


def test_past_and_closed_departures_and_other_trades_are_left_out(
    client: FlaskClient, boat: Resource
) -> None:
    now = datetime.now(UTC)
    make_slot(boat, starts_at=now - timedelta(minutes=1))
    set_open(slot_id=make_slot(boat).id, is_open=False)
    make_slot(make_resource(make_venue(kind=Kind.RESTAURANT)))

    assert client.get("/api/boats").get_json()["boats"] == []


def test_an_operator_narrows_the_list(client: FlaskClient, departure: Slot) -> None:
    slug = departure.resource.venue.slug

    assert client.get(f"/api/boats?operator={slug}").get_json()["boats"]
    assert client.get("/api/boats?operator=nobody").get_json()["boats"] == []


def test_the_list_goes_on_where_a_page_ended(client: FlaskClient, boat: Resource) -> None:
    ids = [str(make_slot(boat).id) for _ in range(3)]

    first = client.get("/api/boats?limit=2").get_json()
    rest = client.get(f"/api/boats?limit=2&cursor={first['next_cursor']}").get_json()

    assert [entry["departure_id"] for entry in first["boats"] + rest["boats"]] == ids
    assert rest["next_cursor"] is None


def test_one_departure_has_its_boat_nested(client: FlaskClient, departure: Slot) -> None:
    url = f"/api/boats/{departure.resource_id}/departures/{departure.id}"

    body = client.get(url).get_json()

    assert body["departure_id"] == str(departure.id)
    assert body["boat"] == {
        "id": str(departure.resource_id),
        "name": "SeaExpress 1",
        "capacity": 10,
        "has_ac": True,
    }
    assert body["available_seats"] == 10
    assert body["price_per_seat"] == 25.0
    assert body["destination"] == "Island Paradise"


def test_a_departure_of_another_boat_is_not_found(client: FlaskClient, departure: Slot) -> None:
    other = make_slot(make_resource(departure.resource.venue))

    for boat_id, departure_id in (
        (other.resource_id, departure.id),
        (departure.id, departure.id),
        ("nonsense", departure.id),
    ):
        answer = client.get(f"/api/boats/{boat_id}/departures/{departure_id}")
        assert answer.status_code == 404
        assert answer.get_json()["error"] == "not_found"


def test_an_overdue_hold_counts_as_free(client: FlaskClient, departure: Slot) -> None:
    make_booking(departure, quantity=4, status=Status.HELD)

    assert client.get("/api/boats").get_json()["boats"][0]["available_seats"] == 6
