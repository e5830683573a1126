"""The sweeper: a small process that finds what was left waiting. `python -m workers.sweep`.

It rings again for what is older than two seconds, decides by itself when the broker does not
answer or when nobody came after four, and lets go of what is past its deadline. Two of them do
no harm.
"""

import signal
import threading
import time
from types import FrameType
from uuid import UUID

import structlog

import logs
from booking.actors import SWEEPER
from booking.decide import decide_pending
from booking.doorbell import UNREACHABLE, Publisher
from booking.expiry import expire_held, expire_undecided
from booking.heartbeats import SWEEPER as SWEEPER_BEAT
from booking.heartbeats import beat
from booking.sweeping import Backlog, read_backlogs, read_resources_with_overdue_holds
from settings import settings

logger = structlog.get_logger(__name__)

_BEAT_SECONDS = 2.0


class Sweeper:
    """Looks at the rows again and again until it is told to stop."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._publisher = Publisher()
        self._beat_at = 0.0

    def run(self) -> None:
        """Sweep until stopped; an error of one turn is logged and the next turn comes."""
        while not self.stopped.is_set():
            try:
                self.sweep()
            except Exception:
                logger.exception("sweep_failed")
            self.stopped.wait(settings.sweep_interval_seconds)

    def sweep(self) -> None:
        """Look once at everything that waits or is overdue."""
        broker_answers = True
        for backlog in read_backlogs(older_than_seconds=settings.ring_after_seconds):
            broker_answers = self._see_to(backlog, broker_answers)
        for resource_id in read_resources_with_overdue_holds():
            expire_held(resource_id)
        self._show_life()

    def _see_to(self, backlog: Backlog, broker_answers: bool) -> bool:
        """Ring or decide for one resource; returns whether the broker still answers."""
        if backlog.is_overdue:
            expire_undecided(backlog.resource_id)
        if backlog.oldest_seconds < settings.sweep_after_seconds and broker_answers:
            if self._ring(backlog.resource_id):
                return True
            broker_answers = False
        if settings.sweeper_decides:
            count = decide_pending(backlog.resource_id, by=SWEEPER)
            logger.info("swept", resource_id=str(backlog.resource_id), count=count)
        return broker_answers

    def _ring(self, resource_id: UUID) -> bool:
        try:
            self._publisher.publish(resource_id)
        except UNREACHABLE as error:
            logger.warning("doorbell_unheard", error=type(error).__name__)
            return False
        return True

    def _show_life(self) -> None:
        if time.monotonic() >= self._beat_at:
            beat(SWEEPER_BEAT)
            self._beat_at = time.monotonic() + _BEAT_SECONDS


def main() -> None:
    """Sweep until SIGTERM or SIGINT."""
    logs.configure()
    sweeper = Sweeper()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sweeper.stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sweeper.run()


if __name__ == "__main__":
    main()
