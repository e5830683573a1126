"""What the rows say of this moment, for the metrics: few questions, each of them bounded."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from booking.breaker import SMTP
from booking.privacy.overdue import count_overdue
from booking.transactions import transaction
from models import Breaker, Heartbeat, Notification, NotificationState

MOST_COUNTED = 100_000
# Up to this size the table is read; beyond it the planner's estimate is good enough, and instant.
COUNTED_BYTES = 16 * 1024 * 1024
_PATIENCE_MS = 1000


@dataclass(frozen=True, slots=True)
class Census:
    """What waits, what is booked, and how mail fares. Ages are in seconds, 0 for none.

    `active` are the bookings that have their places (held, confirmed, checked in) and a slot that
    has not ended. `last_seen_seconds` says by kind how long ago a process was seen at work.
    `privacy_overdue` are the rows of people that should be gone by now.
    """

    pending: int
    oldest_pending_seconds: float
    active: int
    is_mail_shut: bool
    mail_failures: int
    oldest_mail_seconds: float
    last_seen_seconds: dict[str, float]
    privacy_overdue: int


def take_census() -> Census:
    """Ask the database, which has a second for each question."""
    with transaction() as tx:
        tx.execute(select(func.set_config("statement_timeout", str(_PATIENCE_MS), True)))
        pending, oldest = tx.execute(_PENDING, {"most": MOST_COUNTED}).one()
        breaker = tx.get(Breaker, SMTP)
        return Census(
            pending=pending,
            oldest_pending_seconds=float(oldest),
            active=_count_active(tx),
            is_mail_shut=breaker is not None and breaker.shut_until is not None,
            mail_failures=breaker.failures if breaker else 0,
            oldest_mail_seconds=float(tx.scalar(_OLDEST_MAIL) or 0),
            last_seen_seconds={row.process: float(row.seconds) for row in tx.execute(_SEEN)},
            privacy_overdue=count_overdue(tx),
        )


def _count_active(tx: Session) -> int:
    """Count while the table is small; later take the estimate, which costs the same for any size.

    It comes from the statistics that PostgreSQL keeps of the column and from the table's size.
    """
    if tx.scalar(_SIZE) <= COUNTED_BYTES:
        return int(tx.scalar(text(f"SELECT count(*) {_ACTIVE}")) or 0)
    (plan,) = tx.scalar(text(f"EXPLAIN (FORMAT JSON) SELECT 1 {_ACTIVE}")) or [{}]
    return _estimated_rows(plan)


def _estimated_rows(plan: dict[str, Any]) -> int:
    return int(plan["Plan"]["Plan Rows"])


# The statuses stand in the text, where the planner sees that the partial indexes hold them all.
_ACTIVE = """
      FROM bookings AS booking
     WHERE status IN ('held', 'confirmed', 'checked_in')
       AND EXISTS (SELECT FROM booking_slots AS line JOIN slots ON slots.id = line.slot_id
                    WHERE line.booking_id = booking.id AND line.released_at IS NULL
                      AND slots.ends_at > now())
"""
_SIZE = text("SELECT pg_relation_size('bookings')")
_PENDING = text("""
    SELECT count(*), greatest(0, coalesce(
               extract(epoch FROM clock_timestamp() - min(created_at)), 0))
      FROM (SELECT created_at FROM bookings WHERE status = 'pending' LIMIT :most) AS waiting
""")
_OLDEST_MAIL = select(func.extract("epoch", func.now() - func.min(Notification.due_at))).where(
    Notification.state == NotificationState.QUEUED, Notification.due_at <= func.now()
)
_SEEN = select(
    Heartbeat.process,
    func.greatest(0, func.extract("epoch", func.clock_timestamp() - Heartbeat.seen_at)).label(
        "seconds"
    ),
)
