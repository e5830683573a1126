"""Addresses keep what the caller put into them, and show no passwords."""

from typing import Any

import psycopg
import pytest

from ops.own_database import _with_login, plain, runtime_url
from ops.ports import free_port, is_free
from ops.welcome import without_password


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@h:5/db", "postgresql://r:s%2F%40@h:5/db"),
        ("postgres://u:p%40ss@h/db?sslmode=require", "postgresql://r:s%2F%40@h/db?sslmode=require"),
        ("postgresql+psycopg://u@h1,h2/db", "postgresql://r:s%2F%40@h1,h2/db"),
        (
            "postgresql:///db?host=/run/pg&user=u&password=p",
            "postgresql://r:s%2F%40@/db?host=%2Frun%2Fpg",
        ),
    ],
)
def test_another_login_keeps_the_rest(given: str, expected: str) -> None:
    assert _with_login(given, "db", "r", "s/@") == expected


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_is_understood(scheme: str) -> None:
    assert plain(f"{scheme}://u@h/db") == "postgresql://u@h/db"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://:secret@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("postgresql://u:secret@h:5/db?password=secret", "postgresql://u@h:5/db"),
    ],
)
def test_shown_addresses_have_no_password(given: str, expected: str) -> None:
    assert without_password(given) == expected


def test_a_user_who_may_not_make_roles_gets_none() -> None:
    from settings import settings

    assert runtime_url(settings.owner_database_url, "key") is None


def test_the_lesser_role_is_the_same_at_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    admin_url = os.environ["HOLDFAST_TEST_ADMIN_URL"]

    first, second = runtime_url(admin_url, "key"), runtime_url(admin_url, "key")

    assert first == second
    assert first is not None
    with psycopg.connect(first) as connection:
        row: Any = connection.execute("SELECT current_user").fetchone()
    assert row[0] == "postgres_app"


def test_free_ports_are_free_and_differ() -> None:
    first = free_port(set())

    assert is_free(first)
    assert free_port({first}) != first
