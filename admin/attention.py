"""Bookings that need a hand, and those that wait: what somebody of the venue should look at now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from admin.coming import today_of_venue
from admin.database import db
from admin.tenancy import Realm
from booking.rule import Reason
from models import (
    Booking,
    BookingSlot,
    Notification,
    NotificationState,
    Resource,
    Slot,
    Status,
    Venue,
)

MOST_SHOWN = 20
_LATE = timedelta(minutes=30)
_ENDS_SOON = timedelta(minutes=10)
_MOST_READ = 2000
_FAR = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hold that waits for its decision, or for its customer."""

    booking_id: UUID
    reference: str
    status: str
    resource: str
    venue: str
    quantity: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hand:
    """A booking that needs a hand: why, and since when or until when."""

    why: str
    booking_id: UUID
    reference: str
    name: str | None
    resource: str
    venue: str
    time_zone: str
    at: datetime


_OF_BOOKING = (Booking.id, Booking.reference, Booking.contact_name, Resource.name, Venue.name)


def read_waiting(realm: Realm) -> list[Waiting]:
    """Return the open holds, those that wait for a decision first and the oldest of them."""
    rows = db.session.execute(
        select(
            Booking.id,
            Booking.reference,
            Booking.status,
            Resource.name,
            Venue.name,
            Booking.quantity,
            Booking.created_at,
            Booking.expires_at,
        )
        .join(Booking.resource)
        .join(Booking.venue)
        .where(realm.limit(Booking.venue_id), Booking.status.in_((Status.PENDING, Status.HELD)))
        .order_by(Booking.status.desc(), Booking.seq)
        .limit(MOST_SHOWN)
    )
    return [Waiting(*row) for row in rows]


def read_attention(realm: Realm, now: datetime) -> list[Hand]:
    """Return what needs a hand: holds about to end, guests not checked in, faults, lost mail."""
    return [
        *_read(_ending_holds(realm, now), "The hold ends soon"),
        *_read(_not_checked_in(realm, now), "Not checked in yet"),
        *_read(_faults(realm, now), "Rejected by a fault of ours"),
        *_read(_refused_mail(realm, now), "The mail server wants no mail for this address"),
    ]


def _read(query: Select[*tuple[Any, ...]], why: str) -> Iterator[Hand]:
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        yield Hand(why, *row)


def _ending_holds(realm: Realm, now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(*_OF_BOOKING, Venue.time_zone, Booking.expires_at)
        .join(Booking.resource)
        .join(Booking.venue)
        .where(
            realm.limit(Booking.venue_id),
            Booking.status == Status.HELD,
            Booking.expires_at.between(now, now + _ENDS_SOON),
        )
        .order_by(Booking.expires_at)
    )


def _not_checked_in(realm: Realm, now: datetime) -> Select[*tuple[Any, ...]]:
    """Confirmed bookings of today that began half an hour ago; a night is arrived for all day."""
    return (
        select(*_OF_BOOKING, Venue.time_zone, func.min(Slot.starts_at))
        .join(BookingSlot, BookingSlot.slot_id == Slot.id)
        .join(BookingSlot.booking)
        .join(Slot.resource)
        .join(Resource.venue)
        .where(
            realm.limit(Venue.id),
            Slot.local_on == today_of_venue(now),
            Slot.starts_at < now - _LATE,
            ~Slot.is_night,
            BookingSlot.released_at.is_(None),
            Booking.status == Status.CONFIRMED,
        )
        .group_by(*_OF_BOOKING, Venue.time_zone)
        .order_by(func.min(Slot.starts_at), Booking.reference)
    )


def _faults(realm: Realm, now: datetime) -> Select[*tuple[Any, ...]]:
    """Of the newest bookings; those of days ago are a matter for reports."""
    newest = (
        select(Booking.id)
        .where(realm.limit(Booking.venue_id))
        .order_by(Booking.seq.desc())
        .limit(_MOST_READ)
        .subquery()
    )
    return (
        select(*_OF_BOOKING, Venue.time_zone, Booking.decided_at)
        .join(newest, newest.c.id == Booking.id)
        .join(Booking.resource)
        .join(Booking.venue)
        .where(
            Booking.status == Status.REJECTED,
            Booking.reason == Reason.INTERNAL,
            Booking.decided_at > now - _FAR,
        )
        .order_by(Booking.seq.desc())
    )


def _refused_mail(realm: Realm, now: datetime) -> Select[*tuple[Any, ...]]:
    """Bookings still to come whose customer the newest messages did not reach."""
    newest = (
        select(Notification.id)
        .where(realm.limit(Notification.venue_id))
        .order_by(Notification.id.desc())
        .limit(_MOST_READ)
        .subquery()
    )
    return (
        select(*_OF_BOOKING, Venue.time_zone, func.max(Notification.created_at))
        .select_from(Notification)
        .join(newest, newest.c.id == Notification.id)
        .join(Notification.booking)
        .join(Booking.resource)
        .join(Booking.venue)
        .where(
            Notification.state == NotificationState.REFUSED,
            Notification.kind.not_like("venue%"),
            Notification.created_at > now - _FAR * 7,
            Booking.status.in_((Status.HELD, Status.CONFIRMED)),
        )
        .group_by(*_OF_BOOKING, Venue.time_zone)
        .order_by(func.max(Notification.created_at).desc())
    )
