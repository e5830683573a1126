"""Notifications on their way out: claimed with a lease, sent by somebody else, then marked.

The commit of a claim comes before the sending, the mark after it, and no transaction is open in
between. A lease is nothing but `due_at` moved ahead: whoever claimed and died leaves a row that
comes back by itself. The number of attempts is the proof that a mark belongs to the last claim.
"""

import hashlib
import hmac
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from booking.breaker import close_in
from booking.correspondence import Owed, read_owed
from booking.relevance import why_not
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import Notice, Notification, NotificationState
from settings import settings

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
DEAD_AFTER = timedelta(hours=24)
CAP_PERIOD = timedelta(hours=24)
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
def claim() -> Claim | None:
    """Claim the next message that is due; None when there is none."""
    with transaction() as tx:
        # A lost claim costs a second delivery with the same Message-ID: no wait for the disk.
        tx.execute(select(func.set_config("synchronous_commit", "off", True)))
        first = (
            select(Notification.id)
            .where(
                Notification.state == NotificationState.QUEUED, Notification.due_at <= func.now()
            )
            .order_by(Notification.due_at)
            .limit(1)
            .with_for_update(key_share=True, skip_locked=True)
            .scalar_subquery()
        )
        row = tx.execute(
            update(Notification)
            .where(Notification.id == first)
            .values(
                attempts=Notification.attempts + 1,
                due_at=func.clock_timestamp() + LEASE,
            )
            .returning(
                Notification.id, Notification.kind, Notification.attempts, Notification.created_at
            )
        ).first()
        return Claim(row.id, Notice(row.kind), row.attempts, row.created_at) if row else None


@retried
def open_claim(claimed: Claim) -> Owed | None:
    """Return what a claimed message needs; None if it was dropped instead.

    Dropped is what is no longer true, and what is one too many for its address.
    """
    with transaction() as tx:
        row = tx.get_one(Notification, claimed.id)
        now = read_clock(tx)
        owed = read_owed(tx, row)
        reason = why_not(owed, now) or _cap(tx, row, owed, now)
        if reason is None:
            return owed
        _mark(tx, claimed, state=NotificationState.DROPPED, last_error=reason, due_at=now)
    logger.info("message_dropped", notification_id=owed.id, kind=owed.kind, reason=reason)
    return None


def mark_sent(claimed: Claim) -> bool:
    """Note that a mail server has taken the message; False if the claim was no longer ours."""
    return _finish(claimed, NotificationState.SENT, None)


def mark_refused(claimed: Claim, error: str) -> bool:
    """Note that the mail server does not want this message for good. `error` names no person."""
    logger.warning("message_refused", notification_id=claimed.id, kind=claimed.kind, error=error)
    return _finish(claimed, NotificationState.REFUSED, error)


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
        )
        return bool(found.rowcount)  # type: ignore[attr-defined]


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


def _cap(tx: Session, row: Notification, owed: Owed, now: datetime) -> str | None:
    """Say so if this address gets too much; else note that it gets one more.

    What a venue hears at its own address is not counted: its owner has asked for it.
    """
    if owed.is_for_venue or row.address_hash is not None or owed.recipient is None:
        return None
    key = settings.secret_key.encode()
    address_hash = hmac.digest(key, b"mail:" + owed.recipient.lower().encode(), hashlib.sha256)
    # One at a time for one address, or couriers that count at once would pass the cap together.
    number = int.from_bytes(address_hash[:8], signed=True)
    tx.execute(select(func.pg_advisory_xact_lock(number)))
    is_link = Notification.link_id.is_not(None)
    sent = tx.scalars(
        select(func.count()).where(
            Notification.address_hash == address_hash,
            Notification.due_at > now - CAP_PERIOD,
            is_link if owed.link else ~is_link,
        )
    ).one()
    if sent >= settings.mails_per_address:
        return "too many messages to this address"
    row.address_hash = address_hash
    return None


@retried
def _finish(claimed: Claim, state: NotificationState, error: str | None) -> bool:
    with transaction() as tx:
        now = read_clock(tx)
        sent_at = now if state is NotificationState.SENT else None
        # A server that refuses one message is there for the others.
        close_in(tx)
        return _mark(tx, claimed, state=state, last_error=error, sent_at=sent_at, due_at=now)


def _mark(tx: Session, claimed: Claim, **values: object) -> bool:
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
        logger.warning("message_claimed_twice", notification_id=claimed.id, kind=claimed.kind)
        return False
    return True
