"""Waiting for a decision: one listener a process, woken by the database, for everybody who waits.

Neither a notification nor Redis is needed for the outcome: who waits also looks by itself every
second. While it waits it holds neither a connection nor a lock.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import structlog

from booking.events import CHANNEL
from booking.lifecycle import withdraw_hold
from booking.views import BookingView, read_booking, read_status
from models import Status
from models.database import connect_raw

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
_RECONNECT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """One who waits for a booking: woken when it changes, or when its number has been decided."""

    seq: int
    bell: threading.Event


class Listener:
    """Hears the database's notifications and wakes those whom they concern."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[Waiter]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def bell_for(self, booking: BookingView) -> Iterator[threading.Event]:
        """Give an event that is set whenever the booking may have changed."""
        waiter = Waiter(booking.seq, threading.Event())
        topics = (f"booking:{booking.id}", f"resource:{booking.resource_id}")
        with self._lock:
            for topic in topics:
                self._waiting.setdefault(topic, set()).add(waiter)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
                self._thread.start()
        try:
            yield waiter.bell
        finally:
            with self._lock:
                for topic in topics:
                    waiters = self._waiting[topic]
                    waiters.discard(waiter)
                    if not waiters:
                        del self._waiting[topic]

    def _listen(self) -> None:
        while True:
            try:
                with connect_raw(autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    for notification in connection.notifies():
                        self._wake(notification.payload)
            except psycopg.Error as error:
                logger.warning("listener_lost", error=type(error).__name__)
                time.sleep(_RECONNECT_SECONDS)

    def _wake(self, payload: str) -> None:
        kind, subject, *upto = payload.split(":")
        with self._lock:
            for waiter in self._waiting.get(f"{kind}:{subject}", ()):
                if not upto or waiter.seq <= int(upto[0]):
                    waiter.bell.set()


_listener = Listener()


def wait_while_pending(booking: BookingView, seconds: float) -> BookingView:
    """Return the booking as soon as it is decided, or as it is after so many seconds."""
    if booking.status is not Status.PENDING or seconds <= 0:
        return booking
    deadline = time.monotonic() + seconds
    with _listener.bell_for(booking) as bell:
        while read_status(booking.id) == Status.PENDING:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            bell.wait(min(left, LOOK_SECONDS))
            bell.clear()
    return read_booking(booking_id=booking.id)


def wait_or_withdraw(booking: BookingView, seconds: float) -> BookingView:
    """Return the last word within so many seconds: the decision, or `expired`, nothing booked."""
    booking = wait_while_pending(booking, seconds)
    if booking.status in (Status.PENDING, Status.EXPIRED):
        # Past its deadline it reads as expired while the row still waits and keeps its key.
        withdraw_hold(booking_id=booking.id)
        booking = read_booking(booking_id=booking.id)
    return booking


def watch(booking: BookingView, seconds: float) -> Iterator[BookingView | None]:
    """Yield the booking at once and at each change; None once a while, so that a caller who has
    left is noticed. Ends after so many seconds, or when nothing can change any more.
    """
    deadline = time.monotonic() + seconds
    seen: BookingView | None = None
    with _listener.bell_for(booking) as bell:
        while True:
            booking = read_booking(booking_id=booking.id)
            if booking != seen:
                seen = booking
                yield booking
            if booking.status in FINAL or time.monotonic() >= deadline:
                return
            if not bell.wait(min(_patience(booking), deadline - time.monotonic())):
                yield None
            bell.clear()


FINAL = frozenset(
    {Status.REJECTED, Status.EXPIRED, Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW}
)


def _patience(booking: BookingView) -> float:
    """A pending booking is looked at every second, one that has its places now and then."""
    return LOOK_SECONDS if booking.status is Status.PENDING else 10 * LOOK_SECONDS
