"""What does not have its form is refused by name, at once, and makes no booking."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Booking, Status
from tests.api.asking import BOOKINGS, assert_problem, bearer, body_for, fields_of, url_of
from tests.factories import make_booking, make_slot

CUSTOMER = {"email": "ada@example.com"}

WRONG_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"quantity": True}, "quantity"),
    ({"quantity": "1"}, "quantity"),
    ({"quantity": 1.5}, "quantity"),
    ({"quantity": 1.0}, "quantity"),
    ({"quantity": 0}, "quantity"),
    ({"quantity": -1}, "quantity"),
    ({"quantity": 2**31}, "quantity"),
    ({"quantity": 10**400}, "quantity"),
    ({"quantity": None}, "quantity"),
    ({"quantity": []}, "quantity"),
    ({"guests": False}, "guests"),
    ({"hold_minutes": 0}, "hold_minutes"),
    ({"hold_minutes": "15"}, "hold_minutes"),
    ({"slot_ids": []}, "slot_ids"),
    ({"slot_ids": "a"}, "slot_ids"),
    ({"slot_ids": {}}, "slot_ids"),
    ({"slot_ids": None}, "slot_ids"),
    ({"slot_ids": [None]}, "slot_ids.0"),
    ({"slot_ids": [7]}, "slot_ids.0"),
    ({"slot_ids": ["7"]}, "slot_ids.0"),
    ({"slot_ids": ["{12345678-1234-5678-1234-567812345678}"]}, "slot_ids.0"),
    ({"slot_ids": ["12345678123456781234567812345678"]}, "slot_ids.0"),
    ({"slot_ids": ["12345678-1234-5678-1234-567812345678"] * 367}, "slot_ids"),
    ({"customer": None}, "customer"),
    ({"customer": []}, "customer"),
    ({"customer": {}}, "customer.email"),
    ({"customer": {"email": None}}, "customer.email"),
    ({"customer": {"email": 5}}, "customer.email"),
    ({"customer": {"email": "ada"}}, "customer.email"),
    ({"customer": {"email": "ada@localhost"}}, "customer.email"),
    ({"customer": {"email": "a@example.com, b@example.com"}}, "customer.email"),
    ({"customer": {"email": "a@example.com\nBcc: b@example.com"}}, "customer.email"),
    ({"customer": {"email": "a\x00@example.com"}}, "customer.email"),
    ({"customer": {"email": "a" * 400 + "@example.com"}}, "customer.email"),
    ({"customer": CUSTOMER | {"nickname": "A"}}, "customer.nickname"),
    ({"customer": CUSTOMER | {"full_name": ""}}, "customer.full_name"),
    ({"customer": CUSTOMER | {"full_name": "  "}}, "customer.full_name"),
    ({"customer": CUSTOMER | {"full_name": "A\x00"}}, "customer.full_name"),
    ({"customer": CUSTOMER | {"full_name": "A\r\nBcc: x"}}, "customer.full_name"),
    ({"customer": CUSTOMER | {"full_name": "a" * 201}}, "customer.full_name"),
    ({"customer": CUSTOMER | {"phone": "call me"}}, "customer.phone"),
    ({"customer": CUSTOMER | {"phone": "+1"}}, "customer.phone"),
    ({"customer": CUSTOMER | {"phone": "+999 12345678"}}, "customer.phone"),
    ({"customer": CUSTOMER | {"phone": 4420}}, "customer.phone"),
    ({"special_requests": "a" * 2001}, "special_requests"),
    ({"special_requests": "a\x00b"}, "special_requests"),
    ({"special_requests": "\ud800"}, "special_requests"),
    ({"special_requests": 5}, "special_requests"),
    ({"channel": "a b"}, "channel"),
    ({"channel": None}, "channel"),
    ({"channel": "a" * 41}, "channel"),
    ({"language": ""}, "language"),
    ({"language": "german"}, "language"),
    ({"language": "de\r\nBcc: x"}, "language"),
    ({"language": "de-" + "a" * 40}, "language"),
    ({"language": 5}, "language"),
    ({"status": "confirmed"}, "status"),
    ({"price": "0.00"}, "price"),
    ({"decide_within": 1}, "decide_within"),
]


@pytest.mark.parametrize(("given", "field"), WRONG_VALUES, ids=lambda value: str(value)[:60])
def test_a_wrong_value_is_named(
    db: Session, client: FlaskClient, given: dict[str, Any], field: str
) -> None:
    answer = client.post(BOOKINGS, json=body_for(make_slot(), **given))

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {field}
    assert db.scalar(select(func.count()).select_from(Booking)) == 0


@pytest.mark.parametrize("name", ["slot_ids", "quantity", "customer"])
def test_a_missing_field_is_named(db: Session, client: FlaskClient, name: str) -> None:
    body = body_for(make_slot())
    del body[name]

    answer = client.post(BOOKINGS, json=body)

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {name}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"\xff\xfe",
        b'{"quantity": NaN}',
        b'{"quantity": Infinity}',
        b'{"quantity": 1e999}',
        b'{"quantity": ' + b"9" * 5000 + b"}",
        b'{"quantity": 1, "quantity": 2}',
        b"[" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": "\n"}',
        b"{} {}",
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_body_that_is_no_json_is_malformed(client: FlaskClient, body: bytes) -> None:
    answer = client.post(BOOKINGS, data=body, content_type="application/json")

    assert_problem(answer, 400, "malformed_json")


@pytest.mark.parametrize("body", ["[]", "null", "1", '"a"', "true"])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.post(BOOKINGS, data=body, content_type="application/json")

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {"body"}


def test_a_body_of_a_hundred_thousand_levels_is_too_large(client: FlaskClient) -> None:
    answer = client.post(BOOKINGS, data=b"[" * 100_000, content_type="application/json")

    assert_problem(answer, 413, "body_too_large")


def test_a_megabyte_is_too_large(client: FlaskClient) -> None:
    body = json.dumps({"special_requests": "a" * 1_000_000})

    answer = client.post(BOOKINGS, data=body, content_type="application/json")

    assert_problem(answer, 413, "body_too_large")


def test_a_body_in_chunks_is_measured_too(client: FlaskClient) -> None:
    body = json.dumps({"special_requests": "a" * 100_000}).encode()

    answer = client.post(
        BOOKINGS,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_base={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
def test_another_content_type_is_refused(client: FlaskClient, content_type: str) -> None:
    answer = client.post(BOOKINGS, data=b"{}", content_type=content_type)

    assert_problem(answer, 415, "unsupported_media_type")


def test_json_without_a_content_type_is_refused(client: FlaskClient) -> None:
    assert_problem(client.post(BOOKINGS, data=b"{}"), 415, "unsupported_media_type")


def test_an_unknown_field_s_name_is_shown_short(client: FlaskClient) -> None:
    answer = client.post(BOOKINGS, json={"x" * 50_000: 1, "\ud800": 2})

    assert_problem(answer, 422, "invalid_request")
    assert len(answer.data) < 2000


def test_harmless_differences_are_accepted(db: Session, client: FlaskClient) -> None:
    body = body_for(
        make_slot(),
        customer={"email": " Ada@EXAMPLE.com ", "full_name": " Ada 🚀 ", "phone": "020 7946 0958"},
        special_requests="Zeile 1\nZeile 2\t✓",
        guests=None,
        hold_minutes=None,
    )

    answer = client.post(
        BOOKINGS, data=json.dumps(body), content_type="application/json; charset=utf-8"
    )

    assert answer.status_code == 202
    assert answer.get_json()["customer"] == {
        "email": "Ada@example.com",
        "full_name": "Ada 🚀",
        "phone": "020 7946 0958",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "cancel", {"reason_id": "1"}, "reason_id"),
        ("POST", "cancel", {"reason_id": 0}, "reason_id"),
        ("POST", "cancel", {"why": 1}, "why"),
        ("POST", "confirm", {"now": True}, "now"),
        ("POST", "extend", {}, "minutes"),
        ("POST", "extend", {"minutes": True}, "minutes"),
        ("POST", "extend", {"minutes": 10**9}, "minutes"),
        ("PATCH", "", {"quantity": None}, "quantity"),
        ("PATCH", "", {"quantity": 2**40}, "quantity"),
        ("PATCH", "", {"slot_ids": []}, "slot_ids"),
        ("PATCH", "", {"status": "confirmed"}, "status"),
        ("PATCH", "", {"special_requests": "\x00"}, "special_requests"),
    ],
)
def test_later_steps_are_as_strict(
    db: Session, client: FlaskClient, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    booking = make_booking(status=Status.HELD)

    answer = client.open(
        url_of(booking, *filter(None, [path])), method=method, json=body, headers=bearer(booking)
    )

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {field}


@pytest.mark.parametrize("query", ["wait=x", "wait=-1", "wait=1.5", "wait=99999999999", "who=me"])
def test_waiting_is_asked_for_properly(db: Session, client: FlaskClient, query: str) -> None:
    booking = make_booking()

    answer = client.get(f"{url_of(booking)}?{query}", headers=bearer(booking))

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {query.partition("=")[0]}


@pytest.mark.parametrize("query", ["status=lost", "status=", "venue=", "limit=1000", "page=2"])
def test_a_list_is_asked_for_properly(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{BOOKINGS}?{query}")

    assert_problem(answer, 422, "invalid_request")
    assert fields_of(answer) == {query.partition("=")[0]}
