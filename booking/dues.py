"""Messages that are owed because a time has come, and nothing happens at that moment but the clock.

Each kind is one statement that may run as often as it likes: a row that is there stays as it is.
What is owed in crowds comes in portions, so that a decision's message never waits behind it.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Date, Integer, Interval, Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from booking.notices import ring_after_commit
from booking.tally import note_messages
from booking.transactions import retried, transaction
from models import (
    Base,
    Booking,
    BookingSlot,
    Notice,
    Notification,
    Resource,
    Slot,
    Status,
    Told,
    User,
    Venue,
)
from settings import settings

PORTION = 500

Rows = Select[*tuple[Any, ...]]

_BOOKING = ("venue_id", "booking_id", "kind", "version")
_PERIOD = ("venue_id", "kind", "period_on")


def owe_what_is_due() -> int:
    """Owe every message whose time has come; returns how many were new."""
    return sum(
        _owe(columns, rows)
        for columns, rows in (
            (_BOOKING, late_decisions()),
            (_BOOKING, ending_holds()),
            (_BOOKING, reminders()),
            (_PERIOD, digests()),
        )
    )


def late_decisions() -> Rows:
    """Pending holds that nobody waits for and that are undecided for longer than usual.

    Whoever placed one has its answer already, that it was received. A decision follows within
    moments, and its message says more: this one is for when it does not.
    """
    age = timedelta(seconds=settings.received_after_seconds)
    return select(
        Booking.venue_id, Booking.id, literal(str(Notice.RECEIVED)), Booking.revision
    ).where(
        Booking.status == Status.PENDING,
        Booking.created_at <= func.now() - age,
        Booking.expires_at > func.now(),
        ~Booking.is_waited_for,
        Booking.contact_email.is_not(None),
        _is_owed_nothing(Notice.RECEIVED),
    )


def ending_holds() -> Rows:
    """Held bookings near their end. A hold that was short from the start is not warned of."""
    warned = cast(func.concat(Venue.hold_warning_minutes, " minutes"), Interval)
    return (
        select(Booking.venue_id, Booking.id, literal(str(Notice.HOLD_EXPIRES)), Booking.revision)
        .join(Booking.venue)
        .where(
            Booking.status == Status.HELD,
            Booking.expires_at > func.now(),
            Booking.expires_at <= func.now() + warned,
            Booking.expires_at - Booking.held_at > warned + warned,
            Booking.contact_email.is_not(None),
            _is_owed_nothing(Notice.HOLD_EXPIRES),
        )
    )


def reminders() -> Rows:
    """Confirmed bookings that begin within the venue's hours and were made before those.

    Who has booked with an account may have declined to be reminded.
    """
    window = cast(func.concat(Venue.reminder_hours, " hours"), Interval)
    line, earlier, earlier_slot = BookingSlot, aliased(BookingSlot), aliased(Slot)
    begins_earlier = (
        select(earlier.id)
        .join(earlier_slot, earlier_slot.id == earlier.slot_id)
        .where(
            earlier.booking_id == Booking.id,
            earlier.released_at.is_(None),
            earlier_slot.starts_at < Slot.starts_at,
        )
        .exists()
    )
    reminded = (
        select(Notification.id)
        .where(
            Notification.booking_id == Booking.id,
            Notification.kind == Notice.REMINDER,
            Notification.created_at > Slot.starts_at - window,
        )
        .exists()
    )
    has_declined = (
        select(User.id)
        .where(User.id == Booking.user_id, User.reminders_declined_at.is_not(None))
        .exists()
    )
    return (
        select(Booking.venue_id, Booking.id, literal(str(Notice.REMINDER)), Booking.revision)
        .select_from(Venue)
        .join(Resource, Resource.venue_id == Venue.id)
        .join(Slot, Slot.resource_id == Resource.id)
        .join(line, line.slot_id == Slot.id)
        .join(Booking, Booking.id == line.booking_id)
        .where(
            Venue.reminder_hours.is_not(None),
            Slot.starts_at > func.now(),
            Slot.starts_at <= func.now() + window,
            line.released_at.is_(None),
            Booking.status == Status.CONFIRMED,
            Booking.contact_email.is_not(None),
            Booking.confirmed_at < Slot.starts_at - window,
            ~has_declined,
            ~begins_earlier,
            ~reminded,
        )
        .distinct()
        .limit(PORTION)
    )


def digests() -> Rows:
    """Yesterday at the venues that hear once a day, from their hour on."""
    local = func.timezone(Venue.time_zone, func.now())
    yesterday = cast(local, Date) - literal(1, Integer)
    return select(Venue.id, literal(str(Notice.VENUE_DIGEST)), yesterday).where(
        Venue.told_of_bookings == Told.DAILY,
        Venue.contact_email.is_not(None),
        func.extract("hour", local) >= Venue.digest_hour,
        ~select(Notification.id)
        .where(
            Notification.venue_id == Venue.id,
            Notification.kind == Notice.VENUE_DIGEST,
            Notification.period_on == yesterday,
        )
        .exists(),
    )


@retried
def _owe(columns: tuple[str, ...], rows: Rows) -> int:
    with transaction() as tx:
        return _owe_in(tx, columns, rows)


def _owe_in(tx: Session, columns: tuple[str, ...], rows: Rows) -> int:
    table = Base.metadata.tables["notifications"]
    owing = insert(table).from_select(columns, rows).on_conflict_do_nothing()
    kinds = tx.scalars(owing.returning(table.c.kind)).all()
    if kinds:
        note_messages(tx, kinds)
        ring_after_commit(tx)
    return len(kinds)


def _is_owed_nothing(kind: Notice) -> Any:
    return (
        ~select(Notification.id)
        .where(
            Notification.booking_id == Booking.id,
            Notification.kind == kind,
            Notification.version == Booking.revision,
        )
        .exists()
    )
