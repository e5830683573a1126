"""One person in the rows: what there is of them, what may go now, and what has to wait."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session

from booking.links import look_at_link
from booking.privacy.holds import read_held
from booking.privacy.inventory import shown
from booking.privacy.purging import may_go
from booking.transactions import reading
from models import (
    Booking,
    BookingEvent,
    BookingSlot,
    Customer,
    Membership,
    Notification,
    Purpose,
    Resource,
    Slot,
    Status,
    User,
    Venue,
    user_roles,
)
from settings import settings

MOST_SHOWN = 200
_FUTURE = (Status.PENDING, Status.HELD, Status.CONFIRMED, Status.CHECKED_IN)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a proven address belongs to, at one venue or, without one, at all of them.

    `before` leaves out what they have booked since they asked.
    """

    email: str
    venue_id: int | None = None
    before: datetime | None = None

    def account(self) -> Any:
        """Return the account of that address, as a subquery."""
        return select(User.id).where(func.lower(User.email) == self.email.lower()).scalar_subquery()

    def bookings(self) -> list[ColumnElement[bool]]:
        """Return the criteria of their bookings that still tell of them."""
        found: list[ColumnElement[bool]] = [
            Booking.purged_at.is_(None),
            or_(
                func.lower(Booking.contact_email) == self.email.lower(),
                Booking.user_id == self.account(),
            ),
        ]
        if self.venue_id is not None:
            found.append(Booking.venue_id == self.venue_id)
        if self.before is not None:
            found.append(Booking.created_at <= self.before)
        return found

    def customers(self) -> list[ColumnElement[bool]]:
        """Return the criteria of the venues' rows about them."""
        found: list[ColumnElement[bool]] = [func.lower(Customer.email) == self.email.lower()]
        if self.venue_id is not None:
            found.append(Customer.venue_id == self.venue_id)
        return found


@dataclass(frozen=True, slots=True)
class Coming:
    """A booking that is still to come."""

    id: UUID
    reference: str
    venue: str
    over_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would do.

    `erasable` bookings lose their person now. `coming` ones are cancelled first, or kept until
    they are over, as the person chooses. `held` ones are kept by law, until `held_until` at least.
    An account stays while its owner works for a venue.
    """

    email: str
    venue: str | None
    erasable: int
    coming: Sequence[Coming]
    held: int
    has_account: bool
    works_here: bool


def preview(*, token: str) -> Preview:
    """Say what there is of whom a mailed link belongs to. Uses nothing up. Raises LinkGone."""
    link = look_at_link(token=token, purpose=Purpose.PRIVACY)
    person = Person(link.email, link.venue_id)
    with reading() as tx:
        is_held = read_held(tx).keeps()
        count = select(func.count()).select_from(Booking).where(*person.bookings())
        coming = tx.execute(
            select(Booking.id, Booking.reference, Venue.name, over())
            .join(Booking.venue)
            .where(*person.bookings(), is_coming())
            .order_by(over(), Booking.id)
            .limit(MOST_SHOWN)
        )
        return Preview(
            email=link.email,
            venue=_slug(tx, link.venue_id),
            erasable=tx.scalar(count.where(not_(is_coming()), not_(is_held))) or 0,
            coming=[Coming(*row) for row in coming],
            held=tx.scalar(count.where(is_held)) or 0,
            has_account=bool(tx.scalar(select(exists().where(User.id == person.account())))),
            works_here=bool(tx.scalar(select(works_for_a_venue(person)))),
        )


def export(*, token: str) -> dict[str, Any]:
    """Return all that is kept of whom a mailed link belongs to. Uses nothing up. Raises LinkGone.

    Nothing of it is stored: it is read when it is asked for.
    """
    link = look_at_link(token=token, purpose=Purpose.PRIVACY)
    person = Person(link.email, link.venue_id)
    with reading() as tx:
        ids = select(Booking.id).where(*person.bookings())
        return {
            "email": link.email,
            "venue": _slug(tx, link.venue_id),
            "account": _rows(tx, "users", [User.id, User.created_at], User.id == person.account())
            if link.venue_id is None
            else [],
            "customers": _rows(
                tx, "customers", [Customer.id, Customer.created_at], *person.customers()
            ),
            "bookings": _rows(tx, "bookings", _OF_BOOKING, Booking.id.in_(ids)),
            "places": _plain(
                tx.execute(
                    select(
                        BookingSlot.booking_id,
                        Resource.name.label("resource"),
                        Slot.starts_at,
                        Slot.ends_at,
                        BookingSlot.units,
                        BookingSlot.unit_price,
                        BookingSlot.currency,
                        BookingSlot.released_at,
                    )
                    .join(BookingSlot.slot)
                    .join(Slot.resource)
                    .where(BookingSlot.booking_id.in_(ids))
                    .order_by(BookingSlot.id)
                )
            ),
            "events": _plain(
                tx.execute(
                    select(
                        BookingEvent.booking_id,
                        BookingEvent.kind,
                        BookingEvent.status,
                        BookingEvent.reason,
                        BookingEvent.details,
                        BookingEvent.at,
                    )
                    .where(BookingEvent.booking_id.in_(ids))
                    .order_by(BookingEvent.id)
                )
            ),
            "messages": _rows(
                tx,
                "notifications",
                [
                    Notification.booking_id,
                    Notification.kind,
                    Notification.state,
                    Notification.created_at,
                    Notification.sent_at,
                ],
                Notification.booking_id.in_(ids),
            ),
        }


def is_coming() -> ColumnElement[bool]:
    """Return the criterion of bookings that are still to come: nobody's are erased before."""
    return Booking.status.in_(_FUTURE) & (over() > func.clock_timestamp())


def is_ready(*, spares: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """Return the criteria of bookings that can be erased now."""
    return [not_(is_coming()), *may_go(), *spares]


def over() -> ColumnElement[datetime]:
    """Return when a booking is over; of one that was never dated, what its lines say."""
    of_lines = (
        select(func.max(Slot.ends_at))
        .join(BookingSlot, BookingSlot.slot_id == Slot.id)
        .where(BookingSlot.booking_id == Booking.id)
        .correlate(Booking)
        .scalar_subquery()
    )
    return func.coalesce(Booking.over_at, of_lines, Booking.created_at)


def works_for_a_venue(person: Person) -> ColumnElement[bool]:
    """Return whether the account has a post or a role, without which nobody could do their work."""
    account = person.account()
    return or_(
        exists().where(Membership.user_id == account),
        exists(select(user_roles.c.user_id).where(user_roles.c.user_id == account)),
    )


def hash_of(email: str) -> bytes:
    """Return the keyed hash by which an address is known when it is gone."""
    key = settings.secret_key.encode()
    return hmac.digest(key, b"holdfast.erased:" + email.lower().encode(), hashlib.sha256)


_OF_BOOKING = [
    Booking.id,
    Booking.reference,
    Booking.status,
    Booking.quantity,
    Booking.guests,
    Booking.total,
    Booking.currency,
    Booking.channel,
    Booking.created_at,
    Booking.over_at,
]


def _rows(
    tx: Session, table: str, columns: Sequence[Any], *criteria: ColumnElement[bool]
) -> list[dict[str, Any]]:
    """Return rows with the facts that are named and all that is personal of their table."""
    return _plain(tx.execute(select(*columns, *shown(table)).where(*criteria).order_by(columns[0])))


def _plain(rows: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in rows]


def _slug(tx: Session, venue_id: int | None) -> str | None:
    return tx.scalar(select(Venue.slug).where(Venue.id == venue_id)) if venue_id else None
