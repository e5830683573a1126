"""How long the queue before a resource is, and when it is too long to promise anything."""

import math
import time
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.errors import TooBusy
from models import Booking, Status

MOST_COUNTED = 1000
_RECOUNT_SECONDS = 1.0

_counted: dict[UUID, tuple[float, int]] = {}


def expected_seconds(position: int, decisions_per_second: float) -> float:
    """Return the seconds until a hold with `position` before it is decided, one digit, up."""
    return math.ceil(10 * (0.1 + position / max(decisions_per_second, 1.0))) / 10


def refuse_when_too_busy(
    tx: Session,
    resource_id: UUID,
    *,
    ahead: int,
    decisions_per_second: float,
    patience_seconds: int,
) -> None:
    """Raise TooBusy when what is pending cannot be decided within the venue's patience.

    Up to MOST_COUNTED the number is known already; beyond that it is counted once a second a
    process, so that a rush is not slowed down by counting itself.
    """
    if ahead >= MOST_COUNTED:
        ahead = _count(tx, resource_id)
    if expected_seconds(ahead, decisions_per_second) > patience_seconds:
        raise TooBusy


def _count(tx: Session, resource_id: UUID) -> int:
    now = time.monotonic()
    counted_at, count = _counted.get(resource_id, (-math.inf, 0))
    if now - counted_at > _RECOUNT_SECONDS:
        count = (
            tx.scalar(
                select(func.count()).where(
                    Booking.resource_id == resource_id, Booking.status == Status.PENDING
                )
            )
            or 0
        )
        _counted[resource_id] = (now, count)
    return count
