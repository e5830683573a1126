"""Cancelling or moving many bookings together, with a message to all: the job and its carrying out.

The rows are the job. Each booking is done in a transaction of its own together with its item, so a
worker may die anywhere, two may work at once, and each booking still changes once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.audit import note_act
from booking.changes import Change, change_booking_in
from booking.decide import decide_pending
from booking.doorbell import ring_for_bulk
from booking.errors import (
    BookingError,
    BookingNotFound,
    NotCancellable,
    NotChangeable,
    ReasonNotFound,
    SlotNotFound,
    TooManyAtOnce,
)
from booking.lifecycle import cancel_booking_in
from booking.slots import live_lines, read_clock
from booking.transactions import (
    after_commit,
    is_nobodys_fault,
    reading,
    retried,
    transaction,
)
from models import (
    Act,
    Booking,
    BulkItem,
    BulkJob,
    CancellationReason,
    Deed,
    ItemState,
    Resource,
    Slot,
    Status,
)

logger = structlog.get_logger(__name__)

MOST_ITEMS = 2000
MOST_ATTEMPTS = 3
_OUR_FAULT = "Something went wrong on our side; look at this one yourself."

# What a job is about: those that have, or may yet have, their places.
ABOUT = {
    Deed.CANCEL: (Status.PENDING, Status.HELD, Status.CONFIRMED),
    Deed.MOVE: (Status.HELD, Status.CONFIRMED),
}


@dataclass(frozen=True, slots=True)
class Together:
    """What a venue wants to do to many of its bookings; `id` is made before it is asked for."""

    id: UUID
    venue_id: int
    deed: Deed
    booking_ids: Sequence[UUID]
    by: Actor
    reason_id: int | None = None
    to_slot_id: UUID | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is."""

    waiting: int
    done: int
    refused: int

    @property
    def total(self) -> int:
        """All of its bookings."""
        return self.waiting + self.done + self.refused


@retried
def begin_bulk(wanted: Together) -> None:
    """Write a job down and ring for it. A second call with the same id changes nothing.

    Raises TooManyAtOnce, and BookingNotFound, SlotNotFound or ReasonNotFound for what is not the
    venue's.
    """
    if len(set(wanted.booking_ids)) > MOST_ITEMS:
        raise TooManyAtOnce(MOST_ITEMS)
    with transaction() as tx:
        _require_own(tx, wanted)
        made = tx.scalar(
            insert(BulkJob)
            .values(
                id=wanted.id,
                venue_id=wanted.venue_id,
                deed=wanted.deed,
                reason_id=wanted.reason_id,
                to_slot_id=wanted.to_slot_id,
                message=wanted.message or None,
                actor=str(wanted.by),
            )
            .on_conflict_do_nothing(index_elements=["id"])
            .returning(BulkJob.id)
        )
        if made is None:
            return
        rows = [{"job_id": wanted.id, "booking_id": each} for each in set(wanted.booking_ids)]
        tx.execute(insert(BulkItem), rows)
        note_act(
            tx,
            Act.BULK_BEGUN,
            venue_id=wanted.venue_id,
            subject=f"bulk:{wanted.id}",
            by=wanted.by,
            deed=str(wanted.deed),
            bookings=len(rows),
        )
        after_commit(tx, ring_for_bulk)


def carry_out(until: float) -> int:
    """Work through the jobs that are open, the oldest first, until that moment of time.monotonic().

    Returns how many bookings were done or refused.
    """
    count = 0
    for job_id in _open_jobs():
        while (booking_id := _next_item(job_id)) is not None:
            if time.monotonic() >= until:
                return count
            _do_one(job_id, booking_id)
            count += 1
        _finish(job_id)
    return count


def read_progress(job_id: UUID) -> Progress:
    """Return how far a job is."""
    with reading() as tx:
        rows = tx.execute(
            select(BulkItem.state, func.count())
            .where(BulkItem.job_id == job_id)
            .group_by(BulkItem.state)
        )
        counts: dict[str, int] = dict(rows.all())
    return Progress(
        waiting=counts.get(ItemState.WAITING, 0),
        done=counts.get(ItemState.DONE, 0),
        refused=counts.get(ItemState.REFUSED, 0),
    )


def _require_own(tx: Session, wanted: Together) -> None:
    """Refuse whatever belongs to another venue."""
    ids = set(wanted.booking_ids)
    own = select(func.count()).where(Booking.id.in_(ids), Booking.venue_id == wanted.venue_id)
    if not ids or tx.scalar(own) != len(ids):
        raise BookingNotFound
    if wanted.to_slot_id is not None:
        venue_id = tx.scalar(
            select(Resource.venue_id).join_from(Slot, Resource).where(Slot.id == wanted.to_slot_id)
        )
        if venue_id != wanted.venue_id:
            raise SlotNotFound
    if wanted.reason_id is not None:
        reason = tx.get(CancellationReason, wanted.reason_id)
        if reason is None or reason.venue_id not in (None, wanted.venue_id):
            raise ReasonNotFound


