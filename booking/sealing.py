"""The chain of events: each venue's events are numbered and sealed, afterwards and in order.

A seal holds the digest over the seal before it and the event itself, so an event that is changed,
taken out or slipped in shows at every seal that follows. It is made behind the booking's own
transaction, which knows nothing of it.

Within a venue the order is that of the events' ids as they became visible. Ids are drawn before
their transactions commit, so a lower one may turn up late; it is sealed then, behind those that
were sealed before it. What follows from another event is always behind it: it could not have been
written before that one was visible.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Row, Text, cast, exists, func, insert, select
from sqlalchemy.orm import Session

from booking.transactions import reading, retried, transaction
from models import Base, Booking, BookingEvent, EventSeal
from settings import settings

logger = structlog.get_logger(__name__)

PORTION = 5000
BEGINNING = b"\0" * 32


class SealedEvent(NamedTuple):
    """An event with its number in the chain of its venue."""

    number: int
    booking_id: UUID
    reference: str
    kind: str
    status: str
    reason: str | None
    actor: str
    details: dict[str, Any]
    at: datetime
    digest: bytes


def sealed_text() -> ColumnElement[str]:
    """Return what of an event is sealed, as one text: every column, in PostgreSQL's own JSON."""
    return cast(
        func.jsonb_build_array(
            BookingEvent.id,
            BookingEvent.venue_id,
            BookingEvent.booking_id,
            BookingEvent.kind,
            BookingEvent.status,
            BookingEvent.reason,
            BookingEvent.actor,
            BookingEvent.details,
            func.to_char(func.timezone("UTC", BookingEvent.at), 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        ),
        Text,
    )


def seal_all() -> int:
    """Seal what is not sealed yet, portion by portion; returns how many events that were."""
    sealed = 0
    while count := seal_some():
        sealed += count
        if count < PORTION:
            break
    return sealed


@retried
def seal_some(limit: int = PORTION) -> int:
    """Seal the next events that are committed; 0 when there is none or another process seals."""
    with transaction() as tx:
        found = _unsealed(tx, limit) if _is_alone(tx) else []
        if not found:
            return 0
        chains = _Chains(tx)
        tx.execute(insert(Base.metadata.tables["event_seals"]), list(_seals(found, chains)))
    for venue_id, (number, digest) in chains.ends.items():
        # Kept outside the database as well: whoever writes a chain anew cannot change the log.
        logger.info("events_sealed", venue_id=venue_id, number=number, digest=digest.hex())
    return len(found)


def read_sealed(*, venue_id: int, after: int, limit: int) -> list[SealedEvent]:
    """Return the sealed events of a venue behind a number, in the order of their numbers."""
    with reading() as tx:
        rows = tx.execute(
            select(
                EventSeal.number,
                BookingEvent.booking_id,
                Booking.reference,
                BookingEvent.kind,
                BookingEvent.status,
                BookingEvent.reason,
                BookingEvent.actor,
                BookingEvent.details,
                BookingEvent.at,
                EventSeal.digest,
            )
            .join(BookingEvent, BookingEvent.id == EventSeal.event_id)
            .join(Booking, Booking.id == BookingEvent.booking_id)
            .where(EventSeal.venue_id == venue_id, EventSeal.number > after)
            .order_by(EventSeal.number)
            .limit(limit)
        )
        return [SealedEvent._make(row) for row in rows]


def _is_alone(tx: Session) -> bool:
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended("sealing", 0))
    return bool(tx.scalar(select(lock)))


def _unsealed(tx: Session, limit: int) -> Sequence[Row[int, int, str]]:
    """Return events without a seal that no transaction still open can come before.

    No transaction lasts longer than its timeout. So whatever is older than what was sealed a good
    while ago is sealed, and need not be looked at again.
    """
    settled = func.now() - 2 * timedelta(milliseconds=settings.transaction_timeout_ms)
    looked_at = (
        select(EventSeal.event_id)
        .where(EventSeal.sealed_at < settled)
        .order_by(EventSeal.event_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return tx.execute(
        select(BookingEvent.id, BookingEvent.venue_id, sealed_text())
        .where(
            BookingEvent.id > func.coalesce(looked_at, 0),
            ~exists().where(EventSeal.event_id == BookingEvent.id),
        )
        .order_by(BookingEvent.id)
        .limit(limit)
    ).all()


def _seals(found: Iterable[Row[int, int, str]], chains: "_Chains") -> Iterator[dict[str, object]]:
    for event_id, venue_id, text in found:
        number, digest = chains.link(venue_id, text)
        yield {
            "venue_id": venue_id,
            "number": number,
            "event_id": event_id,
            "digest": digest,
        }


class _Chains:
    """The chains of all venues, each at its end."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx
        self.ends: dict[int, tuple[int, bytes]] = {}

    def link(self, venue_id: int, text: str) -> tuple[int, bytes]:
        """Add an event to its venue's chain and return its number and digest."""
        number, digest = self.ends.get(venue_id) or self._read_end(venue_id)
        end = number + 1, hashlib.sha256(digest + text.encode()).digest()
        self.ends[venue_id] = end
        return end

    def _read_end(self, venue_id: int) -> tuple[int, bytes]:
        row = self._tx.execute(
            select(EventSeal.number, EventSeal.digest)
            .where(EventSeal.venue_id == venue_id)
            .order_by(EventSeal.number.desc())
            .limit(1)
        ).one_or_none()
        return (row.number, row.digest) if row else (0, BEGINNING)
