"""How many rows should be gone and are not: the promise of the purge, asked of the rows."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, lateral, literal, or_, select, text, true
from sqlalchemy.orm import Session

from booking.privacy.holds import lasts
from booking.privacy.policies import DEFAULT
from booking.privacy.purging import may_go
from models import (
    Booking,
    ErasureRequest,
    ErasureState,
    LegalHold,
    Notification,
    NotificationState,
    PrivacyPolicy,
    Status,
    Venue,
)

# The purge runs once a day, and has a morning for it.
GRACE = timedelta(hours=36)
MOST_COUNTED = 1000


def count_overdue(tx: Session) -> int:
    """Count what is beyond its venue's policy by more than the grace, a thousand a venue at most.

    What a legal hold keeps is not overdue; a request is when its day is over and nothing keeps it.
    """
    counted = select(func.count()).select_from(Venue)
    rows = sum(
        tx.scalar(counted.join(lateral(stale), true())) or 0
        for stale in (_people(), _requests(), _messages())
    )
    late = select(func.count()).where(
        ErasureRequest.state == ErasureState.OPEN,
        ErasureRequest.due_at < func.now(),
    )
    return int(rows + (tx.scalar(late) or 0))


def _people() -> Select[Any]:
    return (
        select(Booking.id)
        .where(
            Booking.venue_id == Venue.id,
            Booking.over_at < _cutoff("contact_days"),
            *may_go(),
            ~_is_held(),
        )
        .limit(MOST_COUNTED)
        .correlate(Venue)
    )


def _requests() -> Select[Any]:
    return (
        select(Booking.id)
        .where(
            Booking.venue_id == Venue.id,
            Booking.over_at < _cutoff("requests_days"),
            or_(Booking.special_requests.is_not(None), Booking.details != text("'{}'::jsonb")),
            Booking.status.not_in([Status.PENDING, Status.HELD]),
            ~_is_held(),
        )
        .limit(MOST_COUNTED)
        .correlate(Venue)
    )


def _messages() -> Select[Any]:
    return (
        select(Notification.id)
        .outerjoin(Booking, Booking.id == Notification.booking_id)
        .where(
            Notification.venue_id == Venue.id,
            Notification.created_at < _cutoff("messages_days"),
            or_(Notification.address_hash.is_not(None), Notification.last_error.is_not(None)),
            Notification.state != NotificationState.QUEUED,
            ~_is_held(),
        )
        .limit(MOST_COUNTED)
        .correlate(Venue)
    )


def _cutoff(name: str) -> ColumnElement[Any]:
    """Return the instant before which a venue's rows of one class should be gone."""
    set_days = (
        select(getattr(PrivacyPolicy, name))
        .where(PrivacyPolicy.venue_id == Venue.id)
        .order_by(PrivacyPolicy.version.desc())
        .limit(1)
        .correlate(Venue)
        .scalar_subquery()
    )
    days = func.coalesce(set_days, getattr(DEFAULT, name))
    return func.now() - func.make_interval(0, 0, 0, days) - literal(GRACE)


def _is_held() -> ColumnElement[bool]:
    held = Booking.__table__.alias("held")
    return (
        select(LegalHold.id)
        .join(held, held.c.id == LegalHold.booking_id)
        .where(
            lasts(),
            or_(
                LegalHold.booking_id == Booking.id,
                LegalHold.covers_customer & (held.c.customer_id == Booking.customer_id),
            ),
        )
        .correlate(Booking)
        .exists()
    )
