"""What changes the project itself: its lock files and its migrations."""

import subprocess
import sys
import tempfile
from pathlib import Path

from ops import screen
from ops.environment import ROOT
from ops.errors import OpsError

LOCKED = ("requirements", "requirements-tracing", "requirements-dev")


def lock(*, upgrade: bool) -> None:
    """Compile the lists of requirements to exact versions with hashes. Raises OpsError."""
    for name in LOCKED:
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "-q", "--universal"),
            *("--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
            *(f"{name}.in", "-o", f"{name}.txt"),
            *(["--upgrade"] if upgrade else []),
        ]
        with screen.step(f"locking {name}.txt"):
            if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
                raise OpsError(f"{name}.in cannot be resolved; {name}.txt is as it was")


def write_migration(message: str) -> Path:
    """Write a migration from what the models have and the newest revision has not."""
    from migrations.schema import new_revision, upgrade
    from ops.roles import make_database
    from ops.template import owner_connection
    from ops.throwaway import servers

    with tempfile.TemporaryDirectory() as place, servers(Path(place)) as found:
        with found.admin() as admin:
            make_database(admin, "migration")
        with owner_connection(found, "migration") as connection:
            upgrade(connection)
            return new_revision(connection, message)
