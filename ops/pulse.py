"""Signs of life in files, for the health checks of processes that listen on no port."""

import socket
import time
from contextlib import suppress
from pathlib import Path


def pulse_file(folder: Path, name: str) -> Path:
    """Return the file of a process; containers may share the folder, their host names differ."""
    return folder / f"{name}@{socket.gethostname()}.pulse"


def show_pulse(file: Path) -> None:
    """Touch the file. A full disk is no reason to stop working; the health check will tell."""
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch()


def seconds_since(file: Path) -> float | None:
    """Return how long ago a process has touched its file, None where it never has."""
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:
        return None
