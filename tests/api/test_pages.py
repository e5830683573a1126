"""The first page."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.factories import make_resource, make_venue


def test_the_first_page_lists_the_venues(db: Session, client: FlaskClient) -> None:
    resource = make_resource(make_venue(name="Ship & <Anchor>"), name="Deck")

    page = client.get("/", headers={"Accept": "text/html"})

    assert page.mimetype == "text/html"
    assert "Ship &amp; &lt;Anchor&gt;" in page.text
    assert f'href="/venues/{resource.venue.slug}"' in page.text
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert page.text.count("<script") == page.text.count('<script src="/static/')
    assert "style=" not in page.text


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_who_takes_no_html_gets_json(
    db: Session, client: FlaskClient, accept: str | None, mimetype: str
) -> None:
    answer = client.get("/", headers={"Accept": accept} if accept else {})

    assert answer.mimetype == mimetype
    assert "Accept" in answer.headers["Vary"]


def test_an_empty_installation_says_what_to_do(db: Session, client: FlaskClient) -> None:
    assert "No venue has been set up yet" in client.get("/", headers={"Accept": "text/html"}).text
