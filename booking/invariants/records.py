"""Events and messages tell what happened, all of it and nothing else, to the right tenant."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from booking.rule import Reason
from booking.states import MOVES
from models import (
    Booking,
    BookingEvent,
    CancellationReason,
    Customer,
    EventKind,
    Notice,
    Notification,
    Resource,
    Status,
)

Question = Select[Any]


def status_without_event() -> Question:
    """Bookings whose last event tells of another status, or that have no event at all."""
    last = (
        select(BookingEvent.status)
        .where(BookingEvent.booking_id == Booking.id)
        .order_by(BookingEvent.id.desc())
        .limit(1)
        .correlate(Booking)
        .scalar_subquery()
    )
    return select(Booking.reference).where(func.coalesce(last, "none") != Booking.status)


def illegal_transition() -> Question:
    """Events that tell of a move which no booking may make, or that a kind does not make."""
    before = func.lag(BookingEvent.status).over(
        partition_by=BookingEvent.booking_id, order_by=BookingEvent.id
    )
    event = select(
        BookingEvent.id, BookingEvent.kind, BookingEvent.status, before.label("before")
    ).subquery()
    stays = event.c.kind.in_([EventKind.CHANGED, EventKind.EXTENDED])
    legal = [(old, new, EventKind(new)) for old, following in MOVES.items() for new in following]
    is_legal = case(
        (
            event.c.before.is_(None),
            and_(event.c.kind == EventKind.PLACED, event.c.status == Status.PENDING),
        ),
        (stays, event.c.before == event.c.status),
        else_=tuple_(event.c.before, event.c.status, event.c.kind).in_(legal),
    )
    return select(event.c.id).where(not_(is_legal))


def event_lost() -> Question:
    """Bookings with a time of a transition for which there is no event."""
    stamps = [
        (EventKind.HELD, Booking.held_at),
        (EventKind.CONFIRMED, Booking.confirmed_at),
        (EventKind.CHECKED_IN, Booking.checked_in_at),
    ]
    return select(Booking.reference).where(
        or_(
            *(
                and_(
                    stamp.is_not(None),
                    ~exists().where(
                        BookingEvent.booking_id == Booking.id, BookingEvent.kind == kind
                    ),
                )
                for kind, stamp in stamps
            )
        )
    )


def changes_differ_from_revision() -> Question:
    """Bookings that count another number of changes than their events tell of."""
    changes = (
        select(func.count())
        .where(BookingEvent.booking_id == Booking.id, BookingEvent.kind == EventKind.CHANGED)
        .correlate(Booking)
        .scalar_subquery()
    )
    return select(Booking.reference).where(changes != Booking.revision - 1)


def message_lost() -> Question:
    """Bookings whose customer was never owed the message of a transition or of the last change."""
    was_confirmed = Booking.confirmed_at.is_not(None)
    nobody_waited = Booking.is_waited_for.is_(False)
    owed = [
        (Booking.held_at.is_not(None), Notice.HELD),
        (was_confirmed, Notice.CONFIRMED),
        (and_(was_confirmed, Booking.cancelled_at.is_not(None)), Notice.CANCELLED),
        (and_(Booking.status == Status.REJECTED, nobody_waited), Notice.REJECTED),
        (and_(Booking.expired_at.is_not(None), Booking.held_at.is_not(None)), Notice.EXPIRED),
        (and_(Booking.reason == Reason.NOT_DECIDED, nobody_waited), Notice.EXPIRED),
    ]
    lost = [and_(condition, ~_is_owed(kind)) for condition, kind in owed]
    last_change = _is_owed(Notice.CHANGED, Notification.version == Booking.revision)
    return select(Booking.reference).where(
        Booking.contact_email.is_not(None),
        or_(*lost, and_(Booking.revision > 1, ~last_change)),
    )


def _is_owed(kind: Notice, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Notification.booking_id == Booking.id, Notification.kind == kind, *more)


def message_untrue() -> Question:
    """Messages about something that never happened to their booking."""
    said = Notification.kind
    return (
        select(Notification.id)
        .join(Booking, Booking.id == Notification.booking_id)
        .where(
            or_(
                Notification.version > Booking.revision,
                and_(said == Notice.CONFIRMED, Booking.confirmed_at.is_(None)),
                and_(said == Notice.CHANGED, Notification.version < 2),
                and_(said == Notice.CANCELLED, Booking.cancelled_at.is_(None)),
                and_(said == Notice.HELD, Booking.held_at.is_(None)),
                and_(said == Notice.REJECTED, Booking.status != Status.REJECTED),
                and_(said == Notice.EXPIRED, Booking.expired_at.is_(None)),
            )
        )
    )


def tenants_mixed() -> Question:
    """Bookings whose parts belong to two venues."""
    event = aliased(BookingEvent)
    return (
        select(Booking.reference)
        .join(Booking.resource)
        .join(Booking.customer)
        .outerjoin(Booking.cancellation_reason)
        .where(
            or_(
                Resource.venue_id != Booking.venue_id,
                Customer.venue_id != Booking.venue_id,
                CancellationReason.venue_id != Booking.venue_id,
                exists().where(event.booking_id == Booking.id, event.venue_id != Booking.venue_id),
                exists().where(
                    Notification.booking_id == Booking.id,
                    Notification.venue_id != Booking.venue_id,
                ),
            )
        )
    )
