"""Every setting of the product: read from the environment once, checked, then frozen.

Nothing else reads the environment. A wrong value raises SettingsError, whose message names the
variable. Any variable may also be given as a file: `SECRET_KEY_FILE=/run/secrets/key`.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from environs import EnvError, FileAwareEnv
from marshmallow import ValidationError
from marshmallow.validate import URL, Email, Length, OneOf, Range

# Said with the error when one of these is missing or its file cannot be read.
_HOW_TO_MAKE = {
    "DATABASE_URL": "give postgresql://user:password@host/database",
    "REDIS_URL": "give redis://user:password@host:6379/0",
    "SECRET_KEY": "make one with: openssl rand -base64 48",
}


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, in the units that the names carry. See docs/settings.md."""

    database_url: str
    owner_database_url: str
    redis_url: str
    secret_key: str
    smtp_url: str | None
    mail_from: str | None
    data_dir: Path
    base_url: str
    bind: str
    port: int
    owner_email: str
    owner_password: str | None
    secure_cookies: bool
    hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    trusted_addresses: tuple[str, ...]
    consumer_tokens: tuple[str, ...]
    sample_tokens: tuple[str, ...]
    consumer_origins: tuple[str, ...]
    rate_limits: bool
    api_calls_per_minute: int
    sign_in_attempts: int
    sign_in_minutes: int
    jwt_keys: tuple[tuple[str, str], ...]
    access_token_minutes: int
    refresh_token_days: int
    log_level: str
    metrics_dir: Path | None
    metrics_token: str | None
    otlp_endpoint: str | None
    flower_url: str | None

    database_pool_size: int
    database_pool_timeout_seconds: float
    lock_timeout_ms: int
    statement_timeout_ms: int
    transaction_timeout_ms: int
    idle_in_transaction_timeout_ms: int
    slow_statement_ms: int

    web_workers: int
    web_threads: int
    web_waiters: int
    decide_workers: int
    other_workers: int
    mail_connections: int

    decide_batch: int
    face_wait_seconds: float
    room_platform_wait_seconds: float
    search_cache_seconds: float
    ring_after_seconds: float
    sweep_after_seconds: float
    sweep_waited_after_seconds: float
    sweep_interval_seconds: float
    sweeper_decides: bool
    schedule_days: int

    smtp_timeout_seconds: float
    mails_per_address: int
    received_after_seconds: float
    mail_alone_after_seconds: float

    storage_url: str | None
    storage_endpoint: str | None
    storage_region: str | None
    storage_key_id: str | None
    storage_secret: str | None
    report_days: int

    backup_url: str | None
    backup_database_url: str | None
    backup_recipients: tuple[str, ...]
    backup_identity: str | None
    backup_days: int
    backup_every_hours: float
    backup_ship_seconds: float
    backup_spool_mb: int
    backup_endpoint: str | None
    backup_region: str | None
    backup_key_id: str | None
    backup_secret: str | None


