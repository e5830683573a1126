"""The data folder: what is kept between two starts, and who may work in it."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ops.errors import OpsError

SECRETS = "secrets.json"


def _fresh() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody needs to choose: made at the first start and kept."""

    secret_key: str = field(default_factory=_fresh, repr=False)
    superuser_password: str = field(default_factory=_fresh, repr=False)
    owner_role_password: str = field(default_factory=_fresh, repr=False)
    runtime_role_password: str = field(default_factory=_fresh, repr=False)
    backup_role_password: str = field(default_factory=_fresh, repr=False)
    redis_password: str = field(default_factory=_fresh, repr=False)
    flower_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    first_owner_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One installation's data: its servers' files, its secrets, its logs, its mail."""

    path: Path

    @property
    def logs(self) -> Path:
        """Return where each process writes its log."""
        return self.path / "logs"

    @property
    def cluster(self) -> Path:
        """Return the data folder of the embedded PostgreSQL."""
        return self.path / "postgres"

    @property
    def metrics(self) -> Path:
        """Return where each process keeps what it counts, for as long as one `up` lasts."""
        return self.path / "metrics"

    def make(self) -> None:
        """Make the folder, closed to other users. Raises OpsError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise OpsError(
                f"cannot write to the data folder {self.path}: {error.strerror}; name another"
                " with --data"
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other `up` out. The lock goes with the process. Raises OpsError."""
        with (self.path / "up.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise OpsError(
                    f"another `up` runs on {self.path}: stop it, or name another folder with --data"
                ) from None
            yield

    def is_in_use(self) -> bool:
        """Tell whether an `up` runs on this folder."""
        try:
            with self.locked():
                return False
        except OpsError:
            return True
        except FileNotFoundError:
            return False

    def secrets(self) -> Secrets:
        """Return the kept secrets, made now where there are none. Raises OpsError."""
        file = self.path / SECRETS
        known = _read(file)
        if not known and (self.cluster / "PG_VERSION").exists():
            raise OpsError(
                f"{file} is missing, and without it nobody can open {self.cluster}: put it back"
            )
        names = {each.name for each in fields(Secrets)}
        found = Secrets(**{name: known[name] for name in names & known.keys()})
        if asdict(found) != known:
            write_private(file, asdict(found))
        return found

    def forget_metrics(self) -> None:
        """Let all counts begin at nought. Nothing that counts may run."""
        shutil.rmtree(self.metrics, ignore_errors=True)

    def running(self) -> dict[str, Any] | None:
        """Return what the running `up` has told about itself, None when there is none."""
        return _read(self.path / "run.json") or None if self.is_in_use() else None

    def tell(self, facts: dict[str, Any]) -> None:
        """Write down what runs, for the other commands."""
        write_private(self.path / "run.json", facts)

    def forget(self) -> None:
        """Take back what tell() wrote."""
        (self.path / "run.json").unlink(missing_ok=True)


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Replace a file in one step; only its owner can ever read it."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise OpsError(f"cannot read {file}: {error}") from None
    return content if isinstance(content, dict) else {}
