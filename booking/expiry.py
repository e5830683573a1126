"""What is past its deadline: held places are given back, undecided holds are let go."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Uuid, and_, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from booking.actors import SWEEPER, Actor
from booking.events import Decision, record_many
from booking.notices import queue_many
from booking.rule import Reason
from booking.slots import lock_booking, lock_slots, read_clock, take
from booking.transactions import is_nobodys_fault, retried, transaction
from models import Booking, BookingSlot, Notice, Slot, Status

logger = structlog.get_logger(__name__)

_MARGIN = timedelta(seconds=3)
_BATCH = 500
WILL_BE_OVERDUE = and_(
    Booking.status == Status.HELD, Booking.expires_at <= func.clock_timestamp() + _MARGIN
)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A held booking near or past its deadline, and the slots that it occupies."""

    id: UUID
    resource_id: UUID
    slot_ids: Sequence[UUID]


def read_overdue(tx: Session, resource_ids: Iterable[UUID]) -> list[Overdue]:
    """Read, without locks, the held bookings that may be overdue once the locks are held."""
    rows = tx.execute(
        select(
            Booking.id,
            Booking.resource_id,
            select(func.array_agg(BookingSlot.slot_id))
            .where(BookingSlot.booking_id == Booking.id, BookingSlot.released_at.is_(None))
            .scalar_subquery(),
        )
        .where(
            Booking.resource_id == func.any(literal(list(resource_ids), ARRAY(Uuid))),
            WILL_BE_OVERDUE,
        )
        .order_by(Booking.expires_at)
        .limit(_BATCH)
    )
    return [Overdue(*row) for row in rows]


def expire_overdue_in(
    tx: Session, overdue: Sequence[Overdue], *, at: datetime, by: Actor
) -> Counter[UUID]:
    """Expire those of the holds whose deadline has passed; returns the places freed by slot.

    Their slots are locked already. What was confirmed, extended or moved meanwhile is left alone.
    """
    if not overdue:
        return Counter()
    locked = {slot_id for hold in overdue for slot_id in hold.slot_ids}
    has_moved = exists().where(
        BookingSlot.booking_id == Booking.id,
        BookingSlot.released_at.is_(None),
        BookingSlot.slot_id.not_in(locked),
    )
    ids = tx.scalars(
        select(Booking.id)
        .where(
            Booking.id.in_([hold.id for hold in overdue]),
            Booking.status == Status.HELD,
            Booking.expires_at <= at,
            ~has_moved,
        )
        .order_by(Booking.seq)
        .with_for_update(key_share=True)
    ).all()
    freed: Counter[UUID] = Counter()
    released = tx.execute(
        update(BookingSlot)
        .where(
            BookingSlot.booking_id.in_(ids),
            BookingSlot.released_at.is_(None),
        )
        .values(released_at=at)
        .returning(BookingSlot.slot_id, BookingSlot.units)
        .execution_options(synchronize_session=False)
    )
    for slot_id, units in released:
        freed[slot_id] += units
    take(tx, {slot_id: -units for slot_id, units in freed.items()})
    if ids:
        decisions = [Decision(id_, Status.EXPIRED, reason=Reason.NOT_CONFIRMED) for id_ in ids]
        record_many(tx, decisions, by=by, at=at)
        queue_many(tx, [(booking_id, Notice.EXPIRED) for booking_id in ids])
    return freed


def expire_what_can_in(
    tx: Session,
    overdue: Sequence[Overdue],
    slots: Collection[Slot],
    *,
    at: datetime,
    by: Actor,
) -> int:
    """Expire overdue holds; returns the places freed. One that cannot is left, with an alarm.

    So a row that the database refuses to change keeps its own places, and nobody else's.
    """
    if not overdue:
        return 0
    try:
        with tx.begin_nested():
            return expire_overdue_in(tx, overdue, at=at, by=by).total()
    except DBAPIError as error:
        if is_nobodys_fault(error):
            raise
        logger.exception("overdue_hold_stuck", holds=[str(hold.id) for hold in overdue])
    for slot in slots:
        tx.refresh(slot, ["remaining"])
    if len(overdue) == 1:
        return 0
    return sum(expire_what_can_in(tx, [hold], slots, at=at, by=by) for hold in overdue)


@retried
def expire_held(resource_id: UUID, *, by: Actor = SWEEPER) -> int:
    """Give back a resource's places that nobody confirmed in time; returns how many."""
    with transaction() as tx:
        overdue = read_overdue(tx, [resource_id])
        slots = lock_slots(tx, (slot_id for hold in overdue for slot_id in hold.slot_ids))
        return expire_what_can_in(tx, overdue, slots.values(), at=read_clock(tx), by=by)


def expire_one_in(tx: Session, booking_id: UUID, *, by: Actor) -> bool:
    """Let go of one pending hold whose deadline has passed, so that its key is free again.

    Returns whether it was still pending.
    """
    booking = lock_booking(tx, booking_id)
    if booking.status != Status.PENDING:
        return False
    expired = Decision(booking_id, Status.EXPIRED, reason=Reason.NOT_DECIDED)
    record_many(tx, [expired], by=by, at=read_clock(tx))
    if not booking.is_waited_for:
        queue_many(tx, [(booking_id, Notice.EXPIRED)])
    return True


@retried
def expire_undecided(resource_id: UUID, *, by: Actor = SWEEPER) -> int:
    """Let go of a resource's pending holds whose deadline has passed; returns their number."""
    with transaction() as tx:
        rows = tx.execute(
            select(Booking.id, Booking.is_waited_for)
            .where(
                Booking.resource_id == resource_id,
                Booking.status == Status.PENDING,
                Booking.expires_at <= func.clock_timestamp(),
            )
            .order_by(Booking.seq)
            .limit(_BATCH)
            .with_for_update(key_share=True)
        ).all()
        decisions = [Decision(row.id, Status.EXPIRED, reason=Reason.NOT_DECIDED) for row in rows]
        record_many(tx, decisions, by=by, at=read_clock(tx))
        queue_many(tx, [(row.id, Notice.EXPIRED) for row in rows if not row.is_waited_for])
        return len(rows)
