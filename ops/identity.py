"""As whom the embedded servers run: PostgreSQL refuses root."""

import os
import shutil
import subprocess
import sys
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
    return [sys.executable, "-S", "-E", str(LEASH), death_signal, identity, *program]


def hand_over(path: Path) -> None:
    """Make a folder or file usable by the servers, where they run as another user."""
    if server_identity() is Identity.NOBODY:
        shutil.chown(path, NOBODY, NOBODY)


def reachable_binaries(folder: Path) -> Path:
    """Return a folder of binaries that the servers can reach; copied there once, if need be."""
    if server_identity() is not Identity.NOBODY:
        return folder
    install = folder.parent
    stamp = f"{install.stat().st_mtime_ns:x}"
    copy = REACHABLE / f"{install.name}-{stamp}"
    if not copy.exists():
        REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = copy.with_suffix(f".{os.getpid()}")
        shutil.copytree(install, fresh, symlinks=True)
        try:
            fresh.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(fresh)
    return copy / folder.name
