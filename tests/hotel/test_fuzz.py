"""Whatever is sent to the room platform API or to the accounts, the answer is never a 500."""

import json
from typing import Any

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.accounts.asking import AUTH
from tests.api.test_fuzz import ANYTHING, BOUNDED
from tests.factories import make_member, make_nights
from tests.hotel.conftest import ROOT, bearer

ROOM = {"name": "Sea View", "price_per_night": 1, "location": "Haifa", "total_inventory": 1}
FIELDS = st.sampled_from(
    [*ROOM, "description", "roomId", "checkIn", "checkOut", "email", "password", "full_name"]
)
CALLS = st.sampled_from(["/rooms", "/bookings", "/auth/login", "/auth/register"])
ALLOWED = {200, 201, 400, 401, 403, 404, 409, 422}


@BOUNDED
@given(call=CALLS, wrong=st.dictionaries(FIELDS | st.text(max_size=8), ANYTHING, max_size=3))
def test_a_body_with_wrong_values_is_never_a_500(
    db: Session, app: Flask, call: str, wrong: dict[str, Any]
) -> None:
    nights = make_nights(nights=1)
    stay = {
        "roomId": str(nights[0].resource_id),
        "checkIn": str(nights[0].local_on),
        "checkOut": "2199-01-01",
    }
    user = {"email": f"ada-{nights[0].id}@example.com", "password": "nine lives of a cat"}
    headers = bearer(make_member(nights[0].resource.venue))

    answer = app.test_client().post(
        f"{ROOT}{call}",
        data=json.dumps(ROOM | stay | user | wrong),
        content_type="application/json",
        headers=headers,
    )

    assert answer.status_code in ALLOWED, answer.text
    if answer.status_code >= 400:
        assert set(answer.get_json()) == {"status", "message"}


@BOUNDED
@given(
    path=st.sampled_from(["/rooms", "/rooms/x", "/bookings/my-bookings", "/nothing"]),
    name=st.sampled_from(["checkIn", "checkOut", "location", "other"]),
    value=st.text(st.characters(codec="utf-8"), max_size=40),
    token=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60),
)
def test_any_query_and_token_is_never_a_500(
    db: Session, app: Flask, path: str, name: str, value: str, token: str
) -> None:
    query = {"checkIn": "2030-11-21", "checkOut": "2030-11-23"} | {name: value}
    headers = {"Authorization": f"Bearer {token}"}

    answer = app.test_client().get(f"{ROOT}{path}", query_string=query, headers=headers)

    assert answer.status_code in ALLOWED, answer.text


@BOUNDED
@given(
    call=st.sampled_from(["register", "login", "refresh", "logout", "reset", "proof"]),
    body=ANYTHING | st.dictionaries(FIELDS | st.just("refresh_token"), ANYTHING, max_size=3),
    token=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60),
)
def test_calls_about_accounts_are_never_a_500(
    db: Session, app: Flask, call: str, body: Any, token: str
) -> None:
    answer = app.test_client().post(
        f"{AUTH}/{call}",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code in {200, 201, 202, 204, 400, 401, 422}, answer.text