def _open_jobs() -> Sequence[UUID]:
    with reading() as tx:
        return tx.scalars(
            select(BulkJob.id).where(BulkJob.finished_at.is_(None)).order_by(BulkJob.created_at)
        ).all()


def _next_item(job_id: UUID) -> UUID | None:
    """Return a booking that waits, in the order of arrival, those that failed before last."""
    with reading() as tx:
        return tx.scalar(
            select(BulkItem.booking_id)
            .join(BulkItem.booking)
            .where(BulkItem.job_id == job_id, BulkItem.state == ItemState.WAITING)
            .order_by(BulkItem.attempts, Booking.seq)
            .limit(1)
        )


def _do_one(job_id: UUID, booking_id: UUID) -> None:
    """Do one booking; the engine's refusal is noted, a fault is tried again and then noted too."""
    try:
        _see_to_earlier_holds(job_id, booking_id)
        _change(job_id, booking_id)
    except BookingError as refusal:
        _refuse(job_id, booking_id, str(refusal))
    except Exception as error:
        if is_nobodys_fault(error):
            raise
        logger.exception("bulk_item_failed", job_id=str(job_id), booking_id=str(booking_id))
        _count_failure(job_id, booking_id)


def _see_to_earlier_holds(job_id: UUID, booking_id: UUID) -> None:
    """Have earlier holds decided before a move takes places, so that it never jumps the queue."""
    with reading() as tx:
        resource_id = tx.scalar(
            select(Booking.resource_id)
            .join(BulkItem, BulkItem.booking_id == Booking.id)
            .join(BulkItem.job)
            .where(
                BulkItem.job_id == job_id,
                BulkItem.booking_id == booking_id,
                BulkJob.deed == Deed.MOVE,
            )
        )
    if resource_id is not None:
        decide_pending(resource_id)


@retried
def _change(job_id: UUID, booking_id: UUID) -> None:
    """Change the booking and note it on its item, in one transaction and once."""
    with transaction() as tx:
        item = _lock_item(tx, job_id, booking_id)
        if item.state != ItemState.WAITING:
            return
        job = tx.get_one(BulkJob, job_id)
        by = _actor_of(job)
        if job.deed == Deed.CANCEL:
            # Cancelled by somebody else: it is not this job's message that goes with it.
            if not cancel_booking_in(tx, booking_id=booking_id, by=by, reason_id=job.reason_id):
                raise NotCancellable("It was cancelled already.")
        else:
            _move(tx, booking_id, job, by)
        revision = tx.get_one(Booking, booking_id).revision
        item.state, item.revision = ItemState.DONE, revision


def _move(tx: Session, booking_id: UUID, job: BulkJob, by: Actor) -> None:
    had = {line.slot_id for line in live_lines(tx, booking_id)}
    if had == {job.to_slot_id}:
        raise NotChangeable("It is there already.")
    if job.to_slot_id is None or len(had) > 1:
        raise NotChangeable("It takes several slots: move it by itself.")
    change_booking_in(tx, booking_id=booking_id, change=Change(slot_ids=(job.to_slot_id,)), by=by)


def _lock_item(tx: Session, job_id: UUID, booking_id: UUID) -> BulkItem:
    return tx.get_one(BulkItem, (job_id, booking_id), with_for_update=True)


@retried
def _refuse(job_id: UUID, booking_id: UUID, why: str) -> None:
    with transaction() as tx:
        item = _lock_item(tx, job_id, booking_id)
        if item.state == ItemState.WAITING:
            item.state, item.why = ItemState.REFUSED, why[:300]


@retried
def _count_failure(job_id: UUID, booking_id: UUID) -> None:
    with transaction() as tx:
        item = _lock_item(tx, job_id, booking_id)
        if item.state != ItemState.WAITING:
            return
        item.attempts += 1
        if item.attempts >= MOST_ATTEMPTS:
            item.state, item.why = ItemState.REFUSED, _OUR_FAULT


@retried
def _finish(job_id: UUID) -> None:
    with transaction() as tx:
        tx.execute(
            update(BulkJob)
            .where(BulkJob.id == job_id, BulkJob.finished_at.is_(None))
            .values(finished_at=read_clock(tx))
        )


def _actor_of(job: BulkJob) -> Actor:
    kind, _, who = job.actor.partition(":")
    return Actor(kind, who or None)
