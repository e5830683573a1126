"""Notifications on their way out: claimed with a lease, sent by somebody else, then marked.

The commit of a claim comes before the sending, the mark after it, and no transaction is open in
between. A lease is nothing but `due_at` moved ahead: whoever claimed and died leaves a row that
comes back by itself. The number of attempts is the proof that a mark belongs to the last claim.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, func, select, tuple_, update
from sqlalchemy.orm import Session

from booking.caps import cap_in
from booking.correspondence import Owed, read_many_owed
from booking.relevance import why_not
from booking.slots import read_clock
from booking.tally import note_messages
from booking.transactions import reading, retried, transaction
from models import Notice, Notification, NotificationState

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
DEAD_AFTER = timedelta(hours=24)
_FIRST_PAUSE_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to send until the lease ends."""

    id: int
    kind: Notice
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits and what has gone wrong, for metrics and for the eye."""

    queued: int
    oldest_due_seconds: float
    refused: int
    dead: int


@retried
def claim(limit: int = 1) -> list[Claim]:
    """Claim the next messages that are due, `limit` at most; none when none is."""
    with transaction() as tx:
        _do_not_wait_for_the_disk(tx)
        return sorted(
            (
                Claim(row.id, Notice(row.kind), row.attempts, row.created_at)
                for row in tx.execute(_CLAIM, {"limit": limit})
            ),
            key=lambda claimed: claimed.id,
        )


@retried
def open_claims(claims: Sequence[Claim]) -> dict[int, Owed]:
    """Return by id what the claimed messages need; those that are missing were dropped.

    Dropped is what is no longer true, and what is one too many for its address.
    """
    with transaction() as tx:
        owed = read_many_owed(tx, [claimed.id for claimed in claims])
        now = read_clock(tx)
        reasons = {id_: reason for id_, each in owed.items() if (reason := why_not(each, now))}
        reasons |= cap_in(tx, [each for id_, each in owed.items() if id_ not in reasons], now)
        for claimed in claims:
            if reason := reasons.get(claimed.id):
                _mark(tx, claimed, state=NotificationState.DROPPED, last_error=reason, due_at=now)
    for id_, reason in reasons.items():
        kind = owed[id_].kind
        logger.info("message_dropped", notification_id=id_, kind=kind, reason=reason)
    return {id_: each for id_, each in owed.items() if id_ not in reasons}


@retried
def mark_sent(claims: Sequence[Claim]) -> int:
    """Note that a mail server has taken these; returns for how many the claim was still ours."""
    with transaction() as tx:
        _do_not_wait_for_the_disk(tx)
        now = func.clock_timestamp()
        found = tx.execute(
            update(Notification)
            .where(
                Notification.state == NotificationState.QUEUED,
                tuple_(Notification.id, Notification.attempts).in_(
                    [(claimed.id, claimed.attempts) for claimed in claims]
                ),
            )
            .values(state=NotificationState.SENT, last_error=None, sent_at=now, due_at=now)
            .returning(Notification.id, Notification.kind)
            .execution_options(synchronize_session=False)
        ).all()
        note_messages(tx, [row.kind for row in found], NotificationState.SENT)
    ours = {row.id for row in found}
    for claimed in claims:
        if claimed.id not in ours:
            _tell_of_second_claim(claimed)
    return len(ours)


@retried
def mark_refused(claimed: Claim, error: str) -> None:
    """Note that the mail server does not want this message for good. `error` names no person."""
    logger.warning("message_refused", notification_id=claimed.id, kind=claimed.kind, error=error)
    with transaction() as tx:
        state = NotificationState.REFUSED
        _mark(tx, claimed, state=state, last_error=error, due_at=func.clock_timestamp())


@retried
def mark_failed(claimed: Claim, error: str) -> None:
    """Let a message wait longer and longer between two attempts; after a day it is dead."""
    with transaction() as tx:
        now = read_clock(tx)
        is_dead = now - claimed.created_at >= DEAD_AFTER
        state = NotificationState.DEAD if is_dead else NotificationState.QUEUED
        due_at = now + timedelta(seconds=pause_seconds(claimed.attempts))
        _mark(tx, claimed, state=state, last_error=error, due_at=due_at)
    if is_dead:
        logger.error("message_dead", notification_id=claimed.id, kind=claimed.kind, error=error)


@retried
def release(claimed: Claim) -> None:
    """Give a claim back untried, as if it had never been made."""
    with transaction() as tx:
        _mark(tx, claimed, attempts=claimed.attempts - 1, due_at=func.clock_timestamp())


@retried
def requeue(notification_id: int) -> bool:
    """Try a refused or dead message again from the start; False if it is neither."""
    with transaction() as tx:
        found = tx.execute(
            update(Notification)
            .where(
                Notification.id == notification_id,
                Notification.state.in_([NotificationState.REFUSED, NotificationState.DEAD]),
            )
            .values(
                state=NotificationState.QUEUED,
                attempts=0,
                due_at=func.clock_timestamp(),
                created_at=func.clock_timestamp(),
            )
            .returning(Notification.kind)
        ).all()
        note_messages(tx, [row.kind for row in found])
        return bool(found)


@retried
def drop_queued(*, venue_id: int, reason: str) -> int:
    """Drop everything that a venue's bookings are still owed; returns how many messages."""
    with transaction() as tx:
        found = tx.execute(
            update(Notification)
            .where(
                Notification.venue_id == venue_id, Notification.state == NotificationState.QUEUED
            )
            .values(state=NotificationState.DROPPED, last_error=reason)
            .returning(Notification.kind)
        ).all()
        note_messages(tx, [row.kind for row in found], NotificationState.DROPPED)
        return len(found)


