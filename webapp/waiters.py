"""How many requests of a process may wait at once, so that others always find a free thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from settings import settings

MOST_SECONDS = 30

_places = threading.Semaphore(settings.web_waiters)


def take_place() -> bool:
    """Take one of the process's places to wait, if one is free; give it back with leave_place."""
    return _places.acquire(blocking=False)


def leave_place() -> None:
    """Give a place back."""
    _places.release()


@contextmanager
def place_to_wait() -> Iterator[bool]:
    """Say whether the caller may wait; if not, it answers at once with what it knows."""
    taken = take_place()
    try:
        yield taken
    finally:
        if taken:
            leave_place()
