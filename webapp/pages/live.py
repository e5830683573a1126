"""Places left, live: a stream that says when a search would find something else by now.

It looks again every few seconds, at what all who look share for two seconds, so a page is never
staler than that; what is booked is decided by rows and not by what a page shows. A stream takes
one of the process's places to wait, and only so many of them: those who wait for a decision come
first. Without one the page asks again by itself, or its reader reloads it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import structlog
from flask import Response
from sqlalchemy.exc import SQLAlchemyError

from settings import settings
from webapp.problems import TooManyWait
from webapp.waiters import leave_place, take_place

logger = structlog.get_logger(__name__)

STREAM_SECONDS = 60
LOOK_SECONDS = 2.0
RETRY_MS = 2000
EVENT = "event: places\ndata: \n\n"

_watchers = threading.Semaphore(max(1, settings.web_waiters // 4))


def fingerprint(found: Any) -> str:
    """Return what is the same for two searches that found the same."""
    return blake2b(repr(found).encode(), digest_size=8).hexdigest()


def stream(look: Callable[[], str], seen: str) -> Response:
    """Answer with an event whenever `look` gives something else than what was seen before.

    Raises TooManyWait.
    """
    if not _watchers.acquire(blocking=False):
        raise TooManyWait
    if not take_place():
        _watchers.release()
        raise TooManyWait
    answer = Response(_changes(look, seen), mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(leave_place)
    answer.call_on_close(_watchers.release)
    return answer


def _changes(look: Callable[[], str], seen: str) -> Iterator[str]:
    ends_at = time.monotonic() + STREAM_SECONDS
    yield f"retry: {RETRY_MS}\n\n"
    try:
        while time.monotonic() < ends_at:
            now = look()
            yield ": still here\n\n" if now == seen else EVENT
            seen = now
            time.sleep(LOOK_SECONDS)
    except SQLAlchemyError as error:
        # The headers are long gone: the browser connects again and is told then.
        logger.warning("stream_broken", error=type(error).__name__)
