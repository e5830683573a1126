"""Calendar feeds behind secret links: one of a resource for its owner, one of a booking.

A feed's link shows and changes nothing. It is signed with a salt of its own, so that it opens no
booking, and it ends when its version is raised.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.access import Opened
from booking.correspondence import Sender, Subject, read_subjects, sender
from booking.errors import BookingNotFound, ResourceNotFound
from booking.transactions import reading, retried, transaction
from models import Booking, BookingSlot, Resource, Slot, Status
from settings import settings

BACK = timedelta(days=30)
MOST_BOOKINGS = 5000
SHOWN = (
    Status.HELD,
    Status.CONFIRMED,
    Status.CHECKED_IN,
    Status.COMPLETED,
    Status.NO_SHOW,
    Status.CANCELLED,
)

_of_booking = URLSafeSerializer(settings.secret_key, salt="holdfast.booking-feed")
_of_resource = URLSafeSerializer(settings.secret_key, salt="holdfast.resource-feed")


@dataclass(frozen=True, slots=True)
class Feed:
    """The bookings of a feed and who they are with; `name` is what a calendar calls it."""

    name: str
    sender: Sender
    bookings: tuple[Subject, ...]


def booking_feed_token(booking: Opened) -> str:
    """Return the token of a booking's feed; a higher access version makes it void."""
    return str(_of_booking.dumps([booking.id.hex, booking.access_version]))


def resource_feed_token(resource: Resource) -> str:
    """Return the token of a resource's feed; renew_resource_feed() makes it void."""
    return str(_of_resource.dumps([resource.id.hex, resource.feed_version]))


def read_booking_feed(token: str) -> Feed:
    """Return the feed of one booking. Raises BookingNotFound for a token that opens none."""
    named = _named(_of_booking, token)
    if named is None:
        raise BookingNotFound
    booking_id, version = named
    with reading() as tx:
        booking = tx.get(Booking, booking_id)
        if booking is None or booking.access_version != version:
            raise BookingNotFound
        found = read_subjects(
            tx, Booking.id == booking_id, Booking.confirmed_at.is_not(None), limit=1
        )
        return Feed(booking.venue.name, sender(booking.venue), found)


def read_resource_feed(token: str) -> Feed:
    """Return a resource's bookings from 30 days back on. Raises ResourceNotFound."""
    named = _named(_of_resource, token)
    if named is None:
        raise ResourceNotFound
    resource_id, version = named
    with reading() as tx:
        resource = tx.get(Resource, resource_id)
        if resource is None or resource.feed_version != version:
            raise ResourceNotFound
        name = f"{resource.name} – {resource.venue.name}"
        return Feed(name, sender(resource.venue), _read_bookings(tx, resource))


@retried
def renew_resource_feed(*, resource_id: UUID) -> None:
    """Make every link to a resource's feed void that was given out before."""
    with transaction() as tx:
        tx.execute(
            update(Resource)
            .where(Resource.id == resource_id)
            .values(feed_version=Resource.feed_version + 1)
        )


def _read_bookings(tx: Session, resource: Resource) -> tuple[Subject, ...]:
    recent = (
        select(BookingSlot.booking_id)
        .join(BookingSlot.slot)
        .where(Slot.resource_id == resource.id, Slot.ends_at > func.now() - BACK)
    )
    return read_subjects(
        tx,
        Booking.resource_id == resource.id,
        Booking.status.in_(SHOWN),
        # Held or once confirmed: who was refused, or let go unconfirmed, was never expected.
        Booking.confirmed_at.is_not(None) | (Booking.status == Status.HELD),
        Booking.id.in_(recent),
        limit=MOST_BOOKINGS,
    )


def _named(serializer: URLSafeSerializer, token: str) -> tuple[UUID, int] | None:
    try:
        hexadecimal, version = serializer.loads(token)
        return UUID(hexadecimal), int(version)
    except (BadSignature, ValueError, TypeError):
        return None
