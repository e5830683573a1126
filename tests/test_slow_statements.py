"""A slow statement is logged with its text, and never with what it was given."""

from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from models import slow
from models.database import connect_raw
from settings import settings

Lines = list[MutableMapping[str, Any]]
SLEEP = "SELECT pg_sleep(0.03), CAST(:email AS text)"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What is logged, with slow being 20 ms."""
    monkeypatch.setattr(slow, "_limit", 0.02)
    # One that has logged before keeps to what was configured then.
    monkeypatch.setattr(slow, "logger", structlog.get_logger("models.slow"))
    with capture_logs() as entries:
        yield entries


def run(statement: str, **given: Any) -> None:
    engine = create_engine(settings.database_url, connect_args=slow.cursors())
    try:
        with engine.connect() as connection:
            connection.execute(text(statement), given)
    finally:
        engine.dispose()


def test_a_slow_statement_is_logged_without_what_it_was_given(lines: Lines) -> None:
    run(SLEEP, email="ada@example.com")

    (line,) = lines
    assert (line["event"], line["log_level"]) == ("slow_statement", "warning")
    assert line["milliseconds"] >= 30
    assert line["statement"] == "SELECT pg_sleep(0.03), CAST(%(email)s AS text)"
    assert "ada" not in str(line)


def test_a_quick_one_is_not(lines: Lines) -> None:
    run("SELECT CAST(:email AS text)", email="ada@example.com")

    assert lines == []


def test_one_that_fails_late_is_logged_as_well(lines: Lines) -> None:
    with pytest.raises(DBAPIError):
        run("SELECT CAST(:name || CAST(pg_sleep(0.03) AS text) AS int)", name="Ada")

    (line,) = lines
    assert line["event"] == "slow_statement"
    assert "Ada" not in str(line)


def test_connections_outside_of_the_pool_are_watched(lines: Lines) -> None:
    with connect_raw(autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.03), %s::text", ["Ada"])

    assert [line["statement"] for line in lines] == ["SELECT pg_sleep(0.03), %s::text"]


def test_nothing_is_watched_when_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "settings", replace(settings, slow_statement_ms=0))

    assert slow.cursors() == {}
