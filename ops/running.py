"""Run an inner program on a running installation."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from ops.environment import ROOT, given
from ops.errors import OpsError
from ops.folder import DataFolder
from ops.identity import leashed

MAY_COPY = ("ops.backup",)
# Nothing listens there.
NO_DATABASE = "postgresql://nobody@127.0.0.1:9/none"


def run_inner(
    module: str,
    arguments: list[str],
    folder: Path,
    *,
    needs_up: bool = True,
    needs_database: bool = True,
) -> int:
    """Run `python -m MODULE` with the environment of what runs on a data folder.

    Where nothing runs there, a program that needs no `up` works on DATABASE_URL, and one that
    needs no database works without. Returns the exit code. Raises OpsError.
    """
    facts = DataFolder(folder).running()
    if facts is not None:
        # Not the address that customers use, which may lie behind a proxy: that of this machine.
        environment = facts["environment"] | {"HOLDFAST_BASE_URL": facts["base_url"]}
        environment |= facts.get("backup_environment", {}) if module in MAY_COPY else {}
    elif not needs_up and (given("DATABASE_URL") or not needs_database):
        environment = _stand_ins() | {"HOLDFAST_DATA": str(folder)}
    else:
        raise OpsError(
            f"nothing runs on {folder}: start it with ./holdfast up, or name its folder with --data"
        )
    return subprocess.run(
        leashed([sys.executable, "-m", module, *arguments]),
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    ).returncode


def _stand_ins() -> dict[str, str]:
    """Return what the settings ask for and a program that only reads rows does not use."""
    unused = {
        "DATABASE_URL": NO_DATABASE,
        "REDIS_URL": "redis://127.0.0.1:6379",
        "SECRET_KEY": secrets.token_urlsafe(32),
    }
    return {name: value for name, value in unused.items() if not given(name)}
