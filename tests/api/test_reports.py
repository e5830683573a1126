"""Reports over the API: for a venue's own people and integrations, and for nobody else."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import storage
from booking.api_tokens import create_api_token
from models import Post, Slot, Venue
from reports import files as report_files
from reports import writing
from reports.writing import make_reports
from tests.api.asking import assert_problem, fields_of
from tests.api.test_listing import signed_in
from tests.factories import make_booking, make_member, make_resource, make_slot, make_venue


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = storage.Files(str(tmp_path / "files"))
    for module in (writing, report_files):
        monkeypatch.setattr(module, "files", lambda: made)


@pytest.fixture
def slot(committed_db: Session) -> Slot:
    slot = make_slot(make_resource(make_venue()))
    make_booking(slot, full_name="Ada")
    return slot


def url_of(venue: Venue, *more: str) -> str:
    return "/".join([f"/api/v1/venues/{venue.slug}/reports", *more])


def token_of(venue: Venue, scope: str = "bookings:read") -> dict[str, str]:
    made = create_api_token(venue=venue.slug, name="Reports", scopes=[scope])
    return {"Authorization": f"Bearer {made.token}"}


def post(client: FlaskClient, slot: Slot, headers: dict[str, str], **given: Any) -> TestResponse:
    day = slot.local_on
    body = {
        "kind": "run_sheet",
        "format": "json",
        "first_on": str(day),
        "last_on": str(day + timedelta(days=1)),
    }
    return client.post(url_of(slot.resource.venue), json=body | given, headers=headers)


def test_an_integration_asks_follows_and_fetches(client: FlaskClient, slot: Slot) -> None:
    headers = token_of(slot.resource.venue)

    asked = post(client, slot, headers)
    url = asked.headers["Location"]
    waiting = client.get(url, headers=headers).get_json()
    make_reports(time.monotonic() + 30)
    done = client.get(url, headers=headers).get_json()
    listed = client.get(url_of(slot.resource.venue), headers=headers).get_json()

    assert (asked.status_code, waiting["state"], done["state"]) == (202, "waiting", "done")
    assert "file" not in waiting["links"]
    assert (done["rows_done"], done["rows_total"]) == (1, 1)
    assert client.get(done["links"]["file"]).get_json()[0]["name"] == "Ada"
    assert [each["id"] for each in listed["items"]] == [done["id"]]


def test_it_can_be_cancelled_twice(client: FlaskClient, slot: Slot) -> None:
    headers = token_of(slot.resource.venue)
    url = post(client, slot, headers).headers["Location"]

    states = [client.post(f"{url}/cancel", headers=headers).get_json()["state"] for _ in "12"]

    assert states == ["cancelled", "cancelled"]


def test_nobody_else_sees_that_it_is_there(client: FlaskClient, slot: Slot, app: Flask) -> None:
    venue = slot.resource.venue
    url = post(client, slot, token_of(venue), kind="occupancy").headers["Location"]
    foreign = signed_in(app, make_member(make_venue())).get(url)
    staff = signed_in(app, make_member(venue, post=Post.STAFF)).get(url)
    owner = signed_in(app, make_member(venue)).get(url)

    assert_problem(client.get(url, headers=token_of(make_venue())), 404, "venue_not_found")
    assert_problem(foreign, 404, "venue_not_found")
    assert_problem(staff, 404, "report_not_found")
    assert_problem(client.get(url), 401, "unauthorized")
    assert_problem(client.get(url, headers=token_of(venue, "bookings:write")), 403, "out_of_scope")
    assert owner.status_code == 200


def test_a_session_only_reads(slot: Slot, app: Flask) -> None:
    client = signed_in(app, make_member(slot.resource.venue))

    assert_problem(post(client, slot, {}), 401, "unauthorized")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "gossip"}, "kind"),
        ({"format": "doc"}, "format"),
        ({"last_on": "2001-01-01"}, "last_on"),
        ({"kind": "manifest"}, "kind"),
        ({"pages": 3}, "pages"),
    ],
)
def test_what_cannot_be_made_names_its_field(
    client: FlaskClient, slot: Slot, given: dict[str, Any], field: str
) -> None:
    answer = post(client, slot, token_of(slot.resource.venue), **given)

    assert answer.status_code == 422
    assert fields_of(answer) == {field}
