"""Every error of the API has the one body, whoever raised it."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from booking import availability
from booking.errors import BookingError
from booking.transactions import LinesMoved
from tests.api.asking import assert_problem
from webapp.api import venues
from webapp.problems import status_of


def test_every_refusal_of_the_engine_has_its_status() -> None:
    for error in _tree(BookingError):
        assert 400 <= status_of(error) < 600, error


def test_every_refusal_has_a_code_of_its_own() -> None:
    leaves = [error for error in _tree(BookingError) if not error.__subclasses__()]

    assert len({error.code for error in leaves}) == len(leaves)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/", 404, "not_found"),
        ("GET", "/api/v1/venues/", 404, "not_found"),
        ("GET", "/api/v2/venues", 404, "not_found"),
        ("POST", "/api/v1/venues", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/bookings/ABCDEFG", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/venues", 405, "method_not_allowed"),
        ("POST", "/health/ready", 405, "method_not_allowed"),
    ],
)
def test_the_framework_s_own_errors_are_problems(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)

    assert_problem(answer, status, code)
    assert ("Allow" in answer.headers) == (status == 405)


def test_pages_get_pages(client: FlaskClient) -> None:
    for path in ("/nothing", "/static/nothing", "/admin/nothing"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"


def _driver(error: type[psycopg.Error], wrapped: type[DBAPIError] = OperationalError) -> DBAPIError:
    return wrapped("SELECT 1", {}, error("lost", encoding="utf-8"))


@pytest.mark.parametrize(
    "error",
    [
        _driver(psycopg.OperationalError),
        _driver(psycopg.errors.AdminShutdown),
        _driver(psycopg.errors.QueryCanceled),
        _driver(psycopg.errors.LockNotAvailable),
        _driver(psycopg.errors.TooManyConnections),
        _driver(psycopg.errors.CannotConnectNow),
        _driver(psycopg.errors.TransactionTimeout, InternalError),
        _driver(psycopg.errors.IdleInTransactionSessionTimeout, InternalError),
        _driver(psycopg.errors.ReadOnlySqlTransaction, InternalError),
        psycopg.OperationalError("cannot connect"),
        PoolTimeout(),
        LinesMoved(),
    ],
    ids=lambda error: type(getattr(error, "orig", None) or error).__name__,
)
def test_a_database_that_cannot_be_had_is_503(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _break(monkeypatch, error)

    answer = client.get("/api/v1/venues")

    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret@example.com"),
        _driver(psycopg.errors.UndefinedTable, InternalError),
        _driver(psycopg.errors.UniqueViolation, InternalError),
    ],
    ids=lambda error: type(error).__name__,
)
def test_our_own_mistake_is_500_and_says_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _break(monkeypatch, error)

    answer = client.get("/api/v1/venues")

    assert_problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "SELECT" not in answer.text


def test_a_page_that_fails_is_a_page(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.pages.start.list_venues", _raiser(PoolTimeout()))

    answer = client.get("/", headers={"Accept": "text/html"})

    assert answer.status_code == 503
    assert answer.mimetype == "text/html"
    assert "Retry-After" in answer.headers


def test_a_server_that_is_away_is_503(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing: the engine tries to connect and is refused."""
    from sqlalchemy import create_engine

    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    monkeypatch.setattr("booking.transactions._each_alone", lambda: away)

    assert_problem(app.test_client().get("/api/v1/venues"), 503, "unavailable")


def test_safe_headers_are_everywhere(client: FlaskClient) -> None:
    for path in ("/", "/api-docs", "/api/v1/nothing", "/health", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-Id"]


def _break(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert venues.list_venues is availability.list_venues
    monkeypatch.setattr(venues, "list_venues", _raiser(error))


def _raiser(error: Exception) -> object:
    def fail(**_: object) -> None:
        raise error

    return fail


def _tree(error: type[BookingError]) -> Iterator[type[BookingError]]:
    """Every class below the root, which nobody raises."""
    for child in error.__subclasses__():
        yield child
        yield from _tree(child)
