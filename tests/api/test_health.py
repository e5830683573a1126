"""Liveness asks nobody; readiness fails with the database and its schema, and with nothing else."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from migrations.schema import head
from models import Heartbeat
from settings import settings
from webapp import health

READY = "/health/ready"


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that has not looked yet."""
    monkeypatch.setattr(health, "_probe", health.Probe())
    monkeypatch.setattr(health, "_storage", health.Storage())


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data folder is there."""
    monkeypatch.setattr(health, "_can_store", lambda: True)


def test_the_expected_schema_is_the_newest_migration() -> None:
    assert head() == health.EXPECTED_REVISION


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_a_live_process_says_so(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_names_everything(committed_db: Session, client: FlaskClient, storage: None) -> None:
    now = datetime.now(UTC)
    committed_db.add(Heartbeat(process="decider", seen_at=now))
    committed_db.add(Heartbeat(process="sweeper", seen_at=now - timedelta(seconds=20)))
    committed_db.commit()

    answer = client.get(READY)

    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok",
        "checks": {
            "database": "ok",
            "schema": "ok",
            "broker": "ok",
            "deciders": "ok",
            "sweeper": "degraded",
            "storage": "ok",
            "backup": "off",
        },
    }


def test_what_is_degraded_is_named_and_fails_nothing(
    committed_db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_can_store", lambda: False)
    monkeypatch.setattr(health, "_redis", redis.Redis(host="127.0.0.1", port=1, retry=None))

    answer = client.get(READY)

    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    assert answer.get_json()["checks"] == {
        "database": "ok",
        "schema": "ok",
        "broker": "degraded",
        "deciders": "degraded",
        "sweeper": "degraded",
        "storage": "degraded",
        "backup": "off",
    }


@pytest.mark.parametrize(
    ("archived", "backed_up", "expected"),
    [
        (20, 3600, "ok"),
        (90, 3600, "degraded"),
        (20, 2 * 86_400, "degraded"),
        (20, None, "degraded"),
    ],
)
def test_late_backups_show_and_fail_nothing(
    committed_db: Session,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    archived: int,
    backed_up: int | None,
    expected: str,
) -> None:
    monkeypatch.setattr(health, "settings", replace(settings, backup_url="/backups"))
    now = datetime.now(UTC)
    for process, age in (("wal-archive", archived), ("backup", backed_up)):
        if age is not None:
            committed_db.add(Heartbeat(process=process, seen_at=now - timedelta(seconds=age)))
    committed_db.commit()

    answer = client.get(READY)

    assert answer.status_code == 200
    assert answer.get_json()["checks"]["backup"] == expected


def test_a_silent_broker_does_not_fail_readiness(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, retry=None)
    monkeypatch.setattr(health, "_redis", away)

    answer = client.get(READY)

    assert answer.status_code == 200
    assert answer.get_json()["checks"]["broker"] == "degraded"


def test_a_foreign_schema_is_not_ready(client: FlaskClient, other_revision: None) -> None:
    answer = client.get(READY)

    assert answer.status_code == 503
    assert answer.get_json()["checks"]["schema"] == "failed"
    assert "Retry-After" in answer.headers


def test_a_database_that_refuses_is_not_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> health.Found:
        raise psycopg.OperationalError("refused")

    monkeypatch.setattr(health, "look_at_database", refuse)

    answer = client.get(READY)

    assert answer.status_code == 503
    assert answer.get_json()["checks"]["database"] == "failed"


def test_a_database_that_hangs_holds_nobody_up(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    looks = []

    def hang() -> health.Found:
        looks.append(1)
        goes_on.wait(30)
        return health.Found("ok", "ok")

    monkeypatch.setattr(health, "look_at_database", hang)
    began = time.monotonic()

    answers = [client.get(READY) for _ in range(3)]
    goes_on.set()

    assert [answer.status_code for answer in answers] == [503] * 3
    assert time.monotonic() - began < 5
    assert len(looks) == 1
    assert client.get(READY).status_code == 200


@pytest.fixture
def other_revision(owner_engine: Engine) -> Iterator[None]:
    """The database says that it is at another revision."""
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    yield
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head()})
