"""A person's own data over HTTP: asked for by mail, looked at, taken along, erased."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import ErasureRequest, Notification
from tests.privacy.stale import make_over
from tests.privacy.test_erasing import EMAIL, MARK, again, link_for, make_theirs

API = "/api/v1/privacy"
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


def post(client: FlaskClient, path: str, **body: object) -> Any:
    return client.post(f"{API}/{path}", json=body)


def test_the_answer_is_the_same_for_whomever_one_asks(client: FlaskClient, db: Session) -> None:
    make_theirs()

    answers = [post(client, "requests", email=email) for email in (EMAIL, "nobody@example.com")]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].data == answers[1].data
    assert db.scalar(select(func.count()).where(Notification.kind == "privacy")) == 2


def test_a_person_looks_takes_along_and_is_erased(client: FlaskClient, db: Session) -> None:
    theirs = make_theirs()
    token = link_for(db)

    seen = post(client, "preview", token=token).get_json()
    assert (seen["email"], seen["erasable"], seen["coming"]) == (EMAIL, 1, [])
    taken = post(client, "export", token=token)
    assert taken.get_json()["bookings"][0]["reference"] == theirs.reference
    assert "attachment" in taken.headers["Content-Disposition"]
    assert taken.headers["Cache-Control"] == "no-store"

    asked = post(client, "erasure", token=token, on_future="keep")
    assert (asked.status_code, asked.get_json()["state"]) == (202, "open")
    again(db)

    status = client.get(f"{API}/requests/{asked.get_json()['id']}").get_json()
    assert (status["state"], status["waits_for"]) == ("done", None)
    assert MARK not in str(status)
    assert post(client, "preview", token=token).status_code == 410


@pytest.mark.parametrize("path", ["preview", "export", "erasure"])
def test_a_token_that_is_none_opens_nothing(client: FlaskClient, db: Session, path: str) -> None:
    body = {"token": "none"} | ({"on_future": "keep"} if path == "erasure" else {})

    answer = post(client, path, **body)

    assert (answer.status_code, answer.get_json()["code"]) == (410, "link_gone")


def test_what_becomes_of_bookings_to_come_has_to_be_said(client: FlaskClient, db: Session) -> None:
    answer = post(client, "erasure", token=link_for(db))

    assert answer.status_code == 422
    assert db.scalar(select(func.count()).select_from(ErasureRequest)) == 0


def test_a_request_or_venue_that_is_none_is_not_found(client: FlaskClient, db: Session) -> None:
    assert client.get(f"{API}/requests/{uuid4()}").status_code == 404
    assert post(client, "requests", email=EMAIL, venue="nowhere").status_code == 404


def test_the_pages_go_the_same_way(client: FlaskClient, db: Session) -> None:
    make_theirs()
    make_over(full_name="Somebody Else")
    assert client.get("/privacy").status_code == 200
    told = client.post("/privacy", data={"email": EMAIL}, headers=FROM_HERE)
    assert "Look into your mail" in told.text
    token = link_for(db)

    seen = client.get("/privacy", query_string={"token": token})
    assert "1 past booking" in seen.text
    assert seen.headers["Cache-Control"] == "no-store"
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    taken = client.post("/privacy/export", data={"token": token}, headers=FROM_HERE)
    assert MARK in taken.text
    assert "Somebody Else" not in taken.text

    asked = client.post("/privacy/erasure", data={"token": token}, headers=FROM_HERE)
    assert asked.status_code == 303
    assert "at the latest" in client.get(asked.location).text
    again(db)
    assert "Nothing is kept" in client.get(asked.location).text
    assert client.get("/privacy", query_string={"token": token}).status_code == 410


def test_another_site_cannot_have_somebody_erased(client: FlaskClient, db: Session) -> None:
    token = link_for(db)

    answer = client.post(
        "/privacy/erasure", data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403
    assert db.scalar(select(func.count()).select_from(ErasureRequest)) == 0
