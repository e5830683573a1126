"""A booking through the API, from the request to its end."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.decide import decide_pending
from booking.slots import set_open
from models import Booking, CountedIn, Customer, Status
from tests.api.asking import (
    BOOKINGS,
    assert_problem,
    bearer,
    body_for,
    fields_of,
    post_booking,
    url_of,
)
from tests.factories import (
    make_booking,
    make_nights,
    make_reason,
    make_resource,
    make_slot,
    make_venue,
    set_overdue,
)


def test_a_request_is_accepted_and_rings(
    db: Session, client: FlaskClient, rings: list[UUID]
) -> None:
    slot = make_slot()

    answer = post_booking(client, slot)

    assert answer.status_code == 202
    placed = answer.get_json()
    assert answer.headers["Location"] == placed["links"]["self"]
    assert placed["status"] == "pending"
    assert placed["customer"]["phone"] == "+442079460958"
    assert placed["position"] == 0
    assert placed["total"] == "25.00"
    assert rings == [slot.resource_id]


def test_a_booking_shows_what_the_contract_lists(db: Session, client: FlaskClient) -> None:
    slot = make_slot()

    placed = post_booking(client, slot).get_json()

    listed = """id reference venue resource slots quantity guests customer special_requests channel
        status reason remaining position expected_seconds expires_at total currency created_at
        decided_at links venue_name resource_name time_zone email_refused access_token"""
    assert set(placed) == set(listed.split())
    assert placed["venue"] == slot.resource.venue.slug
    assert placed["resource"] == str(slot.resource_id)
    assert set(placed["slots"][0]) == {"id", "starts_at", "ends_at", "price"}
    assert set(placed["customer"]) == {"email", "full_name", "phone"}
    created = datetime.fromisoformat(placed["created_at"])
    assert placed["created_at"].endswith("Z")
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60


def test_its_token_shows_the_decision(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    placed = post_booking(client, slot).get_json()
    decide_pending(slot.resource_id)

    headers = {"Authorization": f"bearer {placed['access_token']}"}
    answer = client.get(placed["links"]["self"], headers=headers)

    assert answer.status_code == 200
    booking = answer.get_json()
    assert booking["status"] == "confirmed"
    assert booking["decided_at"]
    assert booking["position"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert "access_token" not in booking
    assert set(booking["links"]) == {"self", "events", "cancel", "change"}


def test_a_refusal_says_why_and_what_was_left(db: Session, client: FlaskClient) -> None:
    booking = make_booking(make_slot(capacity=1), status=Status.PENDING)
    decide_pending(booking.resource_id)

    shown = client.get(url_of(booking), headers=bearer(booking)).get_json()

    assert (shown["status"], shown["reason"], shown["remaining"]) == ("rejected", "full", 1)


def test_wrong_token_and_unknown_reference_look_alike(db: Session, client: FlaskClient) -> None:
    booking, other = make_booking(), make_booking()
    unknown = f"{BOOKINGS}/AAAAAAA"
    good = bearer(booking)["Authorization"]
    asked = [
        (url_of(booking), {}),
        (url_of(booking), {"Authorization": "Bearer nonsense"}),
        (url_of(booking), {"Authorization": good[:-1]}),
        (url_of(booking), {"Authorization": good.replace("Bearer", "Basic")}),
        (url_of(booking), bearer(other)),
        (url_of(booking).replace(booking.reference, booking.reference.lower()), bearer(booking)),
        (unknown, {}),
        (unknown, bearer(other)),
        (f"{BOOKINGS}/x%00y", bearer(other)),
    ]

    answers = [client.get(url, headers=headers) for url, headers in asked]

    bodies = []
    for answer in answers:
        body = assert_problem(answer, 404, "booking_not_found")
        body.pop("request_id")
        bodies.append(body)
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ()),
        ("GET", ("events",)),
        ("PATCH", ()),
        ("POST", ("cancel",)),
        ("POST", ("confirm",)),
        ("POST", ("extend",)),
    ],
)
def test_nothing_of_a_booking_opens_to_another_token(
    db: Session, client: FlaskClient, method: str, path: tuple[str, ...]
) -> None:
    booking, other = make_booking(status=Status.HELD), make_booking()
    body = {"minutes": 5} if path == ("extend",) else {"quantity": 1} if not path else {}

    answer = client.open(
        url_of(booking, *path),
        method=method,
        json=None if method == "GET" else body,
        headers=bearer(other),
    )

    assert_problem(answer, 404, "booking_not_found")
    assert booking.status == Status.HELD


def test_a_raised_access_version_voids_the_token(db: Session, client: FlaskClient) -> None:
    booking = make_booking()
    old = bearer(booking)
    booking.access_version += 1
    db.commit()

    assert client.get(url_of(booking), headers=old).status_code == 404
    assert client.get(url_of(booking), headers=bearer(booking)).status_code == 200


def test_cancel_twice_answers_the_same(db: Session, client: FlaskClient) -> None:
    slot = make_slot(capacity=4)
    booking = make_booking(slot, quantity=3)
    reason = make_reason(slot.resource.venue)

    first = client.post(
        url_of(booking, "cancel"), json={"reason_id": reason.id}, headers=bearer(booking)
    )
    second = client.post(url_of(booking, "cancel"), headers=bearer(booking))

    assert first.get_json()["status"] == "cancelled"
    assert second.get_json() == first.get_json()
    assert slot.remaining == 4
    assert set(first.get_json()["links"]) == {"self", "events"}


def test_a_stranger_s_reason_is_refused_by_name(db: Session, client: FlaskClient) -> None:
    booking = make_booking()
    reason = make_reason(make_venue())

    answer = client.post(
        url_of(booking, "cancel"), json={"reason_id": reason.id}, headers=bearer(booking)
    )

    assert_problem(answer, 422, "reason_not_found")
    assert fields_of(answer) == {"reason_id"}


def test_two_steps_hold_extend_confirm(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    placed = client.post(BOOKINGS, json=body_for(slot, hold_minutes=10)).get_json()
    decide_pending(slot.resource_id)
    headers = {"Authorization": f"Bearer {placed['access_token']}"}

    held = client.get(placed["links"]["self"], headers=headers).get_json()
    more = client.post(held["links"]["extend"], json={"minutes": 30}, headers=headers).get_json()
    confirmed = client.post(held["links"]["confirm"], headers=headers).get_json()

    assert held["status"] == "held"
    assert more["expires_at"] > held["expires_at"]
    assert (confirmed["status"], confirmed["expires_at"]) == ("confirmed", None)


def test_a_passed_deadline_is_true_without_a_sweep(db: Session, client: FlaskClient) -> None:
    booking = make_booking(status=Status.HELD)
    set_overdue(booking.id)

    shown = client.get(url_of(booking), headers=bearer(booking)).get_json()
    confirm = client.post(url_of(booking, "confirm"), headers=bearer(booking))
    extend = client.post(url_of(booking, "extend"), json={"minutes": 5}, headers=bearer(booking))

    assert (shown["status"], shown["reason"]) == ("expired", "not_confirmed")
    assert_problem(confirm, 409, "deadline_passed")
    assert_problem(extend, 409, "deadline_passed")


@pytest.mark.parametrize(
    ("status", "path", "code"),
    [
        (Status.PENDING, "confirm", "not_confirmable"),
        (Status.CONFIRMED, "extend", "not_extendable"),
        (Status.REJECTED, "cancel", "not_cancellable"),
        (Status.COMPLETED, "cancel", "not_cancellable"),
    ],
)
def test_what_the_state_forbids_is_a_conflict(
    db: Session, client: FlaskClient, status: Status, path: str, code: str
) -> None:
    booking = make_booking(status=status)
    body = {"minutes": 5} if path == "extend" else {}

    answer = client.post(url_of(booking, path), json=body, headers=bearer(booking))

    assert_problem(answer, 409, code)


def test_a_change_is_whole(db: Session, client: FlaskClient) -> None:
    resource = make_resource()
    old, new = make_slot(resource, capacity=4), make_slot(resource, capacity=4)
    booking = make_booking(old, quantity=2)

    answer = client.patch(
        url_of(booking),
        json={"slot_ids": [str(new.id)], "quantity": 3, "special_requests": "Window"},
        headers=bearer(booking),
    )

    changed = answer.get_json()
    assert [slot["id"] for slot in changed["slots"]] == [str(new.id)]
    assert (changed["quantity"], changed["special_requests"]) == (3, "Window")
    assert (old.remaining, new.remaining) == (4, 1)


def test_a_change_that_does_not_fit_says_why(db: Session, client: FlaskClient) -> None:
    slot = make_slot(capacity=3)
    booking = make_booking(slot, quantity=2)

    answer = client.patch(url_of(booking), json={"quantity": 5}, headers=bearer(booking))

    body = assert_problem(answer, 409, "full")
    assert (body["reason"], body["remaining"], body["slot_id"]) == ("full", 3, str(slot.id))
    assert slot.remaining == 1


def test_an_empty_change_is_refused(db: Session, client: FlaskClient) -> None:
    booking = make_booking()

    answer = client.patch(url_of(booking), json={}, headers=bearer(booking))

    assert_problem(answer, 422, "nothing_to_change")


def test_a_stay_is_one_booking(db: Session, client: FlaskClient) -> None:
    nights = make_nights(nights=2)

    answer = client.post(BOOKINGS, json=body_for(*nights, quantity=1, guests=2))

    assert answer.status_code == 202
    assert answer.get_json()["total"] == "25.00"
    assert answer.get_json()["guests"] == 2


def test_what_can_never_be_makes_no_booking(db: Session, client: FlaskClient) -> None:
    slot, foreign = make_slot(), make_slot()
    nights = make_nights(nights=3)
    past = make_slot(starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    room = make_slot(make_resource(counted_in=CountedIn.ROOMS))
    cases = [
        (body_for(slot, foreign), "slots_of_two_resources", "slot_ids"),
        (body_for(slot, slot), "slots_repeated", "slot_ids"),
        (body_for(nights[0], nights[2], quantity=1), "slots_apart", "slot_ids"),
        (body_for(past), "slot_has_started", "slot_ids"),
        (body_for(slot, slot_ids=[str(UUID(int=7))]), "slot_not_found", "slot_ids"),
        (body_for(slot, quantity=11), "quantity_too_large", "quantity"),
        (body_for(slot, guests=2), "guests_not_counted", "guests"),
        (body_for(room, quantity=1, guests=3), "too_many_guests", "guests"),
        (body_for(slot, hold_minutes=61), "hold_too_long", "hold_minutes"),
    ]

    for body, code, field in cases:
        answer = client.post(BOOKINGS, json=body)
        assert_problem(answer, 422, code)
        assert fields_of(answer) == {field}

    assert db.scalar(select(func.count()).select_from(Booking)) == 0
    assert db.scalar(select(func.count()).select_from(Customer)) == 0


def test_what_depends_on_the_moment_is_decided(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    set_open(slot_id=slot.id, is_open=False)

    assert post_booking(client, slot).status_code == 202


def test_the_request_leaves_its_trace_on_the_row(db: Session, client: FlaskClient) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    answer = post_booking(client, make_slot(), X_Request_Id="web-1.42", traceparent=trace)

    booking = db.get_one(Booking, UUID(answer.get_json()["id"]))
    assert (booking.request_id, booking.traceparent) == ("web-1.42", trace)
    assert answer.headers["X-Request-Id"] == "web-1.42"
    assert answer.headers["traceparent"] == trace


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a;b", "ü"])
def test_a_request_id_that_is_none_is_replaced(
    db: Session, client: FlaskClient, given: str
) -> None:
    answer = client.get("/api/v1/venues", headers={"X-Request-Id": given, "traceparent": "x"})

    assert len(answer.headers["X-Request-Id"]) == 32
    assert "traceparent" not in answer.headers


def test_only_a_stranger_s_address_is_counted(db: Session, client: FlaskClient) -> None:
    slot = make_slot()
    hashes = []
    for address in ("127.0.0.1", "203.0.113.7", "2001:db8::1", "2001:db8::2", "::ffff:203.0.113.7"):
        answer = client.post(BOOKINGS, json=body_for(slot), environ_base={"REMOTE_ADDR": address})
        hashes.append(db.get_one(Booking, UUID(answer.get_json()["id"])).address_hash)

    loopback, v4, v6, same_network, mapped = hashes
    assert loopback is None
    assert v4 == mapped
    assert v6 == same_network
    assert v4 != v6


def test_a_full_queue_is_refused_before_it_is_written(db: Session, client: FlaskClient) -> None:
    resource = make_resource(make_venue(patience_seconds=1), decisions_per_second=1)
    slot = make_slot(resource)
    make_booking(slot, status=Status.PENDING)

    answer = post_booking(client, slot)

    assert_problem(answer, 503, "too_busy")
    assert int(answer.headers["Retry-After"]) > 0