def load() -> Settings:
    """Read and check the environment. Raises SettingsError."""
    env = FileAwareEnv(strip_whitespace=True)
    try:
        made = Settings(
            database_url=_database_url("DATABASE_URL", env.str("DATABASE_URL")),
            owner_database_url=_database_url(
                "HOLDFAST_OWNER_DATABASE_URL",
                env.str("HOLDFAST_OWNER_DATABASE_URL", None) or env.str("DATABASE_URL"),
            ),
            redis_url=env.str(
                "REDIS_URL", validate=_starts_with("redis://", "rediss://", "unix://")
            ),
            secret_key=env.str("SECRET_KEY", validate=[Length(min=32), _is_no_placeholder]),
            smtp_url=env.str("SMTP_URL", None, validate=_is_mail_server),
            mail_from=env.str("HOLDFAST_MAIL_FROM", None, validate=Email()),
            data_dir=Path(env.str("HOLDFAST_DATA", "var")),
            base_url=env.str(
                "HOLDFAST_BASE_URL",
                "http://127.0.0.1:8000",
                validate=URL(schemes={"http", "https"}, require_tld=False),
            ).rstrip("/"),
            bind=env.str("HOLDFAST_BIND", "127.0.0.1"),
            port=env.int("HOLDFAST_PORT", 8000, validate=Range(1, 65_535)),
            owner_email=env.str("HOLDFAST_OWNER_EMAIL", "owner@example.com", validate=Email()),
            owner_password=env.str("HOLDFAST_OWNER_PASSWORD", None),
            secure_cookies=env.bool("HOLDFAST_SECURE_COOKIES", True),
            hosts=tuple(env.list("HOLDFAST_HOSTS", [])),
            trusted_proxies=tuple(env.list("HOLDFAST_TRUSTED_PROXIES", [], validate=_are_networks)),
            trusted_addresses=tuple(
                env.list("HOLDFAST_RATE_LIMIT_EXEMPT", [], validate=_are_networks)
            ),
            consumer_tokens=_words(env.list("HOLDFAST_CONSUMER_TOKENS", [])),
            sample_tokens=_words(env.list("HOLDFAST_SAMPLE_TOKENS", [])),
            consumer_origins=_words(
                env.list("HOLDFAST_CONSUMER_ORIGINS", [], validate=_are_origins)
            ),
            rate_limits=env.bool("HOLDFAST_RATE_LIMITS", True),
            api_calls_per_minute=env.int(
                "HOLDFAST_API_CALLS_PER_MINUTE", 100, validate=Range(1, 1_000_000)
            ),
            sign_in_attempts=env.int("HOLDFAST_SIGN_IN_ATTEMPTS", 10, validate=Range(1, 1_000_000)),
            sign_in_minutes=env.int("HOLDFAST_SIGN_IN_MINUTES", 15, validate=Range(1, 1440)),
            jwt_keys=_jwt_keys(env.list("HOLDFAST_JWT_KEYS", [])),
            access_token_minutes=env.int(
                "HOLDFAST_ACCESS_TOKEN_MINUTES", 15, validate=Range(1, 1440)
            ),
            refresh_token_days=env.int("HOLDFAST_REFRESH_TOKEN_DAYS", 30, validate=Range(1, 366)),
            log_level=env.str(
                "HOLDFAST_LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
            ),
            metrics_dir=env.path("PROMETHEUS_MULTIPROC_DIR", None),
            metrics_token=env.str("HOLDFAST_METRICS_TOKEN", None, validate=Length(min=16)),
            otlp_endpoint=env.str(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                None,
                validate=URL(schemes={"http", "https"}, require_tld=False),
            ),
            flower_url=env.str(
                "HOLDFAST_FLOWER_URL", None, validate=_starts_with("http://", "https://", "/")
            ),
            database_pool_size=env.int("HOLDFAST_DATABASE_POOL_SIZE", 16, validate=Range(2, 500)),
            database_pool_timeout_seconds=env.float(
                "HOLDFAST_DATABASE_POOL_TIMEOUT_SECONDS", 2, validate=Range(0.1, 60)
            ),
            lock_timeout_ms=env.int("HOLDFAST_LOCK_TIMEOUT_MS", 2000, validate=Range(10, 60_000)),
            statement_timeout_ms=env.int(
                "HOLDFAST_STATEMENT_TIMEOUT_MS", 5000, validate=Range(100, 600_000)
            ),
            transaction_timeout_ms=env.int(
                "HOLDFAST_TRANSACTION_TIMEOUT_MS", 10_000, validate=Range(100, 600_000)
            ),
            idle_in_transaction_timeout_ms=env.int(
                "HOLDFAST_IDLE_IN_TRANSACTION_TIMEOUT_MS", 5000, validate=Range(100, 600_000)
            ),
            slow_statement_ms=env.int(
                "HOLDFAST_SLOW_STATEMENT_MS", 500, validate=Range(0, 600_000)
            ),
            web_workers=env.int("HOLDFAST_WEB_WORKERS", 2, validate=Range(1, 64)),
            web_threads=env.int("HOLDFAST_WEB_THREADS", 256, validate=Range(1, 2000)),
            web_waiters=env.int("HOLDFAST_WEB_WAITERS", 220, validate=Range(0, 2000)),
            decide_workers=env.int("HOLDFAST_DECIDE_WORKERS", 2, validate=Range(1, 64)),
            other_workers=env.int("HOLDFAST_OTHER_WORKERS", 1, validate=Range(1, 64)),
            mail_connections=env.int("HOLDFAST_MAIL_CONNECTIONS", 8, validate=Range(1, 64)),
            decide_batch=env.int("HOLDFAST_DECIDE_BATCH", 200, validate=Range(1, 2000)),
            face_wait_seconds=env.float("HOLDFAST_FACE_WAIT_SECONDS", 3.5, validate=Range(0.1, 30)),
            room_platform_wait_seconds=env.float(
                "ROOM_PLATFORM_WAIT_SECONDS", 3.5, validate=Range(0.1, 30)
            ),
            search_cache_seconds=env.float(
                "HOLDFAST_SEARCH_CACHE_SECONDS", 2, validate=Range(0, 30)
            ),
            ring_after_seconds=env.float(
                "HOLDFAST_RING_AFTER_SECONDS", 2, validate=Range(0.1, 600)
            ),
            sweep_after_seconds=env.float(
                "HOLDFAST_SWEEP_AFTER_SECONDS", 4, validate=Range(0.1, 600)
            ),
            sweep_waited_after_seconds=env.float(
                "HOLDFAST_SWEEP_WAITED_AFTER_SECONDS", 1.5, validate=Range(0.1, 600)
            ),
            sweep_interval_seconds=env.float(
                "HOLDFAST_SWEEP_INTERVAL_SECONDS", 0.5, validate=Range(0.05, 60)
            ),
            sweeper_decides=env.bool("HOLDFAST_SWEEPER_DECIDES", True),
            schedule_days=env.int("HOLDFAST_SCHEDULE_DAYS", 366, validate=Range(1, 1100)),
            smtp_timeout_seconds=env.float(
                "HOLDFAST_SMTP_TIMEOUT_SECONDS", 10, validate=Range(0.1, 15)
            ),
            mails_per_address=env.int("HOLDFAST_MAILS_PER_ADDRESS", 40, validate=Range(1, 10_000)),
            received_after_seconds=env.float(
                "HOLDFAST_RECEIVED_AFTER_SECONDS", 30, validate=Range(1, 3600)
            ),
            mail_alone_after_seconds=env.float(
                "HOLDFAST_MAIL_ALONE_AFTER_SECONDS", 10, validate=Range(0.1, 3600)
            ),
            storage_url=env.str("HOLDFAST_STORAGE_URL", None, validate=_is_storage) or None,
            storage_endpoint=env.str("HOLDFAST_STORAGE_ENDPOINT", None) or None,
            storage_region=env.str("HOLDFAST_STORAGE_REGION", None) or None,
            storage_key_id=env.str("HOLDFAST_STORAGE_KEY_ID", None) or None,
            storage_secret=env.str("HOLDFAST_STORAGE_SECRET", None) or None,
            report_days=env.int("HOLDFAST_REPORT_DAYS", 7, validate=Range(1, 366)),
            backup_url=env.str("HOLDFAST_BACKUP_URL", None, validate=_is_storage) or None,
            backup_database_url=env.str("HOLDFAST_BACKUP_DATABASE_URL", None) or None,
            backup_recipients=_words(
                env.list("HOLDFAST_BACKUP_RECIPIENTS", [], validate=_are_recipients)
            ),
            backup_identity=env.str("HOLDFAST_BACKUP_IDENTITY", None) or None,
            backup_days=env.int("HOLDFAST_BACKUP_DAYS", 30, validate=Range(1, 3660)),
            backup_every_hours=env.float(
                "HOLDFAST_BACKUP_EVERY_HOURS", 24, validate=Range(0.01, 24 * 31)
            ),
            backup_ship_seconds=env.float(
                "HOLDFAST_BACKUP_SHIP_SECONDS", 10, validate=Range(0.1, 3600)
            ),
            backup_spool_mb=env.int(
                "HOLDFAST_BACKUP_SPOOL_MB", 2048, validate=Range(64, 1_000_000)
            ),
            backup_endpoint=env.str("HOLDFAST_BACKUP_ENDPOINT", None) or None,
            backup_region=env.str("HOLDFAST_BACKUP_REGION", None) or None,
            backup_key_id=env.str("HOLDFAST_BACKUP_KEY_ID", None) or None,
            backup_secret=env.str("HOLDFAST_BACKUP_SECRET", None) or None,
        )
        if made.otlp_endpoint and find_spec("opentelemetry") is None:
            raise ValueError(
                'Environment variable "OTEL_EXPORTER_OTLP_ENDPOINT" asks for traces, and what they'
                " need is not installed: pip install -r requirements-tracing.txt"
            )
        if made.web_waiters >= made.web_threads:
            raise ValueError(
                'Environment variable "HOLDFAST_WEB_WAITERS" must be below HOLDFAST_WEB_THREADS'
                f" ({made.web_threads}), so that others find a free thread"
            )
        return made
    except (EnvError, ValueError) as error:
        told = str(error)
        for brackets, plain in (("['", ""), ("']", ""), ("', '", " ")):
            told = told.replace(brackets, plain)
        raise SettingsError(_with_help(told)) from None


