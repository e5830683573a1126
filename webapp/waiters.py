"""Waiting without taking all threads: so many requests of a process may wait at once, no more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from booking.errors import TooBusy
from booking.views import BookingView
from booking.waiting import wait_while_pending
from settings import settings
from webapp.problems import is_unavailable
from webapp.requests import note_wait

logger = structlog.get_logger(__name__)

MOST_SECONDS = 30

_places = threading.Semaphore(settings.web_waiters)


def take_place() -> bool:
    """Take one of the process's places to wait, if one is free; give it back with leave_place."""
    if not _places.acquire(blocking=False):
        return False
    note_wait()
    return True


def leave_place() -> None:
    """Give a place back."""
    _places.release()


@contextmanager
def place_to_wait() -> Iterator[None]:
    """Keep a place for a caller who needs the last word, from before its hold is written.

    Raises TooBusy without one: nothing is booked then, and others are still served.
    """
    if not take_place():
        raise TooBusy
    try:
        yield
    finally:
        leave_place()


def wait_for_decision(booking: BookingView, seconds: int) -> tuple[BookingView, bool]:
    """Return the booking as soon as it is decided, and whether there was a place to wait for that.

    Without one, or when the database goes away meanwhile, the answer is what is known already:
    the hold is written, and an error would say that it is not.
    """
    if seconds <= 0 or not take_place():
        return booking, False
    try:
        return wait_while_pending(booking, min(seconds, MOST_SECONDS)), True
    except Exception as error:
        if not is_unavailable(error):
            raise
        logger.warning("wait_broken", error=type(error).__name__)
        return booking, True
    finally:
        leave_place()
