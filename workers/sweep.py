"""The sweeper: a small process that finds what was left waiting. `python -m workers.sweep`.

It rings again for what is older than two seconds, decides by itself when the broker does not
answer or when nobody came after four (sooner where a caller waits for the outcome), and lets go
of what is past its deadline. Now and then it looks whether places add up. Two of them do no harm.
"""

import signal
import threading
import time
from types import FrameType
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

import logs
import tracing
from booking.actors import SWEEPER
from booking.decide import decide_pending
from booking.doorbell import UNREACHABLE, Publisher
from booking.expiry import expire_held, expire_undecided
from booking.heartbeats import SWEEPER as SWEEPER_BEAT
from booking.heartbeats import beat
from booking.patrol import Patrol
from booking.sweeping import Backlog, read_backlogs, read_resources_with_overdue_holds
from settings import settings

logger = structlog.get_logger(__name__)

_BEAT_SECONDS = 2.0
_PATROL_SECONDS = 5.0


class Sweeper:
    """Looks at the rows again and again until it is told to stop."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._publisher = Publisher()
        self._beat_at = 0.0
        self._patrol = Patrol()
        self._patrol_at = 0.0

    def run(self) -> None:
        """Sweep until stopped; an error of one turn is logged and the next turn comes."""
        while not self.stopped.is_set():
            try:
                self.sweep()
            except Exception:
                logger.exception("sweep_failed")
            self.stopped.wait(settings.sweep_interval_seconds)

    def sweep(self) -> None:
        """Look once at everything that waits or is overdue.

        What fails for one resource is logged and tried again next turn; the others do not wait.
        """
        broker_answers = True
        backlogs = read_backlogs(
            older_than_seconds=settings.ring_after_seconds,
            waited_seconds=settings.sweep_waited_after_seconds,
        )
        for backlog in backlogs:
            try:
                broker_answers = self._see_to(backlog, broker_answers)
            except Exception:
                logger.exception("sweep_failed", resource_id=str(backlog.resource_id))
        for resource_id in read_resources_with_overdue_holds():
            try:
                expire_held(resource_id)
            except Exception:
                logger.exception("sweep_failed", resource_id=str(resource_id))
        self._show_life()
        self._look_around()

    def _see_to(self, backlog: Backlog, broker_answers: bool) -> bool:
        """Ring or decide for one resource; returns whether the broker still answers."""
        if backlog.is_overdue:
            expire_undecided(backlog.resource_id)
        is_urgent = (
            backlog.oldest_seconds >= settings.sweep_after_seconds
            or backlog.waited_seconds >= settings.sweep_waited_after_seconds
        )
        if broker_answers and not is_urgent:
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

    def _look_around(self) -> None:
        """See whether places add up. What waits for a decision does not wait for this."""
        if time.monotonic() < self._patrol_at:
            return
        self._patrol_at = time.monotonic() + _PATROL_SECONDS
        try:
            self._patrol.look()
        except SQLAlchemyError as error:
            logger.warning("patrol_failed", error=type(error).__name__)


def main() -> None:
    """Sweep until SIGTERM or SIGINT."""
    logs.configure()
    tracing.start("sweeper")
    sweeper = Sweeper()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sweeper.stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sweeper.run()


if __name__ == "__main__":
    main()
