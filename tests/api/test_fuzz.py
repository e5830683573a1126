"""Whatever is sent, the answer is never a 500."""

import json
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.api.asking import BOOKINGS, bearer, body_for, url_of
from tests.factories import make_booking, make_slot

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=30)
    | st.sampled_from(["\x00", "\ud800", "2026-02-30", "1e999", "' OR 1=1", "\u202e", "𝟙"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(), max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["slot_ids", "quantity", "guests", "customer", "special_requests", "channel", "hold_minutes"]
)
CONTACT = st.sampled_from(["email", "full_name", "phone", "id"])
ALLOWED = {200, 202, 400, 404, 405, 409, 413, 415, 422}
BOUNDED = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@BOUNDED
@given(wrong=st.dictionaries(NAMES | st.text(max_size=8), ANYTHING, max_size=3))
def test_a_body_with_wrong_values_is_never_a_500(
    db: Session, app: Flask, wrong: dict[str, Any]
) -> None:
    _send(app, json.dumps(body_for(make_slot()) | wrong))


@BOUNDED
@given(wrong=st.dictionaries(CONTACT, ANYTHING, min_size=1, max_size=3))
def test_a_contact_with_wrong_values_is_never_a_500(
    db: Session, app: Flask, wrong: dict[str, Any]
) -> None:
    contact = {"email": "ada@example.com"} | wrong
    _send(app, json.dumps(body_for(make_slot(), customer=contact)))


@BOUNDED
@given(body=st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_never_a_500(db: Session, app: Flask, body: bytes) -> None:
    _send(app, body)


@BOUNDED
@given(
    name=st.sampled_from(["from", "to", "quantity", "resource", "limit", "cursor", "check_in"]),
    value=st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_any_query_is_never_a_500(db: Session, app: Flask, name: str, value: str) -> None:
    slug = make_slot().resource.venue.slug
    client = app.test_client()

    for path in (f"/api/v1/venues/{slug}/slots", "/api/v1/rooms", BOOKINGS, "/api/v1/venues"):
        assert client.get(path, query_string={name: value}).status_code in ALLOWED | {401}


@BOUNDED
@given(body=ANYTHING, path=st.sampled_from(["", "cancel", "confirm", "extend"]))
def test_later_steps_are_never_a_500(db: Session, app: Flask, body: Any, path: str) -> None:
    booking = make_booking()

    answer = app.test_client().open(
        url_of(booking, *filter(None, [path])),
        method="POST" if path else "PATCH",
        data=json.dumps(body),
        content_type="application/json",
        headers=bearer(booking),
    )

    assert answer.status_code in ALLOWED, answer.text


@BOUNDED
@given(
    name=st.sampled_from(
        ["Idempotency-Key", "Prefer", "Authorization", "X-Request-Id", "traceparent", "Accept"]
    ),
    value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60),
)
def test_any_header_is_never_a_500(db: Session, app: Flask, name: str, value: str) -> None:
    headers = {name: value}
    slot = make_slot()
    client = app.test_client()
    if name == "Prefer" and "wait" in value:
        return

    assert client.post(BOOKINGS, json=body_for(slot), headers=headers).status_code in ALLOWED
    assert client.get(f"{BOOKINGS}/ABCDEFG", headers=headers).status_code in ALLOWED
    assert client.get("/", headers=headers).status_code in ALLOWED


def _send(app: Flask, body: str | bytes) -> None:
    answer = app.test_client().post(BOOKINGS, data=body, content_type="application/json")
    assert answer.status_code in ALLOWED, answer.text
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json"
