"""Waiting for a decision: one listener a process, woken by the database, for everybody who waits.

Neither a notification nor Redis is needed for the outcome: once a second somebody who waits looks
for all who do. While it waits it holds neither a connection nor a lock.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from booking.events import CHANNEL
from booking.lifecycle import withdraw_hold
from booking.views import BookingView, read_booking, read_newest_events, read_some
from models import Status
from models.database import connect_raw

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
_RECONNECT_SECONDS = 0.5
# Nobody begins to wait for a booking that was read longer ago than this.
_SURE_SECONDS = 10.0
_MOST_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Waiter:
    """One who waits for a booking: woken when it changes, or when its number has been decided.

    `seen` is the booking as the listener has read it, for one who `wants_to_see` it.
    """

    booking_id: UUID
    seq: int
    wants_to_see: bool
    bell: threading.Event = field(default_factory=threading.Event)
    seen: BookingView | None = None


class Listener:
    """Hears the database's notifications and wakes those whom they concern.

    It reads what they wait for in one statement, however many they are.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, set[Waiter]] = {}
        self._of_all: set[threading.Event] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # The highest decided number by resource, of what was told since then.
        self._heard: dict[str, int] = {}
        self._listens_since = math.inf
        self._looked_at = -math.inf

    @contextmanager
    def waiter_for(self, booking: BookingView, *, wants_to_see: bool) -> Iterator[Waiter]:
        """Give a waiter whose bell rings whenever the booking may have changed."""
        waiter = Waiter(booking.id, booking.seq, wants_to_see)
        topics = (f"booking:{booking.id}", f"resource:{booking.resource_id}")
        with self._lock:
            for topic in topics:
                self._waiting.setdefault(topic, set()).add(waiter)
            if self._may_have_missed(topics[1], booking.seq):
                waiter.bell.set()
            self._start()
        try:
            yield waiter
        finally:
            with self._lock:
                for topic in topics:
                    waiters = self._waiting[topic]
                    waiters.discard(waiter)
                    if not waiters:
                        del self._waiting[topic]

    def next_look(self, began: float) -> float:
        """Return when one who began to wait then is to look, if nobody wakes it before."""
        return max(began, self._looked_at) + LOOK_SECONDS

    def look(self) -> None:
        """Read for all who wait and wake whom it concerns, unless another has done so meanwhile.

        Each looking for itself would cost the most when all wait the longest.
        """
        with self._lock:
            if time.monotonic() < self._looked_at + LOOK_SECONDS:
                return
            before, self._looked_at = self._looked_at, time.monotonic()
            waiters = set().union(*self._waiting.values())
        wanted = [each.booking_id for each in waiters if each.wants_to_see]
        try:
            seen = read_some(wanted)
        except SQLAlchemyError:
            self._looked_at = before
            raise
        for waiter in waiters:
            view = seen.get(waiter.booking_id)
            if view is not None and view.status is not Status.PENDING:
                waiter.seen = view
                waiter.bell.set()

    def _may_have_missed(self, topic: str, seq: int) -> bool:
        """Whether the decision may have been told between the reading and now."""
        listened = time.monotonic() - self._listens_since
        return listened < _SURE_SECONDS or seq <= self._heard.get(topic, 0)

    @contextmanager
    def bell_for_all(self) -> Iterator[threading.Event]:
        """Give an event that is set whenever any booking may have changed."""
        bell = threading.Event()
        with self._lock:
            self._of_all.add(bell)
            self._start()
        try:
            yield bell
        finally:
            with self._lock:
                self._of_all.discard(bell)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                with connect_raw(autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._begin()
                    while True:
                        told = connection.notifies(stop_after=1)
                        self._wake([notification.payload for notification in told])
            except psycopg.Error as error:
                self._listens_since = math.inf
                logger.warning("listener_lost", error=type(error).__name__)
                time.sleep(_RECONNECT_SECONDS)

    def _begin(self) -> None:
        with self._lock:
            self._heard.clear()
            self._listens_since = time.monotonic()

    def _wake(self, payloads: list[str]) -> None:
        with self._lock:
            for bell in self._of_all:
                bell.set()
        woken = self._find(payloads)
        seen = self._read([waiter.booking_id for waiter in woken if waiter.wants_to_see])
        for waiter in woken:
            waiter.seen = seen.get(waiter.booking_id)
            waiter.bell.set()

    def _find(self, payloads: list[str]) -> set[Waiter]:
        woken: set[Waiter] = set()
        with self._lock:
            for payload in payloads:
                kind, subject, *upto = payload.split(":")
                waiters = self._waiting.get(topic := f"{kind}:{subject}", set())
                if not upto:
                    woken |= waiters
                    continue
                if len(self._heard) >= _MOST_REMEMBERED:
                    self._heard.clear()
                    self._listens_since = time.monotonic()
                number = self._heard[topic] = max(int(upto[0]), self._heard.get(topic, 0))
                woken.update(waiter for waiter in waiters if waiter.seq <= number)
        return woken

    def _read(self, booking_ids: list[UUID]) -> dict[UUID, BookingView]:
        """Read what is waited for; nothing when that fails: they will look for themselves."""
        try:
            return read_some(booking_ids) if booking_ids else {}
        except SQLAlchemyError as error:
            logger.warning("waiters_not_told", error=type(error).__name__)
            return {}


_listener = Listener()


def wait_while_pending(booking: BookingView, seconds: float) -> BookingView:
    """Return the booking as soon as it is decided, or as it is after so many seconds."""
    if booking.status is not Status.PENDING or seconds <= 0:
        return booking
    began = time.monotonic()
    deadline = began + seconds
    with _listener.waiter_for(booking, wants_to_see=True) as waiter:
        while (now := time.monotonic()) < deadline:
            if not waiter.bell.wait(max(min(deadline, _listener.next_look(began)) - now, 0)):
                _listener.look()
                continue
            waiter.bell.clear()
            seen, waiter.seen = waiter.seen, None
            seen = seen or read_booking(booking_id=booking.id)
            if seen.status is not Status.PENDING:
                return seen
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
    with _listener.waiter_for(booking, wants_to_see=False) as waiter:
        while True:
            booking = read_booking(booking_id=booking.id)
            if booking != seen:
                seen = booking
                yield booking
            if booking.status in FINAL or time.monotonic() >= deadline:
                return
            if not waiter.bell.wait(min(_patience(booking), deadline - time.monotonic())):
                yield None
            waiter.bell.clear()


def watch_venues(venue_ids: Sequence[int] | None, seconds: float) -> Iterator[int | None]:
    """Yield a number at once, and whenever bookings of these venues, or of all, have changed.

    At most once a second, however much happens; None once a while, so that a caller who has left
    is noticed. Ends after so many seconds.
    """
    deadline = time.monotonic() + seconds
    with _listener.bell_for_all() as bell:
        seen = read_newest_events(venue_ids)
        yield max(seen, default=0)
        while (left := deadline - time.monotonic()) > 0:
            if not bell.wait(min(10 * LOOK_SECONDS, left)):
                yield None
            bell.clear()
            newest = read_newest_events(venue_ids)
            if newest != seen:
                seen = newest
                yield max(newest, default=0)
            # What happens meanwhile, here or at other venues, is looked at together.
            time.sleep(LOOK_SECONDS)


FINAL = frozenset(
    {Status.REJECTED, Status.EXPIRED, Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW}
)


def _patience(booking: BookingView) -> float:
    """A pending booking is looked at every second, one that has its places now and then."""
    return LOOK_SECONDS if booking.status is Status.PENDING else 10 * LOOK_SECONDS
