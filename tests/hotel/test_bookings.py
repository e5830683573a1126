"""Bookings of the room platform API: section 6 of its contract."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.decide import decide_pending
from booking.slots import set_open
from models import Booking, BookingEvent, Kind, Slot, Status, User, Venue
from settings import settings
from tests.factories import make_booking, make_nights, make_slot, make_user, make_venue
from tests.hotel.conftest import ROOT, Call, assert_refused, bearer
from webapp.hotel import views

AT_ONCE = pytest.mark.usefixtures("_decided_at_once")


@AT_ONCE
def test_a_booking_is_answered_as_the_contract_writes_it(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    body = _stay(room, _day(hotel), 2) | {"user_id": "x", "userId": "y", "quantity": 7}

    answer = call("POST", "/bookings", as_=guest, json=body)

    assert answer.status_code == 201
    found = answer.get_json()
    assert found["message"] == "Booking confirmed"
    booking = db.scalars(select(Booking)).one()
    assert found["booking"] == {
        "id": str(booking.id),
        "user_id": str(guest.id),
        "room_id": room["id"],
        "check_in": f"{body['checkIn']}T00:00:00.000Z",
        "check_out": f"{body['checkOut']}T00:00:00.000Z",
        "status": "CONFIRMED",
        "created_at": found["booking"]["created_at"],
    }
    assert len(found["booking"]["created_at"]) == len("2030-11-20T08:07:28.711Z")
    assert datetime.fromisoformat(found["booking"]["created_at"]).tzinfo is not None
    assert (booking.quantity, booking.contact_email) == (1, guest.email)


@AT_ONCE
def test_all_nights_or_nothing_and_stays_back_to_back(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    day = _day(hotel)
    for first, nights, status in ((2, 2, 201), (2, 2, 201), (0, 3, 409), (0, 2, 201), (4, 1, 201)):
        body = _stay(room, day + timedelta(days=first), nights)
        assert call("POST", "/bookings", as_=guest, json=body).status_code == status


@AT_ONCE
@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"roomId": None}, 400, "roomId"),
        ({"roomId": "1"}, 400, "roomId"),
        ({"roomId": "00000000-0000-0000-0000-000000000000"}, 404, "room"),
        ({"checkIn": "2030-11-31"}, 400, "checkIn"),
        ({"checkIn": "2030-02-30", "checkOut": "2030-03-02"}, 400, "checkIn"),
        ({"checkIn": 20301121}, 400, "checkIn"),
        ({"checkIn": "2000-01-01", "checkOut": "2000-01-02"}, 400, "checkIn"),
        ({"checkIn": "0001-01-01", "checkOut": "0001-01-02"}, 400, "checkIn"),
        ({"checkIn": "2199-01-01", "checkOut": "2199-01-02"}, 409, "not free"),
        ({"checkOut": "9999-12-31"}, 409, "not free"),
        ({"checkIn": "2199-01-01"}, 400, "checkOut"),
        ({"checkIn": "2030-01-01", "checkOut": "2030-01-01", "roomId": str(UUID(int=0))}, 400, ""),
    ],
)
def test_what_cannot_be_booked_says_why(
    db: Session,
    call: Call,
    room: dict[str, Any],
    hotel: Venue,
    guest: User,
    change: dict[str, Any],
    status: int,
    said: str,
) -> None:
    body = _stay(room, _day(hotel), 2) | change

    assert_refused(call("POST", "/bookings", as_=guest, json=body), status, said)
    assert _bookings(db) == 0


@AT_ONCE
def test_yesterday_is_400_and_today_is_booked(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    today = datetime.now(ZoneInfo(hotel.time_zone)).date()

    yesterday = _stay(room, today - timedelta(days=1), 2)
    assert_refused(call("POST", "/bookings", as_=guest, json=yesterday), 400, "checkIn")
    assert call("POST", "/bookings", as_=guest, json=_stay(room, today, 1)).status_code == 201


@AT_ONCE
def test_a_stay_beyond_any_price_is_400(
    db: Session, call: Call, hotel: Venue, manager: User, guest: User
) -> None:
    dear = {"name": "Palace", "price_per_night": 9999999999.99, "location": "Haifa"}
    room = call("POST", "/rooms", as_=manager, json=dear | {"total_inventory": 1}).get_json()

    for nights, status in ((2, 400), (1, 201)):
        body = _stay(room, _day(hotel), nights)
        assert call("POST", "/bookings", as_=guest, json=body).status_code == status


@AT_ONCE
def test_full_and_closed_nights_are_409(db: Session, call: Call, guest: User) -> None:
    nights = make_nights(nights=2, capacity=1)
    body = _stay_of(nights)
    set_open(slot_id=nights[1].id, is_open=False)
    assert_refused(call("POST", "/bookings", as_=guest, json=body), 409, "closed")
    set_open(slot_id=nights[1].id, is_open=True)
    assert call("POST", "/bookings", as_=guest, json=body).status_code == 201
    assert_refused(call("POST", "/bookings", as_=guest, json=body), 409, "not free")


@pytest.mark.parametrize("what", ["delete", "hide"])
@AT_ONCE
def test_what_the_venue_takes_away_meanwhile_is_refused(
    db: Session, call: Call, guest: User, what: str
) -> None:
    nights = make_nights(nights=3)
    body = _stay_of(nights)
    if what == "delete":
        db.delete(nights[1])
    else:
        nights[0].resource.venue.is_listed = False
    db.commit()

    answer = call("POST", "/bookings", as_=guest, json=body)

    assert_refused(answer, 409 if what == "delete" else 404)


def test_nobody_decides_and_nothing_is_booked(
    db: Session, call: Call, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wait_only(monkeypatch, 0.3)
    nights = make_nights(nights=2, capacity=1)

    answer = call("POST", "/bookings", as_=guest, json=_stay_of(nights))
    decide_pending(nights[0].resource_id)

    assert_refused(answer, 409, "Nothing was booked", "again is safe")
    assert db.scalars(select(Booking.status)).all() == [Status.EXPIRED]
    assert {slot.remaining for slot in nights} == {1}


def test_the_deadline_is_in_the_row(
    db: Session, call: Call, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web process that dies while it waits leaves a hold that no worker confirms afterwards."""
    assert settings.room_platform_wait_seconds == 3.5
    nights = make_nights()
    monkeypatch.setattr(views, "wait_or_withdraw", _died)

    answer = call("POST", "/bookings", as_=guest, json=_stay_of(nights))

    assert_refused(answer, 500)
    booking = db.scalars(select(Booking)).one()
    assert booking.expires_at is not None
    patience = booking.expires_at - booking.created_at
    assert abs(patience - timedelta(seconds=3.5)) < timedelta(seconds=0.5)


