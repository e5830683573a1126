"""Messages owed to customers and venues, queued in the transaction that they tell of.

After its commit the bell for mail is rung; it may be lost, the rows stay.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    event,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from booking.doorbell import ring_for_mail
from booking.tally import note_messages
from models import Base, Booking, BookingSlot, Notice, Slot, Told, Venue

_TOLD_TO_VENUE = {
    Notice.CONFIRMED: Notice.VENUE_NEW,
    Notice.CHANGED: Notice.VENUE_CHANGED,
    Notice.CANCELLED: Notice.VENUE_CANCELLED,
}
_FILLS = (Notice.HELD, Notice.CONFIRMED, Notice.CHANGED)


def queue(tx: Session, booking: Booking, kind: Notice) -> None:
    """Owe the customer a message about the booking's present revision, once."""
    queue_many(tx, [(booking.id, kind)])


def queue_many(tx: Session, owed: Sequence[tuple[UUID, Notice]]) -> None:
    """Owe many messages in one statement. Nobody without an address is owed one.

    The venue is owed its own, if it wants to hear at once, and one when a slot that the bookings
    take passes the venue's threshold. A message that is there already stays as it is.
    """
    if not owed:
        return
    tx.flush()
    given = {
        "ids": [booking_id for booking_id, _ in owed],
        "kinds": [str(kind) for _, kind in owed],
    }
    note_messages(tx, tx.connection().scalars(_INSERT, given))
    ring_after_commit(tx)


def ring_after_commit(tx: Session) -> None:
    """Ring for mail when the transaction has been committed; never if it is rolled back."""
    if not tx.info.get("rings_for_mail"):
        tx.info["rings_for_mail"] = True
        event.listen(tx, "after_commit", _ring, once=True)


def _ring(tx: Session) -> None:
    tx.info.pop("rings_for_mail", None)
    ring_for_mail()


_notifications = Base.metadata.tables["notifications"]

_OWED = (
    func.unnest(cast(bindparam("ids"), ARRAY(Uuid)), cast(bindparam("kinds"), ARRAY(String)))
    .table_valued(column("id", Uuid), column("kind", String), name="owed")
    .render_derived()
)


def _tell_customers() -> CTE:
    """Owe those who booked their message."""
    return _insert(
        ["venue_id", "booking_id", "kind", "version"],
        select(Booking.venue_id, Booking.id, _OWED.c.kind, Booking.revision)
        .join_from(_OWED, Booking, Booking.id == _OWED.c.id)
        .where(Booking.contact_email.is_not(None)),
    ).cte("told_customers")


def _tell_venues() -> CTE:
    """Owe the venues that hear at once the message that goes with the customer's."""
    kind = case(
        *((_OWED.c.kind == theirs, literal(str(its))) for theirs, its in _TOLD_TO_VENUE.items())
    )
    return _insert(
        ["venue_id", "booking_id", "kind", "version"],
        select(Booking.venue_id, Booking.id, kind, Booking.revision)
        .join_from(_OWED, Booking, Booking.id == _OWED.c.id)
        .join(Booking.venue)
        .where(
            Venue.contact_email.is_not(None),
            Venue.told_of_bookings == Told.AT_ONCE,
            _OWED.c.kind.in_(list(_TOLD_TO_VENUE)),
        ),
    ).cte("told_venues")


def _tell_of_slots() -> CTE:
    """Owe the venues one message for each slot that has passed their threshold."""
    taken = (Slot.capacity - Slot.remaining) * 100
    return _insert(
        ["venue_id", "slot_id", "kind", "version"],
        select(Venue.id, Slot.id, literal(str(Notice.SLOT_FILLING)), literal(1, Integer))
        .join_from(_OWED, Booking, Booking.id == _OWED.c.id)
        .join(Booking.venue)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .where(
            Venue.contact_email.is_not(None),
            Venue.fullness_percent.is_not(None),
            _OWED.c.kind.in_(list(_FILLS)),
            BookingSlot.released_at.is_(None),
            Slot.capacity > 0,
            taken >= Slot.capacity * Venue.fullness_percent,
        )
        .distinct(),
    ).cte("told_of_slots")


def _insert(columns: list[str], rows: Select[*tuple[Any, ...]]) -> Any:
    return (
        insert(_notifications)
        .from_select(columns, rows)
        .on_conflict_do_nothing()
        .returning(_notifications.c.kind)
    )


# Gives the kinds of the messages that were not owed before.
_INSERT = union_all(
    *(select(told.c.kind) for told in (_tell_customers(), _tell_venues(), _tell_of_slots()))
)
