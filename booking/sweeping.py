"""What nobody was told of or nobody came for: found by age in the rows, not in the broker."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import extract, func, select

from booking.transactions import reading
from models import Booking, Status


@dataclass(frozen=True, slots=True)
class Backlog:
    """A resource with pending holds, and how long the oldest of them has been there.

    `waited_seconds` is the age of the oldest whose caller waits for the outcome; `is_overdue` says
    that a deadline has passed.
    """

    resource_id: UUID
    oldest_seconds: float
    waited_seconds: float
    is_overdue: bool


def read_backlogs(*, older_than_seconds: float, waited_seconds: float) -> list[Backlog]:
    """Return the resources with a pending hold that is older than that or past its deadline."""
    now = func.clock_timestamp()
    age = extract("epoch", now - func.min(Booking.created_at))
    oldest_waited = func.min(Booking.created_at).filter(Booking.is_waited_for)
    waited = func.coalesce(extract("epoch", now - oldest_waited), 0)
    is_overdue = func.min(Booking.expires_at) <= now
    with reading() as tx:
        rows = tx.execute(
            select(Booking.resource_id, age, waited, is_overdue)
            .where(Booking.status == Status.PENDING)
            .group_by(Booking.resource_id)
            .having((age >= older_than_seconds) | (waited >= waited_seconds) | is_overdue)
            .order_by(age.desc())
        )
        return [Backlog(row[0], float(row[1]), float(row[2]), row[3]) for row in rows]


def read_resources_with_overdue_holds() -> list[UUID]:
    """Return the resources with held bookings whose deadline has passed."""
    with reading() as tx:
        return list(
            tx.scalars(
                select(Booking.resource_id)
                .where(Booking.status == Status.HELD, Booking.expires_at <= func.clock_timestamp())
                .distinct()
            )
        )