def test_a_decision_while_it_waits_is_the_answer(
    committed_db: Session, app: Flask, decider: Callable[[UUID], None]
) -> None:
    nights = make_nights(nights=2)
    guest = make_user()
    decider(nights[0].resource_id)

    answer = _client(app).post(f"{ROOT}/bookings", json=_stay_of(nights), headers=bearer(guest))

    assert answer.status_code == 201


def test_two_callers_and_one_unit(
    committed_db: Session, app: Flask, decider: Callable[[UUID], None]
) -> None:
    nights = make_nights(nights=2, capacity=1)
    headers = [bearer(make_user()) for _ in range(6)]
    decider(nights[0].resource_id)
    together = threading.Barrier(len(headers))
    statuses = []

    def book(header: dict[str, str]) -> None:
        client = _client(app)
        together.wait()
        answer = client.post(f"{ROOT}/bookings", json=_stay_of(nights), headers=header)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=book, args=(header,)) for header in headers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(statuses) == [201] + [409] * 5


@AT_ONCE
def test_an_idempotency_key_makes_a_retry_safe(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    body = _stay(room, _day(hotel), 2)
    key = {"Idempotency-Key": "stay-17"}

    first, second = (
        call("POST", "/bookings", as_=guest, json=body, headers=dict(key)) for _ in range(2)
    )
    other = call("POST", "/bookings", as_=make_user(), json=body, headers=dict(key))
    changed = _stay(room, _day(hotel), 3)

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 201)
    assert second.get_json() == first.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.get_json()["booking"]["id"] != first.get_json()["booking"]["id"]
    assert_refused(
        call("POST", "/bookings", as_=guest, json=changed, headers=dict(key)), 422, "key"
    )
    assert_refused(
        call("POST", "/bookings", as_=guest, json=body, headers={"Idempotency-Key": " "}), 400
    )


@AT_ONCE
def test_a_retry_after_the_cancellation_does_not_say_confirmed(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    def ask() -> Any:
        key = {"Idempotency-Key": "stay-18"}
        body = _stay(room, _day(hotel), 1)
        return call("POST", "/bookings", as_=guest, json=body, headers=key).get_json()

    first = ask()
    call("POST", f"/bookings/{first['booking']['id']}/cancel", as_=guest)
    second = ask()

    assert first["message"] == "Booking confirmed"
    assert second["message"] == "Booking cancelled"
    assert second["booking"] == first["booking"] | {"status": "CANCELLED"}


@AT_ONCE
def test_my_bookings_are_mine_and_the_newest_come_first(
    db: Session, call: Call, room: dict[str, Any], hotel: Venue, guest: User
) -> None:
    day = _day(hotel)
    ids = [
        call(
            "POST", "/bookings", as_=guest, json=_stay(room, day + timedelta(days=n), 1)
        ).get_json()["booking"]["id"]
        for n in range(3)
    ]
    call("POST", "/bookings", as_=make_user(), json=_stay(room, day, 1))

    found = call("GET", "/bookings/my-bookings", as_=guest).get_json()

    assert [booking["id"] for booking in found] == ids[::-1]
    assert found[0]["room"] == {
        "name": "Sea View",
        "location": "Haifa",
        "price_per_night": "120.50",
    }
    listed = "id user_id room_id check_in check_out status created_at room"
    assert set(found[0]) == set(listed.split())


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status.CONFIRMED, "CONFIRMED"),
        (Status.CHECKED_IN, "CONFIRMED"),
        (Status.COMPLETED, "CONFIRMED"),
        (Status.CANCELLED, "CANCELLED"),
        (Status.PENDING, None),
        (Status.HELD, None),
        (Status.REJECTED, None),
        (Status.EXPIRED, None),
    ],
)
def test_statuses_are_shown_in_two_words(
    db: Session, call: Call, guest: User, status: Status, shown: str | None
) -> None:
    make_booking(*make_nights(), status=status, quantity=1, user_id=guest.id)

    found = call("GET", "/bookings/my-bookings", as_=guest).get_json()

    assert [booking["status"] for booking in found] == ([shown] if shown else [])


