"""One more than there is room for: the owner raises the capacity and books, as one step."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.decide import decide_in, decide_pending
from booking.errors import CannotTake, ReasonMissing
from booking.expiry import expire_what_can_in, read_overdue
from booking.holds import HoldRequest, place_hold_in
from booking.offers import arrival_lock, read_offer
from booking.rule import Reason
from booking.slots import change_capacity_in, lock_resource, lock_slots, read_clock
from booking.tally import counting_refusals
from booking.transactions import reading, retried, transaction
from booking.views import BookingView, read_booking_in
from metrics import waiting_for_locks
from models import Booking, Status


def book_beyond(wanted: HoldRequest, *, by: Actor, reason: str) -> BookingView:
    """Book for somebody for whom there is no room: raise the capacity by what is missing.

    Everybody who came before is decided first, and nobody can come in between, so that the places
    that are made are had by this booking. Both are done, or neither. Raises ReasonMissing, an
    InvalidRequest, or CannotTake when something else than room is missing.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    with reading() as tx:
        resource_id = read_offer(tx, wanted.slot_ids).resource_id
    decide_pending(resource_id)
    return _book(wanted, resource_id, by, reason)


@retried
def _book(wanted: HoldRequest, resource_id: UUID, by: Actor, reason: str) -> BookingView:
    with counting_refusals(), transaction() as tx:
        # Held to the end: who arrives now waits, and stands behind this booking.
        with waiting_for_locks():
            tx.execute(select(func.pg_advisory_xact_lock(arrival_lock(resource_id))))
        lock_resource(tx, resource_id)
        _decide_all(tx, resource_id)
        offer = read_offer(tx, wanted.slot_ids)
        _make_room(tx, resource_id, wanted.slot_ids, offer.units_of(wanted.quantity), by, reason)
        placed = place_hold_in(tx, wanted).booking
        decide_in(tx, {resource_id: placed.seq})
        tx.expire_all()
        booking = read_booking_in(tx, Booking.id == placed.id)
        if booking.status not in (Status.CONFIRMED, Status.HELD):
            raise CannotTake(booking.reason or Reason.INTERNAL, booking.remaining, None)
        return booking


def _decide_all(tx: Session, resource_id: UUID) -> None:
    last = tx.scalar(
        select(func.max(Booking.seq)).where(
            Booking.resource_id == resource_id, Booking.status == Status.PENDING
        )
    )
    while last is not None and decide_in(tx, {resource_id: last}):
        pass


def _make_room(
    tx: Session,
    resource_id: UUID,
    slot_ids: Sequence[UUID],
    units: int,
    by: Actor,
    reason: str,
) -> None:
    """Raise the capacity of each slot that has too little left, and of no other.

    What overdue holds have is left already.
    """
    overdue = read_overdue(tx, [resource_id])
    slots = lock_slots(tx, [*slot_ids, *(slot_id for hold in overdue for slot_id in hold.slot_ids)])
    expire_what_can_in(tx, overdue, slots.values(), at=read_clock(tx), by=by)
    tx.flush()
    for slot_id in slot_ids:
        slot = slots[slot_id]
        missing = units - slot.remaining
        if missing > 0:
            change_capacity_in(
                tx, slot_id=slot_id, capacity=slot.capacity + missing, by=by, reason=reason
            )
