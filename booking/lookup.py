"""Finding one's own bookings by a mailed link."""

from datetime import timedelta

from sqlalchemy import func, select

from booking.transactions import reading
from models import OneTimeLink, Purpose

_FRESH = timedelta(minutes=10)


def has_fresh_link(email: str) -> bool:
    """Whether a link was mailed to this address only just now, so that none is due again yet."""
    with reading() as tx:
        found = tx.scalar(
            select(OneTimeLink.id)
            .where(
                func.lower(OneTimeLink.email) == email.lower(),
                OneTimeLink.purpose == Purpose.SIGN_IN,
                OneTimeLink.created_at > func.clock_timestamp() - _FRESH,
            )
            .limit(1)
        )
    return found is not None