def test_a_no_show_is_shown_as_cancelled(db: Session, call: Call, guest: User) -> None:
    yesterday = (datetime.now(ZoneInfo("UTC")) - timedelta(days=1)).date()
    nights = make_nights(first=yesterday, nights=2)
    make_booking(*nights, status=Status.NO_SHOW, quantity=1, user_id=guest.id, is_bound=False)

    (found,) = call("GET", "/bookings/my-bookings", as_=guest).get_json()

    assert found["status"] == "CANCELLED"
    assert found["check_in"] == f"{yesterday}T00:00:00.000Z"


def test_what_was_booked_elsewhere_is_seen_here_and_tables_are_not(
    db: Session, call: Call, guest: User
) -> None:
    nights = make_nights(nights=2)
    make_booking(*nights, user_id=guest.id, quantity=1)
    make_booking(make_slot(), user_id=guest.id)
    make_booking(*make_nights(), email=guest.email, quantity=1)

    found = call("GET", "/bookings/my-bookings", as_=guest).get_json()
    assert [booking["room_id"] for booking in found] == [str(nights[0].resource_id)]
    guest.confirmed_at = func.now()
    db.commit()
    assert len(call("GET", "/bookings/my-bookings", as_=guest).get_json()) == 2


@AT_ONCE
def test_cancel_frees_the_nights_and_again_is_the_same(
    db: Session, call: Call, guest: User
) -> None:
    nights = make_nights(nights=2, capacity=1)
    booking = call("POST", "/bookings", as_=guest, json=_stay_of(nights)).get_json()["booking"]

    first = call("POST", f"/bookings/{booking['id']}/cancel", as_=guest)
    second = call("POST", f"/bookings/{booking['id'].upper()}/cancel", as_=guest)

    assert first.status_code == second.status_code == 200
    assert first.get_json() == second.get_json()
    assert first.get_json()["booking"] == booking | {"status": "CANCELLED"}
    assert first.get_json()["message"]
    assert {slot.remaining for slot in nights} == {1}
    actor = db.scalar(select(BookingEvent.actor).where(BookingEvent.kind == "cancelled"))
    assert actor == f"customer:{guest.id}"


def test_foreign_and_unknown_bookings_are_404_and_late_ones_409(
    db: Session, call: Call, guest: User
) -> None:
    foreign = make_booking(*make_nights(), quantity=1)
    done = make_booking(*make_nights(), quantity=1, user_id=guest.id, status=Status.CHECKED_IN)
    strict = make_venue(kind=Kind.HOTEL, cancel_cutoff_minutes=60 * 24 * 60)
    late = make_booking(*_nights_at(strict), quantity=1, user_id=guest.id)

    for path in (foreign.id, UUID(int=0), "x", "%00"):
        assert_refused(call("POST", f"/bookings/{path}/cancel", as_=guest), 404)
    for booking in (done, late):
        assert_refused(call("POST", f"/bookings/{booking.id}/cancel", as_=guest), 409)
    assert_refused(call("POST", f"/bookings/{foreign.id}/cancel"), 401)


def _nights_at(venue: Venue) -> list[Slot]:
    from models import CountedIn
    from tests.factories import make_resource

    return make_nights(make_resource(venue, counted_in=CountedIn.ROOMS))


def _died(*_: object) -> None:
    raise RuntimeError("the process is gone")


def _wait_only(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    wait = views.wait_or_withdraw
    monkeypatch.setattr(views, "wait_or_withdraw", lambda booking, _: wait(booking, seconds))


def _client(app: Flask) -> FlaskClient:
    return app.test_client()


def _day(hotel: Venue) -> date:
    return datetime.now(ZoneInfo(hotel.time_zone)).date() + timedelta(days=10)


def _stay(room: dict[str, Any], first: date, nights: int) -> dict[str, str]:
    return {
        "roomId": room["id"],
        "checkIn": str(first),
        "checkOut": str(first + timedelta(days=nights)),
    }


def _stay_of(nights: list[Slot]) -> dict[str, str]:
    return _stay({"id": str(nights[0].resource_id)}, nights[0].local_on, len(nights))


def _bookings(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Booking)) or 0
