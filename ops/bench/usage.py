"""How much of the processors each group of processes has used."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

# The names that ops/worker.py and supervisord give, found in the command lines.
_GROUPS = {
    "gunicorn": "web",
    "ops.worker decide": "decide",
    "ops.worker mail": "mail",
    "workers.sweep": "sweeper",
    "valkey": "valkey",
}
REST = "rest"


@dataclass(frozen=True, slots=True)
class Usage:
    """Processes by group; each counts with all its children, living or gone."""

    groups: dict[str, list[psutil.Process]]

    @classmethod
    def of_tree(cls, name: str, pid: int) -> "Usage":
        """Return one group: a process and its children."""
        return cls({name: [psutil.Process(pid)]})

    @classmethod
    def of_up(cls, pid: int) -> "Usage":
        """Return the groups of everything that supervisord runs below an `up`."""
        groups: dict[str, list[psutil.Process]] = {}
        (supervisor,) = (
            child
            for child in psutil.Process(pid).children(recursive=True)
            if "supervisor.supervisord" in child.cmdline()
        )
        for child in supervisor.children():
            if not _is_postgres(child):
                groups.setdefault(_group(child), []).append(child)
        return cls(groups)

    @classmethod
    def of_postgres(cls, folder: Path) -> "Usage":
        """Return the server whose cluster lies in the data folder."""
        cluster = (folder / "postgres").resolve()
        pid = int((cluster / "postmaster.pid").read_text().split()[0])
        return cls({"postgres": [psutil.Process(pid)]})

    def __or__(self, other: "Usage") -> "Usage":
        return Usage(self.groups | other.groups)

    def seconds(self) -> dict[str, float]:
        """Return the processor seconds of each group so far."""
        return {name: sum(map(_tree, processes)) for name, processes in self.groups.items()}


def _is_postgres(process: psutil.Process) -> bool:
    return process.name() == "postgres"


def _group(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((group for mark, group in _GROUPS.items() if mark in command), REST)


def _tree(process: psutil.Process) -> float:
    return sum(map(_one, _with_children(process)))


def _with_children(process: psutil.Process) -> Iterable[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _one(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # What its ended children had used counts as its own; some systems do not say.
    ended = 0.0 if sys.platform == "darwin" else times.children_user + times.children_system
    return float(times.user + times.system + ended)