def _with_help(told: str) -> str:
    """Add how to give the setting, where it is missing or its file cannot be read."""
    if '" not set' in told:
        name = told.split('"')[1]
        help_with = _HOW_TO_MAKE.get(name)
        return f"{told}, nor {name}_FILE" + (f"; {help_with}" if help_with else "")
    if (unread := re.search(r"(\w+)_FILE must be a readable file", told)) is not None:
        name = unread[1]
        file = os.environ.get(f"{name}_FILE")
        help_with = _HOW_TO_MAKE.get(name, f"see {name} in docs/settings.md")
        return f'Environment variable "{name}_FILE" names {file}, which cannot be read; {help_with}'
    return told


def _database_url(variable: str, url: str) -> str:
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    raise SettingsError(f'Environment variable "{variable}" must begin with postgresql://')


def _words(given: list[str]) -> tuple[str, ...]:
    return tuple(word for word in map(str.strip, given) if word)


def _are_origins(given: list[str]) -> None:
    for origin in filter(None, map(str.strip, given)):
        if not re.fullmatch(r"https?://[^\s/*?#@]+", origin):
            raise ValidationError(f"{origin} is no origin: give https://host or https://host:port")


def _starts_with(*schemes: str) -> Callable[[str], None]:
    def check(url: str) -> None:
        if not url.startswith(schemes):
            raise ValidationError(f"must begin with {' or '.join(schemes)}")

    return check


