"""The language that a booking's customer is written to in: named in the body, or the request's."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models import Booking, Resource
from tests.api.asking import BOOKINGS, body_for
from tests.factories import make_slot


@pytest.mark.parametrize(
    ("accepted", "kept"),
    [("de-AT,en;q=0.5", "de-AT"), ("pt,fr;q=0.3", "fr"), ("pt", None), ("*", None), (None, None)],
)
def test_the_language_of_the_request_is_kept_with_the_booking(
    client: FlaskClient, db: Session, resource: Resource, accepted: str | None, kept: str | None
) -> None:
    answer = client.post(
        BOOKINGS,
        json=body_for(make_slot(resource)),
        headers={"Accept-Language": accepted} if accepted else {},
    )

    assert answer.status_code == 202, answer.text
    assert db.get_one(Booking, answer.get_json()["id"]).language == kept


@pytest.mark.parametrize(
    ("named", "kept"), [("fr-CH", "fr-CH"), ("it", "it"), (None, "de")], ids=str
)
def test_a_language_that_is_named_comes_before_that_of_the_request(
    client: FlaskClient, db: Session, resource: Resource, named: str | None, kept: str
) -> None:
    body = body_for(make_slot(resource), language=named)

    answer = client.post(BOOKINGS, json=body, headers={"Accept-Language": "de"})

    assert answer.status_code == 202, answer.text
    assert db.get_one(Booking, answer.get_json()["id"]).language == kept


def test_to_name_no_language_makes_no_other_body(
    client: FlaskClient, db: Session, resource: Resource
) -> None:
    body = body_for(make_slot(resource))

    asked = [
        client.post(BOOKINGS, json=each, headers={"Idempotency-Key": "once"})
        for each in (body, body, body | {"language": "fr"})
    ]

    assert [answer.status_code for answer in asked] == [202, 202, 422]
    assert asked[1].headers["Idempotency-Replayed"] == "true"
