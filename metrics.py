"""What is counted, and how the numbers of all processes come together. See docs/metrics.md.

With PROMETHEUS_MULTIPROC_DIR set, each process writes its numbers into a file of that folder, and
whoever is asked adds them up. Without it they stay in the process. Labels are words of this
program, never anything that somebody has sent.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

from settings import settings

_FOLDER = settings.metrics_dir


class Place:
    """The number under which this process counts, its own for as long as it lives.

    A process takes the lowest number that is free and goes on where the dead one before it had
    stopped. So there are never more files than there were processes at a time, and no count goes
    down. The lock belongs to the process; one that is forked takes a number of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None
        self._number = ""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.register_at_fork(after_in_child=self._forget)

    def number(self) -> str:
        """Return the number of this process; taken at first use."""
        if self._lock is None:
            self._take()
        return self._number

    def clear_dead(self) -> None:
        """Remove what processes that are gone were using when they ended."""
        for file in self._folder.glob("gauge_live*_*.db"):
            number = file.stem.rpartition("_")[2]
            if number == self._number:
                continue
            if (lock := _try_lock(self._lock_file(number))) is not None:
                file.unlink(missing_ok=True)
                os.close(lock)

    def _take(self) -> None:
        count = 0
        while (lock := _try_lock(self._lock_file(str(count)))) is None:
            count += 1
        for file in self._folder.glob(f"gauge_live*_{count}.db"):
            file.unlink(missing_ok=True)
        self._lock, self._number = lock, str(count)

    def _lock_file(self, number: str) -> Path:
        return self._folder / f"{number}.lock"

    def _forget(self) -> None:
        """Leave the parent its lock: closed here, it stays the parent's."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _try_lock(file: Path) -> int | None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


_place = Place(_FOLDER) if _FOLDER else None
if _place is not None:
    # Before the first metric is made: each of them takes its file from this class.
    values.ValueClass = values.MultiProcessValue(_place.number)
prometheus_client.disable_created_metrics()

registry = CollectorRegistry()

_MOMENTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# With the 200 ms that are promised.
_ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
_LONG = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 300, 900)
_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

BOOKINGS = Counter(
    "holdfast_bookings_total",
    "Bookings that came into a status.",
    ["status"],
    registry=registry,
)
REFUSALS = Counter(
    "holdfast_refusals_total",
    "Requests for places that were refused, at once or by the decision.",
    ["reason"],
    registry=registry,
)
DECISION_SECONDS = Histogram(
    "holdfast_hold_decision_seconds",
    "Seconds from a hold's acceptance to its decision.",
    buckets=_LONG,
    registry=registry,
)
BATCH_SIZE = Histogram(
    "holdfast_confirm_batch_size",
    "Holds decided in one transaction.",
    buckets=_COUNTS,
    registry=registry,
)
NOTIFICATIONS = Counter(
    "holdfast_notifications_total",
    "Messages that were queued, and what became of them.",
    ["kind", "status"],
    registry=registry,
)
REQUEST_SECONDS = Histogram(
    "holdfast_http_request_duration_seconds",
    "Seconds until a request was answered; of a stream, until it ended.",
    ["method", "route", "status"],
    buckets=_ANSWERS,
    registry=registry,
)
# The same buckets, so that one can be taken from the other.
WAITED_SECONDS = Histogram(
    "holdfast_http_waited_seconds",
    "The same of those requests that asked to wait for something to happen.",
    buckets=_ANSWERS,
    registry=registry,
)
TASK_SECONDS = Histogram(
    "holdfast_task_runtime_seconds",
    "Seconds that a task of the workers took.",
    ["task", "state"],
    buckets=_MOMENTS,
    registry=registry,
)
LOCK_WAIT_SECONDS = Histogram(
    "holdfast_db_lock_wait_seconds",
    "Seconds until the locks of a statement were held, or given up.",
    buckets=(0.001, *_MOMENTS),
    registry=registry,
)
POOL_IN_USE = Gauge(
    "holdfast_db_pool_in_use",
    "Connections to the database that are in use at this moment.",
    multiprocess_mode="livesum",
    registry=registry,
)
INVARIANT_VIOLATIONS = Gauge(
    "holdfast_invariant_violations",
    "Slots whose places do not add up, as far as they have been looked at.",
    multiprocess_mode="livemax",
    registry=registry,
)


@contextmanager
def waiting_for_locks() -> Iterator[None]:
    """Note how long the statement inside took to get its locks, also when it did not."""
    began = time.perf_counter()
    try:
        yield
    finally:
        LOCK_WAIT_SECONDS.observe(time.perf_counter() - began)


def all_processes() -> CollectorRegistry:
    """Return a registry of what has been counted everywhere."""
    if _FOLDER is None or _place is None:
        return registry
    with suppress(OSError):
        _place.clear_dead()
    together = CollectorRegistry()
    MultiProcessCollector(together, str(_FOLDER))
    return together


def read_violations() -> int | None:
    """Return how many slots the last walk found wrong; None while nobody has walked."""
    for family in all_processes().collect():
        for sample in family.samples:
            if sample.name == "holdfast_invariant_violations":
                return int(sample.value)
    return None
