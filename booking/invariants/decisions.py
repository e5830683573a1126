"""Every hold is decided once, in its turn, or let go."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Select,
    func,
    or_,
    select,
)

from models import (
    Booking,
    Resource,
    Status,
)

Question = Select[Any]
_GRACE = timedelta(seconds=60)


def undecided() -> Question:
    """Pending holds that are neither decided nor expired a minute after their deadline."""
    return select(Booking.reference).where(
        Booking.status == Status.PENDING, Booking.expires_at < func.now() - _GRACE
    )


def overdue() -> Question:
    """Held bookings whose places were not given back a minute after their deadline."""
    return select(Booking.reference).where(
        Booking.status == Status.HELD, Booking.expires_at < func.now() - _GRACE
    )


def key_used_twice() -> Question:
    """Bookings under an idempotency key that another one has as well."""
    return (
        select(func.min(Booking.reference))
        .where(Booking.idempotency_key.is_not(None))
        .group_by(Booking.idempotency_scope, Booking.idempotency_key)
        .having(func.count() > 1)
    )


def out_of_order() -> Question:
    """Holds decided before one that had arrived earlier at the same resource."""
    before = func.max(Booking.decision_no).over(
        partition_by=Booking.resource_id,
        order_by=Booking.seq,
        rows=(None, -1),
    )
    numbered = (
        select(Booking.reference, Booking.decision_no, before.label("before"))
        .where(Booking.decision_no.is_not(None))
        .subquery()
    )
    return select(numbered.c.reference).where(numbered.c.decision_no < numbered.c.before)


def decision_numbers_have_gaps() -> Question:
    """Resources whose decisions are not numbered from one to the last without a gap."""
    numbers = (
        select(
            Booking.resource_id,
            func.count(Booking.decision_no).label("count"),
            func.max(Booking.decision_no).label("last"),
        )
        .group_by(Booking.resource_id)
        .subquery()
    )
    last = func.coalesce(numbers.c.last, 0)
    return (
        select(Resource.id)
        .outerjoin(numbers, numbers.c.resource_id == Resource.id)
        .where(
            or_(
                Resource.last_decision_no != last,
                last != func.coalesce(numbers.c.count, 0),
            )
        )
    )
