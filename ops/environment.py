"""The environment of the processes: what the caller set, and what `up` has to add.

The commands themselves never import `settings`, which reads the environment at import.
"""

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.errors import OpsError
from ops.folder import DataFolder, Secrets
from ops.ports import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent

# Which installation a process belongs to: a later `up` finds what a killed one left behind.
MARK = "HOLDFAST_BELONGS_TO"
# The token that the public mock server of the restaurant API accepts, and that its clients have
# written into them. It was never a secret, and it opens nothing but the sample restaurants.
PUBLIC_BEARER = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJ1bmlxdWVfbmFtZSI6ImFwcGVsbGErYXBpQHJlc2RpYXJ5LmNvbSIsIm5iZiI6MTc1NDQzMDgwNSwiZXhwIjoxNz"
    "U0NTE3MjA1LCJpYXQiOjE3NTQ0MzA4MDUsImlzcyI6IlNlbGYiLCJhdWQiOiJodHRwczovL2FwaS5yZXNkaWFyeS5j"
    "b20ifQ."
    "g3yLsufdk8Fn2094SB3J3XW-KdBc0DY9a2Jiu_56ud8"
)
OWNER_ONLY = (
    "HOLDFAST_ADMIN_DATABASE_URL",
    "HOLDFAST_OWNER_DATABASE_URL",
    "HOLDFAST_OWNER_PASSWORD",
)
# How our processes are best run, whoever runs them.
HABITS = {
    "PYTHONUNBUFFERED": "1",
    # With many threads the C library would keep a heap for each, mostly empty.
    "MALLOC_ARENA_MAX": "2",
}
BACKUP_ONLY = (
    "HOLDFAST_BACKUP_DATABASE_URL",
    "HOLDFAST_BACKUP_IDENTITY",
    "HOLDFAST_BACKUP_SECRET",
)
# Given without a value it means nobody; what `up` would fill in means this machine.
MAY_BE_EMPTY = ("HOLDFAST_RATE_LIMIT_EXEMPT",)
INHERITED_NOT = ("HOLDFAST_CALLED_FROM",)
# By how they begin: what belongs to an installation of the caller's own.
OURS = (
    *("HOLDFAST_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SMTP_URL"),
    *("PG", "PROMETHEUS_", "OTEL_"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The settings that `up` itself goes by; ops/preflight.py prints them."""

    bind: str
    data_dir: str
    decide_workers: int
    other_workers: int
    owner_email: str
    base_url: str
    backs_up: bool
    secret_key: str = field(repr=False)


def given(name: str) -> str | None:
    """Return a setting of the caller's, given as it is or as a file; None when empty."""
    file = os.environ.get(f"{name}_FILE")
    if not file:
        return os.environ.get(name) or None
    try:
        return Path(file).read_text().strip() or None
    except OSError as error:
        raise OpsError(f"{name}_FILE: cannot read {file}: {error.strerror}") from None


def callers_path(path: Path) -> Path:
    """Return a path as its giver meant it: from the folder in which ./holdfast was called."""
    return (Path(os.environ.get("HOLDFAST_CALLED_FROM", ".")) / path.expanduser()).resolve()


def common(folder: DataFolder, secrets: Secrets, *, port: int, embedded: bool) -> dict[str, str]:
    """Return the environment of every process but for the addresses of the servers."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if (value or name in MAY_BE_EMPTY)
        and name not in INHERITED_NOT
        and not (embedded and name.startswith("PG"))
    }
    defaults = {
        "SECRET_KEY": secrets.secret_key,
        "HOLDFAST_OWNER_PASSWORD": secrets.first_owner_password,
        "HOLDFAST_BASE_URL": f"http://{LOOPBACK}:{port}",
        "HOLDFAST_RATE_LIMIT_EXEMPT": "127.0.0.0/8,::1",
        "HOLDFAST_SECURE_COOKIES": "false",
    }
    defaults |= HABITS
    if not {"HOLDFAST_CONSUMER_TOKENS", "HOLDFAST_CONSUMER_TOKENS_FILE"} & environment.keys():
        defaults["HOLDFAST_SAMPLE_TOKENS"] = PUBLIC_BEARER
    for name, value in defaults.items():
        if f"{name}_FILE" not in environment:
            environment.setdefault(name, value)
    environment["HOLDFAST_DATA"] = str(folder.path)
    environment["HOLDFAST_PORT"] = str(port)
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder.metrics)
    environment[MARK] = str(folder.path)
    return environment


def replaced(environment: Mapping[str, str], **values: str) -> dict[str, str]:
    """Return an environment with these values, which no file may overrule."""
    changed = dict(environment)
    for name, value in values.items():
        changed.pop(f"{name}_FILE", None)
        changed[name] = value
    return changed


def without_owner(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what only migrations, the first start and backups need."""
    hidden = _with_files(*OWNER_ONLY, *BACKUP_ONLY)
    return {name: value for name, value in environment.items() if name not in hidden}


def for_backup(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what only backups need."""
    wanted = _with_files(*BACKUP_ONLY)
    return {name: value for name, value in environment.items() if name in wanted}


def _with_files(*names: str) -> set[str]:
    return {name + ending for name in names for ending in ("", "_FILE")}


def derived_password(secret_key: str, purpose: str) -> str:
    """Return a password that follows from the secret key, the same at each start."""
    return hmac.digest(secret_key.encode(), purpose.encode(), "sha256").hex()


def read_settings(environment: Mapping[str, str]) -> Facts:
    """Have the settings read before anything starts. Raises OpsError, which names the wrong one."""
    done = subprocess.run(
        [sys.executable, "-m", "ops.preflight"],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError((done.stderr.strip().splitlines() or ["the settings cannot be read"])[-1])
    return Facts(**json.loads(done.stdout))
