"""What the engine counts of its own doing: noted inside a transaction, counted after its commit.

A decision that is rolled back has not happened and is not counted. What is noted is counted as
sets, as it was decided.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy.orm import Session

import metrics
from booking.errors import CannotTake, InvalidRequest, TooBusy
from booking.rule import Reason
from booking.transactions import after_commit
from models import Notice, NotificationState, Status

# Shown from the start, with 0: a rate begins with the first one, not with the second.
_STATUSES = {status: metrics.BOOKINGS.labels(status) for status in Status}
_REASONS = {str(reason): metrics.REFUSALS.labels(reason) for reason in Reason}


def note_status(tx: Session, status: Status) -> None:
    """Count one booking that came into a status."""
    after_commit(tx, _STATUSES[status].inc)


def note_decisions(
    tx: Session, statuses: Iterable[tuple[str, str | None]], seconds: Iterable[float]
) -> None:
    """Count holds with what became of each and why, and how long the decided ones had waited."""
    counted, waited = Counter(statuses), list(seconds)

    def count() -> None:
        for (status, reason), number in counted.items():
            _STATUSES[Status(status)].inc(number)
            if status == Status.REJECTED and reason in _REASONS:
                _REASONS[reason].inc(number)
        for each in waited:
            metrics.DECISION_SECONDS.observe(each)

    after_commit(tx, count)


def note_batch(tx: Session, size: int) -> None:
    """Count a batch of holds that were decided together."""
    after_commit(tx, lambda: metrics.BATCH_SIZE.observe(size))


def note_messages(
    tx: Session, kinds: Iterable[str], state: NotificationState = NotificationState.QUEUED
) -> None:
    """Count messages that came into a state, by their kinds."""
    for kind, number in Counter(kinds).items():
        after_commit(tx, partial(metrics.NOTIFICATIONS.labels(Notice(kind), state).inc, number))


@contextmanager
def counting_refusals() -> Iterator[None]:
    """Count a refusal to take places that is said at once, by its code."""
    try:
        yield
    except (CannotTake, InvalidRequest, TooBusy) as error:
        metrics.REFUSALS.labels(error.code).inc()
        raise
