"""`run`: become one process of the product, for containers and systemd. `up` runs the same ones."""

import os
import sys
from pathlib import Path

from ops.environment import HABITS, ROOT, read_settings, without_owner
from ops.errors import OpsError
from ops.parts import flower_port, parts


def run(name: str) -> None:
    """Replace this process by the part of that name. Raises OpsError, which names what is wrong."""
    facts = read_settings(os.environ)
    known = parts(facts, flower_address=facts.bind, flower_port=flower_port())
    part = next(part for part in known if part.name == name)
    _make_data_folder(Path(facts.data_dir))
    environment = without_owner(HABITS | os.environ) | {"HOLDFAST_DATA": facts.data_dir}
    os.chdir(ROOT)
    command = [sys.executable, "-m", part.module, *part.arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606


def _make_data_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OpsError(f"HOLDFAST_DATA: cannot make {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OpsError(f"HOLDFAST_DATA: cannot write to {folder} as user {os.geteuid()}")
