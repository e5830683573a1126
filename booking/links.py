"""Links that are good once and for a short time: to sign in, to set a new password, to prove an
address, to fetch a report.

A token follows from the link's id and the secret key, so that the worker which mails it needs
nothing but the id; the table keeps its hash. Looking at a link uses nothing up: programs that scan
mail follow every link in it. Consuming it does, and belongs behind a button.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from booking.errors import LinkGone
from booking.notices import ring_after_commit
from booking.slots import read_clock
from booking.tally import note_messages
from booking.transactions import reading, retried, transaction
from models import Notification, OneTimeLink, Purpose
from settings import settings

LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """Whom a link belongs to. Whoever holds it has read the mail of that address."""

    id: UUID
    purpose: Purpose
    email: str
    user_id: UUID | None
    venue_id: int | None
    expires_at: datetime


@retried
def create_link(
    *,
    purpose: Purpose,
    email: str,
    path: str,
    user_id: UUID | None = None,
    venue_id: int | None = None,
    language: str | None = None,
    good_for: timedelta = timedelta(minutes=30),
) -> UUID:
    """Make a link to `path` (the token is appended as `?token=`) and owe its mail; return its id.

    With a venue the mail comes in its look. A link is good for a day at the longest.
    """
    with transaction() as tx:
        return create_link_in(
            tx,
            purpose=purpose,
            email=email,
            path=path,
            user_id=user_id,
            venue_id=venue_id,
            language=language,
            good_for=good_for,
        )


def create_link_in(
    tx: Session,
    *,
    purpose: Purpose,
    email: str,
    path: str,
    user_id: UUID | None = None,
    venue_id: int | None = None,
    language: str | None = None,
    good_for: timedelta = timedelta(minutes=30),
) -> UUID:
    """Make a link and owe its mail inside the open transaction."""
    link_id = uuid4()
    now = read_clock(tx)
    tx.add(
        OneTimeLink(
            id=link_id,
            purpose=purpose,
            token_hash=_hash(token_of(link_id)),
            email=email,
            user_id=user_id,
            venue_id=venue_id,
            path=path,
            language=language,
            created_at=now,
            expires_at=now + min(good_for, LONGEST),
        )
    )
    tx.flush()
    tx.add(Notification(link_id=link_id, venue_id=venue_id, kind=str(purpose), due_at=now))
    tx.flush()
    note_messages(tx, [purpose])
    ring_after_commit(tx)
    return link_id


def look_at_link(*, token: str, purpose: Purpose) -> OpenedLink:
    """Return whom a link belongs to, without using it up. Raises LinkGone."""
    with reading() as tx:
        link = tx.scalar(
            select(OneTimeLink).where(
                OneTimeLink.token_hash == _hash(token),
                OneTimeLink.purpose == purpose,
                OneTimeLink.used_at.is_(None),
                OneTimeLink.expires_at > func.clock_timestamp(),
            )
        )
        return _opened(link)


@retried
def consume_link(*, token: str, purpose: Purpose) -> OpenedLink:
    """Use a link up and return whom it belongs to. Raises LinkGone, also the second time."""
    with transaction() as tx:
        return consume_link_in(tx, token=token, purpose=purpose)


def consume_link_in(tx: Session, *, token: str, purpose: Purpose) -> OpenedLink:
    """Use a link up inside the open transaction; of two at the same time one succeeds."""
    return _opened(
        tx.scalar(
            update(OneTimeLink)
            .where(
                OneTimeLink.token_hash == _hash(token),
                OneTimeLink.purpose == purpose,
                OneTimeLink.used_at.is_(None),
                OneTimeLink.expires_at > func.clock_timestamp(),
            )
            .values(used_at=func.clock_timestamp())
            .returning(OneTimeLink)
        )
    )


@retried
def forget_expired_links() -> int:
    """Delete links that ran out a month ago, with their messages; returns how many."""
    with transaction() as tx:
        month_ago = func.now() - timedelta(days=30)
        done = tx.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < month_ago))
        return int(done.rowcount)  # type: ignore[attr-defined]


def token_of(link_id: UUID) -> str:
    """Return the token of a link; nobody without the secret key can."""
    key = settings.secret_key.encode()
    digest = hmac.digest(key, b"holdfast.link:" + link_id.bytes, hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _opened(link: OneTimeLink | None) -> OpenedLink:
    if link is None:
        raise LinkGone
    return OpenedLink(
        id=link.id,
        purpose=Purpose(link.purpose),
        email=link.email,
        user_id=link.user_id,
        venue_id=link.venue_id,
        expires_at=link.expires_at,
    )
