"""Deciding what is pending at resources: in the order of arrival, in batches, under their locks."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.actors import DECIDER, Actor
from booking.batch import (
    Batch,
    OpenHolds,
    Waiting,
    count_holds,
    is_full,
    is_still_pending,
    lock_waiting,
    read_waiting,
    slot_ids_of,
)
from booking.events import Decision, record_many
from booking.expiry import expire_what_can_in, read_overdue
from booking.notices import queue_many
from booking.rule import Policy, Reason
from booking.slots import lock_resource, lock_slots, read_clock, take
from booking.tally import note_batch
from booking.transactions import (
    is_nobodys_fault,
    reading,
    retried,
    transaction,
)
from booking.turns import Turn, begin_attempt, end_turns, lock_turns, read_policies, settle
from models import Booking, Notice, Slot, Status
from models.database import engine

logger = structlog.get_logger(__name__)

MOST_ATTEMPTS = 3
_TAKES = (Status.HELD, Status.CONFIRMED)
_NOTICES = {status: Notice(status) for status in (*_TAKES, Status.REJECTED, Status.EXPIRED)}


def decide_pending(*resource_ids: UUID, by: Actor = DECIDER) -> int:
    """Decide what is pending at resources and return how many holds that were.

    A second call, a late one or one at the same time finds nothing left to do. Several resources
    are decided together; when that fails, each by itself. Holds that make a batch of one resource
    fail are decided one by one and parked as `internal` after three attempts each.
    """
    settled = settle(resource_ids)
    upto, attempts = settled.upto, settled.attempts
    decided, is_done = 0, not upto
    while not is_done:
        count, is_done = _decide_batch_or_singly(upto, attempts, by=by)
        decided += count
        if not is_done:
            attempts = begin_attempt(upto)
    return decided


def decide_in(
    tx: Session,
    upto: Mapping[UUID, int],
    *,
    by: Actor = DECIDER,
    but: Collection[UUID] = (),
) -> int:
    """Decide one batch inside the open transaction; returns its size, 0 when nothing is left.

    Locks the resources, the slots and the holds, in that order, reads the clock, frees what is
    overdue, and asks the rule of each hold in the order of arrival. The holds in `but` are passed
    over.
    """
    started = time.monotonic()
    tx.flush()
    turns = lock_turns(tx, upto)
    found = read_waiting(tx, upto, but)
    if not found:
        end_turns(tx, turns.values())
        return 0
    policies, has_overdue = read_policies(tx, turns)
    overdue = read_overdue(tx, upto) if has_overdue else []
    slots = lock_slots(tx, chain(slot_ids_of(found), slot_ids_of(overdue)))
    waiting, now = lock_waiting(tx, found)
    expire_what_can_in(tx, overdue, slots.values(), at=now, by=by)
    decisions = _ask_the_rule(tx, turns, policies, slots, waiting, now)
    record_many(tx, decisions, by=by, at=now)
    queue_many(tx, _owed(waiting, decisions))
    if waiting:
        note_batch(tx, len(waiting))
    took = time.monotonic() - started
    for turn in turns.values():
        turn.note_speed(len(waiting), took)
    end_turns(tx, turns.values())
    # Not those that were still pending: behind a batch that was cancelled others may wait.
    return len(found)


def _ask_the_rule(
    tx: Session,
    turns: Mapping[UUID, Turn],
    policies: Mapping[UUID, Policy],
    slots: Mapping[UUID, Slot],
    waiting: list[Waiting],
    now: datetime,
) -> list[Decision]:
    """Decide the holds of each resource in turn, and take their places."""
    open_holds = count_holds(tx, turns, waiting, now)
    decisions: list[Decision] = []
    taken: dict[UUID, int] = {}
    for resource_id, holds in groupby(waiting, key=attrgetter("resource_id")):
        turn = turns[resource_id]
        of_venue = open_holds.get(turn.venue_id) or OpenHolds()
        batch = Batch(turn, policies[resource_id], slots, now, of_venue)
        decisions += [batch.decide(hold) for hold in holds]
        taken |= batch.taken()
    take(tx, taken)
    return decisions


def _decide_batch_or_singly(upto: dict[UUID, int], attempts: int, *, by: Actor) -> tuple[int, bool]:
    """Decide a batch; return how many holds that were and whether none is left behind."""
    if attempts <= MOST_ATTEMPTS:
        try:
            count = _decide_batch(upto, by=by)
        except Exception as error:
            # Whatever one hold brings about must not stop those behind it.
            if is_nobodys_fault(error):
                raise
            logger.exception("batch_failed", resource_ids=[str(id_) for id_ in upto])
        else:
            return count, not is_full(count)
    # Else batches began and never ended: a hold among them may kill the process.
    if len(upto) > 1:
        return sum(decide_pending(resource_id, by=by) for resource_id in upto), True
    ((resource_id, number),) = upto.items()
    count = _decide_singly(resource_id, number, by=by)
    return count, count == 0


@retried
def _decide_batch(upto: Mapping[UUID, int], *, by: Actor, but: Collection[UUID] = ()) -> int:
    with transaction() as tx:
        return decide_in(tx, upto, by=by, but=but)


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
                decided += _decide_batch({resource_id: seq}, by=by, but=stuck)
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
        record_many(tx, [parked], by=by, at=read_clock(tx))
        queue_many(tx, [(booking_id, Notice.REJECTED)])
    logger.error("hold_parked", booking_id=str(booking_id))


def _owed(waiting: list[Waiting], decisions: list[Decision]) -> list[tuple[UUID, Notice]]:
    """Say who is owed which message: a refusal is not repeated to a caller who hears it at once."""
    return [
        (decision.booking_id, _NOTICES[decision.status])
        for hold, decision in zip(waiting, decisions, strict=True)
        if decision.status in _TAKES or not hold.is_waited_for
    ]
