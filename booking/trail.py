"""The trail of a booking: what is told of it after a commit carries the id of its request.

Whoever decides never saw the request. Its id is on the booking's row, so that one search in the
logs leads from the call through the decision to the mail.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

import tracing
from booking.actors import Actor
from booking.transactions import after_commit

logger = structlog.get_logger(__name__)
_level = logging.getLogger(__name__)

# Longer lines are cut in two by what collects logs of containers, at 16 KB.
PORTION = 80


class Step(NamedTuple):
    """A booking, what it has become, and the request by which it came."""

    booking_id: UUID
    status: str
    reason: str | None
    request_id: str | None
    traceparent: str | None
    began: datetime


def note_steps(
    tx: Session, resource_id: UUID, steps: Sequence[Step], *, by: Actor, at: datetime
) -> None:
    """Have log and traces tell of bookings that were decided together, once that is committed."""
    if steps and _level.isEnabledFor(logging.INFO):
        after_commit(tx, partial(_tell, resource_id, steps, by))
    if steps and tracing.is_on():
        after_commit(tx, partial(_trace, steps, at))


def _tell(resource_id: UUID, steps: Sequence[Step], by: Actor) -> None:
    for begin in range(0, len(steps), PORTION):
        logger.info(
            "holds_decided",
            resource_id=str(resource_id),
            by=str(by),
            bookings=[_words(step) for step in steps[begin : begin + PORTION]],
        )


def _trace(steps: Sequence[Step], at: datetime) -> None:
    """Say in the trace of each booking how long it waited, and what became of it."""
    for step in steps:
        tracing.note(
            step.traceparent,
            "decision",
            began=step.began,
            ended=at,
            booking_id=str(step.booking_id),
            request_id=step.request_id,
            status=step.status,
            reason=step.reason,
        )


def _words(step: Step) -> dict[str, str]:
    words = {"id": str(step.booking_id), "status": step.status}
    if step.reason:
        words["reason"] = step.reason
    if step.request_id:
        words["request_id"] = step.request_id
    return words
