"""What the API says can be booked."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking.slots import set_open
from models import CountedIn, Kind, Slot
from tests.api.asking import assert_problem, fields_of
from tests.factories import make_booking, make_nights, make_resource, make_slot, make_venue


def test_a_venue_says_what_it_offers(db: Session, client: FlaskClient) -> None:
    resource = make_resource(make_venue(name="Harbour", currency="EUR"), name="Swift")

    venue = client.get(f"/api/v1/venues/{resource.venue.slug}").get_json()

    assert venue["name"] == "Harbour"
    assert venue["currency"] == "EUR"
    assert venue["policies"]["max_hold_minutes"] == 60
    assert [offered["name"] for offered in venue["resources"]] == ["Swift"]
    assert client.get(venue["links"]["slots"]).status_code == 200


def test_an_unlisted_venue_is_found_by_name_only(db: Session, client: FlaskClient) -> None:
    venue = make_venue(is_listed=False)

    slugs = [found["slug"] for found in client.get("/api/v1/venues").get_json()["items"]]

    assert venue.slug not in slugs
    assert client.get(f"/api/v1/venues/{venue.slug}").status_code == 200


@pytest.mark.parametrize("slug", ["nobody", "a%00b", "%ED%A0%80", "a" * 200, "-x", "a%0A"])
def test_an_unknown_venue_is_a_problem(db: Session, client: FlaskClient, slug: str) -> None:
    for url in (f"/api/v1/venues/{slug}", f"/api/v1/venues/{slug}/slots"):
        assert_problem(client.get(url), 404, "venue_not_found")


def test_slots_carry_what_a_customer_needs(db: Session, client: FlaskClient) -> None:
    slot = make_slot(capacity=6)
    make_booking(slot, quantity=2)

    (found,) = _slots(client, slot)["items"]

    assert found == {
        "id": str(slot.id),
        "resource_id": str(slot.resource_id),
        "starts_at": f"{slot.starts_at:%Y-%m-%dT%H:%M:%S}Z",
        "ends_at": f"{slot.ends_at:%Y-%m-%dT%H:%M:%S}Z",
        "capacity": 6,
        "remaining": 4,
        "max_quantity": 10,
        "price": "12.50",
        "currency": "GBP",
        "attributes": {},
        "status": "open",
    }


def test_full_and_closed_slots_say_so(db: Session, client: FlaskClient) -> None:
    resource = make_resource()
    full, closed = make_slot(resource, capacity=2), make_slot(resource)
    make_booking(full, quantity=2)
    set_open(slot_id=closed.id, is_open=False)

    found = _slots(client, full)["items"]

    assert {slot["id"]: slot["status"] for slot in found} == {
        str(full.id): "full",
        str(closed.id): "closed",
    }
    assert _slots(client, full, quantity=1)["items"] == []


def test_slots_are_read_page_by_page(db: Session, client: FlaskClient) -> None:
    resource = make_resource()
    slots = [make_slot(resource) for _ in range(5)]

    seen, cursor = [], {}
    for _ in range(3):
        page = _slots(client, slots[0], limit=2, **cursor)
        seen += [slot["id"] for slot in page["items"]]
        cursor = {"cursor": page["next_cursor"]}

    assert seen == [str(slot.id) for slot in sorted(slots, key=lambda slot: slot.starts_at)]
    assert page["next_cursor"] is None


def test_a_date_means_the_whole_day_at_the_venue(db: Session, client: FlaskClient) -> None:
    resource = make_resource(make_venue(time_zone="Pacific/Auckland"))
    slot = make_slot(resource)
    evening = slot.starts_at.replace(hour=11, minute=30)  # The next day has begun in Auckland.
    slot = make_slot(resource, starts_at=evening)
    day = (evening + timedelta(hours=13)).date().isoformat()
    eve = evening.date().isoformat()

    url = f"/api/v1/venues/{resource.venue.slug}/slots"
    on_the_day = client.get(url, query_string={"from": day, "to": day}).get_json()["items"]
    before = client.get(url, query_string={"from": eve, "to": eve}).get_json()["items"]

    assert str(slot.id) in [found["id"] for found in on_the_day]
    assert str(slot.id) not in [found["id"] for found in before]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=tomorrow", "from"),
        ("from=2026-02-30", "from"),
        ("from=2026-12-01T10:00:00", "from"),
        ("from=2026-12-01T25:00:00Z", "from"),
        ("from=0001-01-01T00:00:00%2B23:00", "from"),
        ("from=9999-12-31", "from"),
        ("from=2026-12-01%00", "from"),
        ("from=2026-12-01&to=2026-11-01", "to"),
        ("from=2026-12-01&to=2027-12-01", "to"),
        ("quantity=0", "quantity"),
        ("quantity=1.0", "quantity"),
        ("quantity=%D9%A3", "quantity"),
        ("quantity=99999999999999999999", "quantity"),
        ("quantity=", "quantity"),
        ("resource=1", "resource"),
        ("resource=%7B12345678-1234-5678-1234-567812345678%7D", "resource"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("colour=red", "colour"),
        ("%00=1", "\x00"),
    ],
)
def test_a_wrong_query_is_named(db: Session, client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/api/v1/venues/{make_venue().slug}/slots?{query}")

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {field}


def test_a_cursor_belongs_to_its_list(db: Session, client: FlaskClient) -> None:
    make_venue()
    make_venue()
    cursor = client.get("/api/v1/venues?limit=1").get_json()["next_cursor"]
    assert client.get("/api/v1/venues", query_string={"cursor": cursor}).status_code == 200

    answer = client.get(
        f"/api/v1/venues/{make_venue().slug}/slots", query_string={"cursor": cursor}
    )

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {"cursor"}


def test_an_unencoded_plus_is_understood(db: Session, client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/venues/{make_venue().slug}/slots?from=2026-12-01T10:00:00+01:00")

    assert answer.status_code == 200


def test_a_stranger_s_resource_is_not_found(db: Session, client: FlaskClient) -> None:
    other = make_resource()

    answer = client.get(f"/api/v1/venues/{make_venue().slug}/slots?resource={other.id}")

    assert_problem(answer, 404, "resource_not_found")


def test_rooms_are_offered_for_the_whole_stay_only(db: Session, client: FlaskClient) -> None:
    nights = make_nights(nights=3, capacity=2)
    venue = nights[0].resource.venue
    check_in, check_out = nights[0].local_on, nights[2].local_on + timedelta(days=1)
    query = {"check_in": check_in, "check_out": check_out, "venue": venue.slug}

    (room,) = client.get("/api/v1/rooms", query_string=query).get_json()["items"]
    beyond = query | {"check_out": check_out + timedelta(days=1)}

    assert room["slot_ids"] == [str(night.id) for night in nights]
    assert [night["date"] for night in room["nights"]] == [str(n.local_on) for n in nights]
    assert room["total"] == "37.50"
    assert client.get("/api/v1/rooms", query_string=beyond).get_json()["items"] == []
    assert client.get("/api/v1/rooms", query_string=query | {"guests": 3}).get_json()["items"] == []
    many = client.get("/api/v1/rooms", query_string=query | {"guests": 4, "rooms": 2})
    assert many.get_json()["items"][0]["total"] == "75.00"


def test_rooms_are_read_page_by_page(db: Session, client: FlaskClient) -> None:
    venue = make_venue(kind=Kind.HOTEL)
    types = [make_resource(venue, counted_in=CountedIn.ROOMS) for _ in range(3)]
    nights = [make_nights(resource, nights=1)[0] for resource in types]
    query = {
        "check_in": nights[0].local_on,
        "check_out": nights[0].local_on + timedelta(days=1),
        "venue": venue.slug,
        "limit": 2,
    }

    first = client.get("/api/v1/rooms", query_string=query).get_json()
    query["cursor"] = first["next_cursor"]
    second = client.get("/api/v1/rooms", query_string=query).get_json()

    found = [room["resource_id"] for room in first["items"] + second["items"]]
    assert sorted(found) == sorted(str(resource.id) for resource in types)
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("check_out=2090-01-02", "check_in"),
        ("check_in=2090-01-01", "check_out"),
        ("check_in=2020-01-01&check_out=2020-01-02", "check_in"),
        ("check_in=2090-01-02&check_out=2090-01-02", "check_out"),
        ("check_in=2090-01-02&check_out=2090-06-02", "check_out"),
        ("check_in=02.01.2090&check_out=2090-01-03", "check_in"),
        ("check_in=20900102&check_out=2090-01-03", "check_in"),
        ("check_in=2090-01-02&check_out=2090-01-03&guests=0", "guests"),
        ("check_in=2090-01-02&check_out=2090-01-03&rooms=-1", "rooms"),
    ],
)
def test_a_wrong_stay_is_named(db: Session, client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/api/v1/rooms?{query}")

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {field}


def _slots(client: FlaskClient, slot: Slot, **query: Any) -> dict[str, Any]:
    """The slots of its venue around a slot."""
    day = slot.starts_at.date()
    query |= {"from": day - timedelta(days=2), "to": day + timedelta(days=2)}
    url = f"/api/v1/venues/{slot.resource.venue.slug}/slots"
    return client.get(url, query_string=query).get_json()
