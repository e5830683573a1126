"""Processes that a killed `up` left behind, and the lock file of a killed PostgreSQL."""

import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from ops.environment import MARK

SERVERS = ("postgres", "valkey-server", "redis-server")
FOLDERS = ("postgres", "valkey")


def leftovers(folder: Path) -> list[psutil.Process]:
    """Return the processes that belong to a data folder, ourselves and our parents excepted."""
    mine = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in mine and _belongs_to(process, folder)
    ]


def end_leftovers(folder: Path, *, patience_seconds: float) -> int:
    """Wait for what is on its way out, ask the rest to end, then kill; return how many there were.

    They had the signal to end when their parent died, so most are going already.
    """
    found = leftovers(folder)
    alive = _still_alive(found, patience_seconds)
    for process in alive:
        _signal(process, "terminate")
    for process in _still_alive(alive, patience_seconds):
        _signal(process, "kill")
    _still_alive(found, patience_seconds)
    return len(found)


def clear_lock_file(cluster: Path) -> None:
    """Remove the lock of a server that is gone, where its number now belongs to something else.

    PostgreSQL takes any process of the same user, even a dead one that nobody has waited for, for
    the server that it was. Call only when end_leftovers() has left none.
    """
    lock = cluster / "postmaster.pid"
    try:
        pid = int(lock.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if psutil.pid_exists(pid):
        lock.unlink()


def _still_alive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if _is_alive(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, verb: str) -> None:
    try:
        getattr(process, verb)()
    except psutil.Error:
        return


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        if process.name() in SERVERS:
            # They write their titles over their environment, but work in their own folders.
            return Path(process.cwd()) in [(folder / name).resolve() for name in FOLDERS]
        return bool(process.environ().get(MARK) == str(folder))
    except (psutil.Error, OSError):
        return False
