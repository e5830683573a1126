"""What nobody was told of or nobody came for: found by age in the rows, not in the broker."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import extract, func, select

from booking.transactions import reading
from models import Booking, Status


@dataclass(frozen=True, slots=True)
class Backlog:
    """A resource with pending holds: the age of the oldest, and whether a deadline has passed."""

    resource_id: UUID
    oldest_seconds: float
    is_overdue: bool


def read_backlogs(*, older_than_seconds: float) -> list[Backlog]:
    """Return the resources whose oldest pending hold is older than that, or past its deadline."""
    now = func.clock_timestamp()
    age = extract("epoch", now - func.min(Booking.created_at))
    is_overdue = func.min(Booking.expires_at) <= now
    with reading() as tx:
        rows = tx.execute(
            select(Booking.resource_id, age, is_overdue)
            .where(Booking.status == Status.PENDING)
            .group_by(Booking.resource_id)
            .having((age >= older_than_seconds) | is_overdue)
            .order_by(age.desc())
        )
        return [Backlog(row[0], float(row[1]), row[2]) for row in rows]


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
