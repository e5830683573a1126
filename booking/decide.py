"""Deciding what is pending at a resource: in the order of arrival, in batches, under its lock."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import chain
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.actors import DECIDER, Actor
from booking.batch import (
    Batch,
    Waiting,
    count_holds,
    is_still_pending,
    lock_waiting,
    read_waiting,
    slot_ids_of,
)
from booking.events import Decision, record_many
from booking.expiry import expire_what_can_in, read_overdue
from booking.notices import queue_many
from booking.offers import arrival_lock
from booking.rule import Reason
from booking.slots import lock_resource, lock_slots, read_clock, take
from booking.tally import note_batch
from booking.transactions import is_nobodys_fault, reading, retried, transaction
from metrics import waiting_for_locks
from models import Booking, Notice, Resource, Status
from models.database import engine

logger = structlog.get_logger(__name__)

MOST_ATTEMPTS = 3
_TELLING_BATCH = 20
_SPEED_WEIGHT = 0.2


def decide_pending(resource_id: UUID, *, by: Actor = DECIDER) -> int:
    """Decide what is pending at a resource and return how many holds that were.

    A second call, a late one or one at the same time finds nothing left to do. Holds that make a
    batch fail are decided one by one and parked as `internal` after three attempts each.
    """
    upto = settle(resource_id)
    if upto is None:
        return 0
    decided = 0
    while count := _decide_batch_or_singly(resource_id, upto, by=by):
        decided += count
    return decided


@retried
def settle(resource_id: UUID) -> int | None:
    """Return the arrival number up to which every hold is committed, None if nothing is pending.

    Whoever accepts a hold holds the arrival lock from before its number is drawn until its commit.
    Holding it alone for an instant proves that no lower number can still turn up.
    """
    with transaction() as tx:
        with waiting_for_locks():
            tx.execute(select(func.pg_advisory_xact_lock(arrival_lock(resource_id))))
        return tx.scalar(
            select(func.max(Booking.seq)).where(
                Booking.resource_id == resource_id, Booking.status == Status.PENDING
            )
        )


def decide_in(
    tx: Session,
    resource_id: UUID,
    upto: int,
    *,
    by: Actor = DECIDER,
    but: Collection[UUID] = (),
) -> int:
    """Decide one batch inside the open transaction; returns its size, 0 when nothing is left.

    Locks the resource, the slots and the holds, in that order, reads the clock, frees what is
    overdue, and asks the rule of each hold in the order of arrival. The holds in `but` are passed
    over.
    """
    started = time.monotonic()
    resource = lock_resource(tx, resource_id)
    found = read_waiting(tx, resource_id, upto, but)
    if not found:
        resource.decision_attempts = 0
        return 0
    overdue = read_overdue(tx, resource_id)
    slots = lock_slots(tx, chain(slot_ids_of(found), slot_ids_of(overdue)))
    waiting = lock_waiting(tx, found)
    now = read_clock(tx)
    expire_what_can_in(tx, overdue, slots.values(), at=now, by=by)
    batch = Batch(resource, slots, now, count_holds(tx, resource.venue_id, waiting, now))
    decisions = [batch.decide(hold) for hold in waiting]
    take(tx, batch.taken)
    resource.decision_attempts = 0
    resource.last_decision_no = batch.last_decision_no
    record_many(tx, resource_id, decisions, by=by, at=now)
    queue_many(tx, _owed(waiting, decisions))
    if waiting:
        note_batch(tx, len(waiting))
    _note_speed(resource, len(waiting), time.monotonic() - started)
    # Not those that were still pending: behind a batch that was cancelled others may wait.
    return len(found)


def _decide_batch_or_singly(resource_id: UUID, upto: int, *, by: Actor) -> int:
    if _begin_attempt(resource_id) > MOST_ATTEMPTS:
        # Batches began and never ended: a hold among them may kill the process.
        return _decide_singly(resource_id, upto, by=by)
    try:
        return _decide_batch(resource_id, upto, by=by)
    except Exception as error:
        # Whatever one hold brings about must not stop those behind it.
        if is_nobodys_fault(error):
            raise
        logger.exception("batch_failed", resource_id=str(resource_id))
        return _decide_singly(resource_id, upto, by=by)


@retried
def _decide_batch(resource_id: UUID, upto: int, *, by: Actor, but: Collection[UUID] = ()) -> int:
    with transaction() as tx:
        return decide_in(tx, resource_id, upto, by=by, but=but)


@retried
def _begin_attempt(resource_id: UUID) -> int:
    """Count the attempt before it is made, so that one that ends with the process counts too."""
    with transaction() as tx:
        # It need not survive the server, only this process: no wait for the disk.
        tx.execute(select(func.set_config("synchronous_commit", "off", True)))
        return tx.execute(
            update(Resource)
            .where(Resource.id == resource_id)
            .values(decision_attempts=Resource.decision_attempts + 1)
            .returning(Resource.decision_attempts)
        ).scalar_one()


def _decide_singly(resource_id: UUID, upto: int, *, by: Actor) -> int:
    """Decide hold by hold, each in its own transaction, in order; park what fails three times.

    A hold of which the database lets nothing be written is passed over, and the others go on.
    """
    decided = 0
    stuck: set[UUID] = set()
    with _alone(resource_id):
        while (hold := _first_pending(resource_id, upto, stuck)) is not None:
            booking_id, seq = hold
            try:
                attempts = _count_attempt(booking_id)
                if attempts > MOST_ATTEMPTS:
                    _park(resource_id, booking_id, by=by)
                    decided += 1
                    continue
            except Exception as error:
                if is_nobodys_fault(error):
                    raise
                logger.exception("hold_stuck", booking_id=str(booking_id))
                stuck.add(booking_id)
                continue
            try:
                decided += _decide_batch(resource_id, seq, by=by, but=stuck)
            except Exception as error:
                if is_nobodys_fault(error):
                    _forget_attempt(booking_id)
                    raise
                # The next turn of the loop meets the same hold again and counts it.
                logger.exception("hold_failed", booking_id=str(booking_id), attempts=attempts)
    return decided


@contextmanager
def _alone(resource_id: UUID) -> Iterator[None]:
    """Let one process at a time decide a resource hold by hold.

    Many deciders at once also look like batches that began and never ended. The lock belongs to
    a connection of its own and goes with the process, so under it an attempt that was counted and
    not taken back has failed or died, and no living decider counts against a hold.
    """
    key = func.hashtextextended(func.concat("singly:", resource_id), 0)
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(key)))
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(key)))


@retried
def _first_pending(resource_id: UUID, upto: int, but: Collection[UUID]) -> tuple[UUID, int] | None:
    """Return the id and the number of the first pending hold that is not to be passed over."""
    with reading() as tx:
        row = tx.execute(
            select(Booking.id, Booking.seq)
            .where(
                Booking.resource_id == resource_id,
                Booking.status == Status.PENDING,
                Booking.seq <= upto,
                Booking.id.not_in(but),
            )
            .order_by(Booking.seq)
            .limit(1)
        ).first()
        return None if row is None else (row.id, row.seq)


@retried
def _count_attempt(booking_id: UUID) -> int:
    """Count an attempt at a hold and return which one it is; 0 when it was decided meanwhile."""
    with transaction() as tx:
        attempts = tx.scalar(
            update(Booking)
            .where(Booking.id == booking_id, Booking.status == Status.PENDING)
            .values(attempts=Booking.attempts + 1)
            .returning(Booking.attempts)
        )
        return attempts or 0


@retried
def _forget_attempt(booking_id: UUID) -> None:
    """Take back an attempt that failed for no fault of the hold."""
    with transaction() as tx:
        tx.execute(
            update(Booking)
            .where(Booking.id == booking_id, Booking.status == Status.PENDING)
            .values(attempts=Booking.attempts - 1)
        )


@retried
def _park(resource_id: UUID, booking_id: UUID, *, by: Actor) -> None:
    """Reject a hold that cannot be decided, and raise the alarm."""
    with transaction() as tx:
        resource = lock_resource(tx, resource_id)
        if not is_still_pending(tx, booking_id):
            return
        resource.last_decision_no += 1
        parked = Decision(
            booking_id, Status.REJECTED, resource.last_decision_no, reason=Reason.INTERNAL
        )
        record_many(tx, resource_id, [parked], by=by, at=read_clock(tx))
        queue_many(tx, [(booking_id, Notice.REJECTED)])
    logger.error("hold_parked", booking_id=str(booking_id))


def _owed(waiting: list[Waiting], decisions: list[Decision]) -> list[tuple[UUID, Notice]]:
    """Say who is owed which message: a refusal is not repeated to a caller who hears it at once."""
    return [
        (decision.booking_id, Notice(decision.status))
        for hold, decision in zip(waiting, decisions, strict=True)
        if decision.status in (Status.HELD, Status.CONFIRMED) or not hold.is_waited_for
    ]


def _note_speed(resource: Resource, count: int, seconds: float) -> None:
    """Keep a moving average from batches that are large enough to tell something."""
    if count >= _TELLING_BATCH:
        speed = count / max(seconds, 0.001)
        resource.decisions_per_second += _SPEED_WEIGHT * (speed - resource.decisions_per_second)
