"""Sign-ins to the owners' house, as rows: a cookie is worth as much as the row that it names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, any_, delete, func, literal, select, update
from sqlalchemy.orm import Session

from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import HouseSession, User

GOOD_FOR = timedelta(days=30)
IDLE_FOR = timedelta(days=7)
_NOTED_EVERY = timedelta(minutes=5)
_NOW = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class SignedInAt:
    """One sign-in, as its owner sees it in a list."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime


def begin_house_session_in(
    tx: Session, *, user_id: UUID, browser: str, instead_of: UUID | None = None
) -> UUID:
    """Begin a session for somebody who has just signed in, in place of the browser's last one."""
    if instead_of is not None:
        _end(tx, HouseSession.id == instead_of)
    now = read_clock(tx)
    session_id = uuid4()
    tx.add(
        HouseSession(
            id=session_id,
            user_id=user_id,
            browser=browser[:80],
            created_at=now,
            seen_at=now,
            expires_at=now + GOOD_FOR,
        )
    )
    tx.flush()
    return session_id


def is_open(session_id: UUID, *, stamp: str) -> bool:
    """Whether a session is good, and of a person with this stamp; notes now and then its use."""
    with reading() as tx:
        is_stale = tx.scalar(
            select(HouseSession.seen_at < _NOW - _NOTED_EVERY)
            .join(User, User.id == HouseSession.user_id)
            .where(HouseSession.id == session_id, User.fs_uniquifier == stamp, _is_live())
        )
    if is_stale:
        _note_use(session_id)
    return is_stale is not None


def list_house_sessions(user_id: UUID) -> list[SignedInAt]:
    """Return the sessions of a person that are still good, the one used last first."""
    query = select(HouseSession).where(HouseSession.user_id == user_id, _is_live())
    with reading() as tx:
        return [
            SignedInAt(row.id, row.browser or "", row.created_at, row.seen_at)
            for row in tx.scalars(query.order_by(HouseSession.seen_at.desc()).limit(100))
        ]


@retried
def end_house_session(*, session_id: UUID, user_id: UUID) -> bool:
    """End one session of a person; False when there is none that is open."""
    with transaction() as tx:
        return _end(tx, HouseSession.id == session_id, HouseSession.user_id == user_id) > 0


def end_house_sessions_in(tx: Session, *, user_id: UUID, but: UUID | None = None) -> None:
    """End a person's sessions inside the open transaction."""
    others = HouseSession.id != but if but is not None else HouseSession.id.is_not(None)
    _end(tx, HouseSession.user_id == user_id, others)


@retried
def forget_old_house_sessions() -> int:
    """Delete sessions that ended a month ago; returns how many."""
    with transaction() as tx:
        month_ago = func.now() - timedelta(days=30)
        done = tx.execute(delete(HouseSession).where(HouseSession.expires_at < month_ago))
        return int(done.rowcount)  # type: ignore[attr-defined]


def take_code_in(tx: Session, *, user_id: UUID, counter: int) -> bool:
    """Note that the code of a time step was used; False for one that was used before.

    Of two that come with the same code at the same time, one is let in.
    """
    taken = tx.scalar(
        update(User)
        .where(User.id == user_id, func.coalesce(User.totp_last_counter, -1) < counter)
        .values(totp_last_counter=counter)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


def take_recovery_code_in(tx: Session, *, user_id: UUID, kept: str) -> bool:
    """Use up a recovery code, as it is kept; False when it was used in this very moment."""
    codes = User.__table__.c.mf_recovery_codes
    taken = tx.scalar(
        update(User)
        .where(User.id == user_id, literal(kept) == any_(codes))
        .values(mf_recovery_codes=func.array_remove(codes, kept))
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


@retried
def _note_use(session_id: UUID) -> None:
    with transaction() as tx:
        tx.execute(update(HouseSession).where(HouseSession.id == session_id).values(seen_at=_NOW))


def _end(tx: Session, *which: ColumnElement[bool]) -> int:
    done = tx.execute(
        update(HouseSession)
        .where(*which, HouseSession.ended_at.is_(None))
        .values(ended_at=_NOW)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _is_live() -> ColumnElement[bool]:
    return (
        HouseSession.ended_at.is_(None)
        & (HouseSession.expires_at > _NOW)
        & (HouseSession.seen_at > _NOW - IDLE_FOR)
    )
