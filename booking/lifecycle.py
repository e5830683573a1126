"""What follows a decision: confirm, extend, cancel, withdraw, and the steps at the door."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER, Actor
from booking.errors import (
    DeadlinePassed,
    HoldTooLong,
    NotAtTheDoor,
    NotCancellable,
    NotConfirmable,
    NotExtendable,
    ReasonNotFound,
)
from booking.events import note, record
from booking.notices import queue
from booking.rule import Reason
from booking.slots import give_back, live_lines, lock_booking, lock_with_slots, read_clock, take
from booking.states import may_become
from booking.transactions import retried, transaction
from models import Booking, CancellationReason, EventKind, Notice, Slot, Status


@retried
def confirm_hold(*, booking_id: UUID, by: Actor = CUSTOMER) -> None:
    """Confirm a held booking. A second call changes nothing.

    Raises BookingNotFound, NotConfirmable, or DeadlinePassed even when no sweep has run yet.
    """
    with transaction() as tx:
        confirm_hold_in(tx, booking_id=booking_id, by=by)


def confirm_hold_in(tx: Session, *, booking_id: UUID, by: Actor) -> None:
    """Confirm a held booking inside the open transaction."""
    booking = lock_booking(tx, booking_id)
    if booking.status == Status.CONFIRMED:
        return
    now = _require_live_hold(tx, booking, NotConfirmable)
    record(tx, booking, Status.CONFIRMED, by=by, at=now)
    queue(tx, booking, Notice.CONFIRMED)


@retried
def extend_hold(*, booking_id: UUID, minutes: int, by: Actor = CUSTOMER) -> None:
    """Give a held booking `minutes` from now, up to the venue's longest hold since it was decided.

    Raises BookingNotFound, NotExtendable, DeadlinePassed or HoldTooLong. Never shortens a hold.
    """
    with transaction() as tx:
        extend_hold_in(tx, booking_id=booking_id, minutes=minutes, by=by)


def extend_hold_in(tx: Session, *, booking_id: UUID, minutes: int, by: Actor) -> None:
    """Give a held booking more time inside the open transaction."""
    booking = lock_booking(tx, booking_id)
    now = _require_live_hold(tx, booking, NotExtendable)
    wanted = now + timedelta(minutes=minutes)
    longest = booking.venue.max_hold_minutes
    held_at, deadline = booking.held_at, booking.expires_at
    if held_at is None or deadline is None:
        raise NotExtendable
    if by.keeps_rules and wanted > held_at + timedelta(minutes=longest):
        raise HoldTooLong(longest, field="minutes")
    booking.expires_at = max(wanted, deadline)
    booking.updated_at = now
    note(tx, booking, EventKind.EXTENDED, by=by, at=now, details={"minutes": minutes})


@retried
def cancel_booking(*, booking_id: UUID, by: Actor = CUSTOMER, reason_id: int | None = None) -> bool:
    """Cancel a booking and free its places. A second call changes nothing, and returns False.

    Locks the booking's slots, then the booking. Raises BookingNotFound, ReasonNotFound,
    NotCancellable.
    """
    with transaction() as tx:
        return cancel_booking_in(tx, booking_id=booking_id, by=by, reason_id=reason_id)


def cancel_booking_in(
    tx: Session, *, booking_id: UUID, by: Actor, reason_id: int | None = None
) -> bool:
    """Cancel a booking inside the open transaction."""
    booking, slots = lock_with_slots(tx, booking_id)
    if booking.status == Status.CANCELLED:
        return False
    now = read_clock(tx)
    if not may_become(booking.status, Status.CANCELLED) or _is_overdue(booking, now):
        raise NotCancellable
    if by.keeps_rules and booking.status != Status.PENDING:
        _require_cancel_time(booking, slots, now)
    _require_reason(tx, booking, reason_id)
    booking.cancellation_reason_id = reason_id
    was_promised = booking.status == Status.CONFIRMED
    give_back(tx, booking, at=now)
    record(tx, booking, Status.CANCELLED, by=by, at=now, details=_reason_details(reason_id))
    if was_promised:
        queue(tx, booking, Notice.CANCELLED)
    return True


@retried
def withdraw_hold(*, booking_id: UUID) -> Status:
    """Take back a hold for a caller who waits no longer; returns the status that counts now.

    Still pending: it becomes `expired` and frees its key. Decided in that very moment: the
    decision stands and is the answer. Raises BookingNotFound.
    """
    with transaction() as tx:
        booking = lock_booking(tx, booking_id)
        if booking.status == Status.PENDING:
            booking.idempotency_key = None
            record(
                tx,
                booking,
                Status.EXPIRED,
                by=CUSTOMER,
                at=read_clock(tx),
                reason=Reason.WITHDRAWN,
            )
        return Status(booking.status)


@retried
def check_in(*, booking_id: UUID, by: Actor) -> None:
    """Note that the customer has come. A second call changes nothing. Raises NotAtTheDoor."""
    _step_at_the_door(booking_id, Status.CHECKED_IN, by)


@retried
def complete(*, booking_id: UUID, by: Actor) -> None:
    """Note that the visit is over. A second call changes nothing. Raises NotAtTheDoor."""
    _step_at_the_door(booking_id, Status.COMPLETED, by)


@retried
def mark_no_show(*, booking_id: UUID, by: Actor, release_later: bool = False) -> None:
    """Note that nobody came; `release_later` frees the slots after the first (nights of a stay).

    A second call changes nothing. Raises NotAtTheDoor, also before the first slot has started.
    """
    with transaction() as tx:
        booking, slots = lock_with_slots(tx, booking_id)
        if booking.status == Status.NO_SHOW:
            return
        if not may_become(booking.status, Status.NO_SHOW):
            raise NotAtTheDoor
        now = read_clock(tx)
        first = _first_slot(tx, booking, slots)
        if now < first.starts_at:
            raise NotAtTheDoor
        if release_later:
            _release_after(tx, booking, first, now)
        record(tx, booking, Status.NO_SHOW, by=by, at=now)


def _step_at_the_door(booking_id: UUID, status: Status, by: Actor) -> None:
    with transaction() as tx:
        booking = lock_booking(tx, booking_id)
        if booking.status == status:
            return
        if not may_become(booking.status, status):
            raise NotAtTheDoor
        record(tx, booking, status, by=by, at=read_clock(tx))


def _require_live_hold(
    tx: Session, booking: Booking, otherwise: type[NotConfirmable | NotExtendable]
) -> datetime:
    """Return the clock if the booking is held and in time."""
    now = read_clock(tx)
    if booking.status == Status.EXPIRED and booking.reason == Reason.NOT_CONFIRMED:
        raise DeadlinePassed
    if booking.status != Status.HELD:
        raise otherwise
    if _is_overdue(booking, now):
        raise DeadlinePassed
    return now


def _is_overdue(booking: Booking, now: datetime) -> bool:
    return booking.expires_at is not None and booking.expires_at <= now


def _require_cancel_time(booking: Booking, slots: dict[UUID, Slot], now: datetime) -> None:
    cutoff = timedelta(minutes=booking.venue.cancel_cutoff_minutes)
    if slots and now >= min(slot.sold_until for slot in slots.values()) - cutoff:
        raise NotCancellable


def _require_reason(tx: Session, booking: Booking, reason_id: int | None) -> None:
    if reason_id is None:
        return
    reason = tx.scalar(select(CancellationReason).where(CancellationReason.id == reason_id))
    if reason is None or reason.venue_id not in (None, booking.venue_id):
        raise ReasonNotFound


def _reason_details(reason_id: int | None) -> dict[str, int]:
    return {} if reason_id is None else {"reason_id": reason_id}


def _first_slot(tx: Session, booking: Booking, slots: dict[UUID, Slot]) -> Slot:
    taken = {line.slot_id for line in live_lines(tx, booking.id)}
    return min((slots[slot_id] for slot_id in taken), key=lambda slot: slot.starts_at)


def _release_after(tx: Session, booking: Booking, first: Slot, now: datetime) -> None:
    freed: dict[UUID, int] = {}
    for line in live_lines(tx, booking.id):
        if line.slot_id != first.id:
            line.released_at = now
            freed[line.slot_id] = freed.get(line.slot_id, 0) - line.units
    take(tx, freed)
