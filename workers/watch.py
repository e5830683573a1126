"""Mail goes also while the broker is away: then its worker looks at the rows by itself.

As long as the broker carries anything, beat rings for mail every five seconds. Where no task has
come for twice that, a thread of the mail worker sends what is due. Two who send at once do no harm.
"""

import threading
import time

import structlog

from settings import settings
from workers.couriers import send_due

logger = structlog.get_logger(__name__)

_LOOK_SECONDS = 2.0


class Watch:
    """Sends what is due while nobody rings."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._heard_at = time.monotonic()
        self._is_alone = False

    def hear(self) -> None:
        """Note that the broker has just brought a task."""
        self._heard_at = time.monotonic()

    def start(self) -> None:
        """Look from now on, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def look(self) -> None:
        """Send what is due, if the broker has been silent for too long."""
        is_alone = time.monotonic() - self._heard_at >= settings.mail_alone_after_seconds
        if is_alone != self._is_alone:
            self._is_alone = is_alone
            logger.warning("mail_alone" if is_alone else "mail_rung_again")
        if is_alone:
            send_due()

    def _run(self) -> None:
        while not self.stopped.wait(min(_LOOK_SECONDS, settings.mail_alone_after_seconds)):
            try:
                self.look()
            except Exception:
                # The database may be away as well; the next look is soon.
                logger.exception("watch_failed")


watch = Watch()