def _are_networks(networks: list[str]) -> None:
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ValidationError(f"{network!r} is no address and no network") from None


def _is_storage(url: str) -> None:
    if not re.match(r"/|file:///|s3://[^/]", url):
        raise ValidationError("must be an absolute folder, file:///folder or s3://bucket/prefix")


def _are_recipients(given: list[str]) -> None:
    for recipient in _words(given):
        if not re.fullmatch(r"age1[0-9a-z]{58}", recipient):
            raise ValidationError(f"{recipient} is no age recipient: make one with --new-key")


def _jwt_keys(given: list[str]) -> tuple[tuple[str, str], ...]:
    """Return names and keys, the signing one first, out of `name:key` each."""
    pairs = [(name, key) for name, _, key in (pair.partition(":") for pair in given)]
    if any(not name or len(key) < 32 for name, key in pairs):
        raise SettingsError(
            'Environment variable "HOLDFAST_JWT_KEYS" must be name:key pairs, comma-separated,'
            " each key of 32 characters or more"
        )
    return tuple(pairs)


def _is_mail_server(url: str) -> None:
    parts = urlsplit(url)
    starttls = parse_qs(parts.query).get("starttls", ["auto"])
    try:
        is_good = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or too large
        is_good = False
    if not is_good:
        raise ValidationError("must be smtp://host:port or smtps://host:port")
    if starttls[0] not in ("auto", "required", "off"):
        raise ValidationError("starttls must be auto, required or off")


def _is_no_placeholder(key: str) -> None:
    if "change" in key.lower() or len(set(key)) < 8:
        raise ValidationError("looks like a placeholder: give a random one")


settings = load()
