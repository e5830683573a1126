"""The processes of a running `up`, found by what they run; each is signalled by its pid."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from ops.errors import OpsError

# What the command line of each program holds.
_MARKS = {
    "web": ("gunicorn",),
    "decide": ("ops.worker", "decide"),
    "mail": ("ops.worker", "mail"),
    "others": ("ops.worker", "others"),
    "sweeper": ("workers.sweep",),
    "beat": ("ops.beat",),
    "flower": ("ops.flower",),
}
WORKERS = ("decide", "mail", "others")


@dataclass(frozen=True, slots=True)
class Family:
    """Everything below one `up`."""

    pid: int

    def all(self) -> list[psutil.Process]:
        """Return `up` itself and all of its descendants."""
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def main(self, program: str) -> psutil.Process:
        """Return the process of a program that supervisord started. Raises OpsError."""
        for process in self._supervised():
            if _runs(process, program):
                return process
        raise OpsError(f"{program} does not run")

    def mains(self, *programs: str) -> list[psutil.Process]:
        """Return those of the programs that run just now."""
        return [
            process
            for process in self._supervised()
            if any(_runs(process, program) for program in programs)
        ]

    def children(self, program: str) -> list[psutil.Process]:
        """Return the processes that a program has forked."""
        try:
            return [
                child
                for main in self.mains(program)
                for child in main.children()
                if _runs(child, program)
            ]
        except psutil.NoSuchProcess:
            return []

    def _supervised(self) -> list[psutil.Process]:
        try:
            supervisors = psutil.Process(self.pid).children()
            return [process for each in supervisors for process in each.children()]
        except psutil.NoSuchProcess:
            return []


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> int:
    """Send a signal to each that still lives; returns how many there were."""
    count = 0
    for process in processes:
        try:
            process.send_signal(number)
            count += 1
        except psutil.NoSuchProcess:
            continue
    return count


def ports_of(processes: Iterable[psutil.Process]) -> set[int]:
    """Return the local ports of the connections that processes have open."""
    found: set[int] = set()
    for process in processes:
        try:
            found |= {each.laddr.port for each in process.net_connections("tcp") if each.raddr}
        except psutil.Error:
            continue
    return found


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    # Not while the leash is still to become the program.
    return all(mark in words for mark in _MARKS[program]) and not any(
        word.endswith("leash.py") for word in words
    )
