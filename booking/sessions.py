"""Sign-ins of the API: refresh tokens that are good once, in families that fall together."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from booking.errors import RefreshRefused
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import RefreshToken, User
from settings import settings


@dataclass(frozen=True, slots=True)
class ApiSession:
    """A sign-in: its account, its family, and the refresh token that carries it on, shown once."""

    account_id: UUID
    family: UUID
    refresh_token: str


@retried
def begin_session(*, account_id: UUID) -> ApiSession:
    """Begin a family of refresh tokens for somebody who has just signed in."""
    with transaction() as tx:
        tx.execute(
            delete(RefreshToken).where(
                RefreshToken.user_id == account_id,
                RefreshToken.expires_at < func.clock_timestamp(),
            )
        )
        return _issue(tx, account_id, uuid4())


@retried
def refresh_session(*, refresh_token: str) -> ApiSession:
    """Use a refresh token up and return the next one. Raises RefreshRefused.

    One that comes a second time revokes its whole family: one of its two owners is a thief.
    """
    with transaction() as tx:
        renewed = _renew(tx, refresh_token)
    if renewed is None:
        raise RefreshRefused
    return renewed


@retried
def forget_expired_sessions() -> int:
    """Delete refresh tokens that ran out a week ago; returns how many."""
    with transaction() as tx:
        week_ago = func.now() - timedelta(days=7)
        done = tx.execute(delete(RefreshToken).where(RefreshToken.expires_at < week_ago))
        return int(done.rowcount)  # type: ignore[attr-defined]


@retried
def end_session(*, family: UUID) -> None:
    """Sign a family out. A second call changes nothing."""
    with transaction() as tx:
        _revoke(tx, RefreshToken.family == family)


@retried
def end_session_of(*, refresh_token: str) -> None:
    """Sign out the family that a refresh token belongs to, used or not; unknown ones are none."""
    with transaction() as tx:
        family = tx.scalar(
            select(RefreshToken.family).where(RefreshToken.token_hash == _hash(refresh_token))
        )
        if family is not None:
            _revoke(tx, RefreshToken.family == family)


def end_sessions_in(tx: Session, *, user_id: UUID) -> None:
    """Sign out every family of an account inside the open transaction."""
    _revoke(tx, RefreshToken.user_id == user_id)


def is_live(family: UUID) -> bool:
    """Whether a family has been neither signed out nor revoked."""
    with reading() as tx:
        found = tx.scalar(
            select(RefreshToken.id)
            .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
            .limit(1)
        )
    return found is not None


def _renew(tx: Session, refresh_token: str) -> ApiSession | None:
    given = tx.scalar(
        select(RefreshToken)
        .where(RefreshToken.token_hash == _hash(refresh_token))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    now = read_clock(tx)
    if given is None or given.revoked_at is not None or given.expires_at <= now:
        return None
    if given.used_at is not None:
        _revoke(tx, RefreshToken.family == given.family)
        return None
    given.used_at = now
    is_open = tx.scalar(select(User.active).where(User.id == given.user_id))
    return _issue(tx, given.user_id, given.family) if is_open else None


def _issue(tx: Session, account_id: UUID, family: UUID) -> ApiSession:
    token = secrets.token_urlsafe(32)
    now = read_clock(tx)
    tx.add(
        RefreshToken(
            family=family,
            user_id=account_id,
            token_hash=_hash(token),
            created_at=now,
            expires_at=now + timedelta(days=settings.refresh_token_days),
        )
    )
    tx.flush()
    return ApiSession(account_id, family, token)


def _revoke(tx: Session, whose: ColumnElement[bool]) -> None:
    tx.execute(
        update(RefreshToken)
        .where(whose, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