def pause_seconds(attempts: int) -> float:
    """Return how long to wait after so many attempts: 10 s, doubled up to 5 minutes, with jitter.

    Five minutes are the most, so that after an outage everything goes out within ten.
    """
    pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 10), _LONGEST_PAUSE_SECONDS)
    return pause * random.uniform(0.75, 1.25)  # noqa: S311


def read_outbox() -> Outbox:
    """Return how much waits, how long the oldest has been due, and what went wrong."""
    state, due = Notification.state, Notification.due_at
    is_due = (state == NotificationState.QUEUED) & (due <= func.now())
    with reading() as tx:
        row = tx.execute(
            select(
                func.count().filter(state == NotificationState.QUEUED),
                func.extract("epoch", func.now() - func.min(due).filter(is_due)),
                func.count().filter(state == NotificationState.REFUSED),
                func.count().filter(state == NotificationState.DEAD),
            ).where(state.in_(["queued", "refused", "dead"]))
        ).one()
    return Outbox(row[0], float(row[1] or 0), row[2], row[3])


def _do_not_wait_for_the_disk(tx: Session) -> None:
    """Let a commit return at once: lost, it costs a second delivery with the same Message-ID."""
    tx.execute(_NO_WAIT)


def _tell_of_second_claim(claimed: Claim) -> None:
    logger.warning("message_claimed_twice", notification_id=claimed.id, kind=claimed.kind)


def _mark(tx: Session, claimed: Claim, **values: object) -> None:
    """Write the outcome of a claim, unless the row has been claimed again since."""
    found = tx.execute(
        update(Notification)
        .where(
            Notification.id == claimed.id,
            Notification.state == NotificationState.QUEUED,
            Notification.attempts == claimed.attempts,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if found.rowcount == 0:  # type: ignore[attr-defined]
        _tell_of_second_claim(claimed)
        return
    state = values.get("state", NotificationState.QUEUED)
    if isinstance(state, NotificationState) and state is not NotificationState.QUEUED:
        note_messages(tx, [claimed.kind], state)


_NO_WAIT = select(func.set_config("synchronous_commit", "off", True))
_FIRST = (
    select(Notification.id)
    .where(Notification.state == NotificationState.QUEUED, Notification.due_at <= func.now())
    .order_by(Notification.due_at)
    .limit(bindparam("limit"))
    .with_for_update(key_share=True, skip_locked=True)
    .cte("first")
)
_CLAIM = (
    update(Notification)
    .where(Notification.id == _FIRST.c.id)
    .values(attempts=Notification.attempts + 1, due_at=func.clock_timestamp() + LEASE)
    .returning(Notification.id, Notification.kind, Notification.attempts, Notification.created_at)
    .execution_options(synchronize_session=False)
)
