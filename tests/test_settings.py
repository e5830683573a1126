"""A wrong setting is refused by name; the environment is read once and in one place."""

import dataclasses
from pathlib import Path

import pytest

import settings as module
from settings import SettingsError, load


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://somewhere/x"),
        ("HOLDFAST_OWNER_DATABASE_URL", "somewhere"),
        ("REDIS_URL", "http://somewhere"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "please-change-me-please-change-me-please"),
        ("SECRET_KEY", "a" * 40),
        ("HOLDFAST_PORT", "70000"),
        ("HOLDFAST_WEB_WORKERS", "many"),
        ("HOLDFAST_WEB_WORKERS", "0"),
        ("HOLDFAST_DECIDE_WORKERS", "-1"),
        ("HOLDFAST_SECURE_COOKIES", "perhaps"),
        ("HOLDFAST_LOG_LEVEL", "LOUD"),
        ("HOLDFAST_LOCK_TIMEOUT_MS", "0"),
        ("HOLDFAST_SLOW_STATEMENT_MS", "-1"),
        ("HOLDFAST_SCHEDULE_DAYS", "1e9"),
        ("HOLDFAST_RATE_LIMIT_EXEMPT", "127.0.0.1,nowhere"),
        ("HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("HOLDFAST_JWT_KEYS", "2027:short"),
        ("HOLDFAST_JWT_KEYS", "o" * 40),
        ("ROOM_PLATFORM_WAIT_SECONDS", "0"),
        ("HOLDFAST_METRICS_TOKEN", "short"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=variable):
        load()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"])
def test_a_missing_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(SettingsError, match=variable):
        load()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_database_means_our_driver(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://somebody@somewhere/x")

    assert load().database_url == "postgresql+psycopg://somebody@somewhere/x"


def test_a_value_may_be_given_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = "0123456789abcdefghijklmnopqrstuvwxyz"
    (tmp_path / "key").write_text(f"{key}\n")
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert load().secret_key == key


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        module.settings.port = 1  # type: ignore[misc]
