"""The register of erasures: what was erased once must not come back with a backup.

Each erasure is a row, and a line in a file outside of the database. A database that is restored
to an earlier time does not have the later rows; the file has, and what they erased is erased again
before anything is served. It holds ids and keyed hashes, nothing of anybody.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.errors import NotCancellable
from booking.lifecycle import cancel_booking
from booking.privacy import inventory
from booking.privacy.people import hash_of, is_coming
from booking.privacy.purging import OF_PERSON, forget
from booking.privacy.receipts import note_replay
from booking.transactions import reading, retried, transaction
from models import (
    Booking,
    Erasure,
    Notification,
    NotificationState,
    OneTimeLink,
    User,
)

logger = structlog.get_logger(__name__)

FILE = "erasures.jsonl"
_PORTION = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register."""

    id: UUID
    at: datetime
    booking_ids: Sequence[UUID]
    user_id: UUID | None
    person: bytes

    def line(self) -> str:
        """Return the entry as it is written down."""
        return json.dumps(
            {
                "id": str(self.id),
                "at": self.at.isoformat(),
                "bookings": [str(each) for each in self.booking_ids],
                "user": str(self.user_id) if self.user_id else None,
                "person": self.person.hex(),
            }
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found that had come back."""

    entries: int = 0
    bookings: int = 0
    accounts: int = 0


@retried
def keep_register(file: Path) -> int:
    """Append the erasures that the file does not have yet; returns how many that were.

    They count as kept only when the disk has them. One may be written twice; it is read once.
    """
    with reading() as tx:
        rows = tx.scalars(
            select(Erasure).where(Erasure.kept_at.is_(None)).order_by(Erasure.at).limit(_PORTION)
        ).all()
    if not rows:
        return 0
    _append(file, [_entry(row).line() for row in rows])
    with transaction() as tx:
        tx.execute(
            update(Erasure)
            .where(Erasure.id.in_([row.id for row in rows]))
            .values(kept_at=func.clock_timestamp())
        )
    return len(rows)


def replay_erasures(file: Path) -> Replayed:
    """Erase again whatever the file knows of and the database does not. A second call does nothing.

    Bookings that were cancelled before their erasure are cancelled again, without a message.
    """
    unknown = _unknown(read_register(file))
    bookings = accounts = 0
    for entry in unknown:
        for venue_id in _venues_of(entry):
            bookings += _erase_again(entry, venue_id)
        _cancel_again(entry)
        accounts += _end(entry)
    if unknown:
        logger.warning("erasures_replayed", entries=len(unknown), bookings=bookings)
    return Replayed(len(unknown), bookings, accounts)


def read_register(file: Path) -> Iterator[Entry]:
    """Yield the entries of a file; one that does not exist has none.

    A last line that was cut off by a crash was never counted as kept, and is passed over.
    """
    if not file.exists():
        return
    with file.open() as lines:
        for line in lines:
            try:
                found = json.loads(line)
            except json.JSONDecodeError:
                logger.warning("register_line_unreadable")
                continue
            yield Entry(
                id=UUID(found["id"]),
                at=datetime.fromisoformat(found["at"]),
                booking_ids=[UUID(each) for each in found["bookings"]],
                user_id=UUID(found["user"]) if found["user"] else None,
                person=bytes.fromhex(found["person"]),
            )


def _append(file: Path, lines: Sequence[str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as out:
        end = out.seek(0, os.SEEK_END)
        # What a crash has cut off must not take the next line with it.
        is_cut = end > 0 and out.seek(end - 1) >= 0 and out.read(1) != b"\n"
        out.write(
            ("\n" if is_cut else "").encode() + "".join(f"{each}\n" for each in lines).encode()
        )
        out.flush()
        os.fsync(out.fileno())


def _unknown(entries: Iterator[Entry]) -> list[Entry]:
    found = {entry.id: entry for entry in entries}
    with reading() as tx:
        known = set(tx.scalars(select(Erasure.id)))
    return sorted((each for id_, each in found.items() if id_ not in known), key=lambda e: e.at)


def _back(entry: Entry) -> list[Any]:
    """Return the criteria of the bookings of an entry that tell of their person again."""
    theirs: ColumnElement[bool] = Booking.id.in_(entry.booking_ids)
    if entry.user_id is not None:
        theirs = or_(theirs, Booking.user_id == entry.user_id)
    return [theirs, Booking.purged_at.is_(None)]


def _venues_of(entry: Entry) -> Sequence[int]:
    with reading() as tx:
        return sorted(tx.scalars(select(Booking.venue_id).where(*_back(entry)).distinct()))


@retried
def _erase_again(entry: Entry, venue_id: int) -> int:
    with transaction() as tx:
        rows = tx.execute(
            select(Booking.id, Booking.customer_id)
            .where(*_back(entry), Booking.venue_id == venue_id)
            .order_by(Booking.seq)
            .with_for_update(key_share=True)
        ).all()
        # Nobody is left to write to.
        tx.execute(
            update(Notification)
            .where(
                Notification.booking_id.in_([row.id for row in rows]),
                Notification.state == NotificationState.QUEUED,
            )
            .values(state=NotificationState.DROPPED)
        )
        counts = forget(tx, venue_id, rows)
        if rows:
            note_replay(tx, counts, inventory.names_of(OF_PERSON))
        return len(rows)


def _cancel_again(entry: Entry) -> None:
    """Whatever was erased was over or cancelled: what is neither now had been cancelled."""
    with reading() as tx:
        ids = tx.scalars(
            select(Booking.id).where(Booking.id.in_(entry.booking_ids), is_coming())
        ).all()
    for booking_id in ids:
        try:
            cancel_booking(booking_id=booking_id, by=SYSTEM)
        except NotCancellable:
            continue


@retried
def _end(entry: Entry) -> int:
    """Remove the account and the links, and note the entry as known."""
    with transaction() as tx:
        removed = tx.execute(delete(User).where(User.id == entry.user_id)).rowcount  # type: ignore[attr-defined]
        _remove_links(tx, entry)
        tx.execute(
            insert(Erasure)
            .values(
                id=entry.id,
                booking_ids=list(entry.booking_ids),
                user_id=entry.user_id,
                person=entry.person,
                at=literal(entry.at),
                kept_at=func.clock_timestamp(),
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )
        return int(removed)


def _remove_links(tx: Session, entry: Entry) -> None:
    older = select(OneTimeLink.id, OneTimeLink.email).where(OneTimeLink.created_at <= entry.at)
    theirs = [row.id for row in tx.execute(older) if hash_of(row.email) == entry.person]
    tx.execute(delete(OneTimeLink).where(OneTimeLink.id.in_(theirs)))


def _entry(row: Erasure) -> Entry:
    return Entry(row.id, row.at, row.booking_ids, row.user_id, row.person)
