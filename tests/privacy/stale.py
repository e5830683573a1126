"""Bookings that have been over for a while, and what is left of a person in the rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from models import Base, Booking, Notification, NotificationState, Slot, Venue
from tests.factories import make_booking, make_resource, make_slot, session

LONG_AGO = 400


def make_over(venue: Venue | None = None, *, days: float = LONG_AGO, **given: Any) -> Booking:
    """Make a booking that was over so many days ago, and owes nobody a message."""
    slot = given.pop("slot", None) or make_slot(make_resource(venue))
    booking = make_booking(slot, **given)
    move_back(booking, days=days)
    return booking


def move_back(booking: Booking, *, days: float) -> None:
    """Let a booking have been over so many days ago, and its messages be as old."""
    over_at = datetime.now(UTC) - timedelta(days=days)
    db = session()
    db.execute(update(Booking).where(Booking.id == booking.id).values(over_at=over_at))
    db.execute(
        update(Notification)
        .where(Notification.booking_id == booking.id)
        .values(state=NotificationState.DROPPED, created_at=over_at)
    )
    db.commit()


def move_slot_back(slot: Slot, *, days: float) -> None:
    """Let a slot itself have ended so many days ago."""
    ends_at = datetime.now(UTC) - timedelta(days=days)
    starts_at = ends_at - timedelta(hours=2)
    db = session()
    db.execute(
        update(Slot)
        .where(Slot.id == slot.id)
        .values(ends_at=ends_at, starts_at=starts_at, sold_until=starts_at)
    )
    db.commit()


def where_is(mark: str, db: Session) -> set[str]:
    """Return the tables in which a text stands, in any column."""
    return {
        table.name
        for table in Base.metadata.sorted_tables
        if db.scalar(
            text(f"SELECT EXISTS (SELECT FROM {table.name} AS row WHERE row::text ILIKE :like)"),
            {"like": f"%{mark}%"},
        )
    }
