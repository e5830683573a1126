"""Messages owed to customers, queued in the transaction that they tell of."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import String, Uuid, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from models import Base, Booking, Notice


def queue(tx: Session, booking: Booking, kind: Notice) -> None:
    """Owe the customer a message about the booking's present revision, once."""
    queue_many(tx, [(booking.id, kind)])


def queue_many(tx: Session, owed: Sequence[tuple[UUID, Notice]]) -> None:
    """Owe many messages in one statement. Nobody without an address is owed one.

    A message that is there already for that booking, kind and revision stays as it is.
    """
    if owed:
        tx.execute(
            _INSERT,
            {
                "ids": [booking_id for booking_id, _ in owed],
                "kinds": [str(kind) for _, kind in owed],
            },
        )


_OWED = (
    func.unnest(cast(bindparam("ids"), ARRAY(Uuid)), cast(bindparam("kinds"), ARRAY(String)))
    .table_valued(column("id", Uuid), column("kind", String), name="owed")
    .render_derived()
)

_INSERT = (
    insert(Base.metadata.tables["notifications"])
    .from_select(
        ["venue_id", "booking_id", "kind", "version"],
        select(Booking.venue_id, Booking.id, _OWED.c.kind, Booking.revision)
        .join_from(_OWED, Booking, Booking.id == _OWED.c.id)
        .where(Booking.contact_email.is_not(None)),
    )
    .on_conflict_do_nothing(index_elements=["booking_id", "kind", "version"])
)
