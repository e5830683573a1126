"""People who run venues: the first of them, and what they belong to."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.house_sessions import end_house_sessions_in
from booking.transactions import retried, transaction
from models import Membership, Post, User


@retried
def ensure_owner(
    *, email: str, password: str, venue_ids: Iterable[int] = (), replace_password: bool = False
) -> UUID:
    """See to it that this person can sign in and owns these venues; return their id.

    A second call changes nothing. Whoever is there already keeps their password, which may have
    been changed since, unless `replace_password` asks for this one. No membership is taken away.
    """
    with transaction() as tx:
        return ensure_owner_in(
            tx,
            email=email,
            password=password,
            venue_ids=venue_ids,
            replace_password=replace_password,
        )


def ensure_owner_in(
    tx: Session,
    *,
    email: str,
    password: str | None,
    venue_ids: Iterable[int] = (),
    replace_password: bool = False,
) -> UUID:
    """See to an owner inside the open transaction. Without a password only a reset opens."""
    user = tx.scalar(select(User).where(func.lower(User.email) == email.lower()))
    if user is None:
        user = User(
            email=email,
            password=PasswordHasher().hash(password) if password else None,
            fs_uniquifier=uuid4().hex,
            confirmed_at=func.clock_timestamp(),
        )
        tx.add(user)
    elif replace_password and password and not _opens(user.password, password):
        user.password = PasswordHasher().hash(password)
        # Whoever is signed in with the old password is signed out.
        user.fs_uniquifier = uuid4().hex
        end_house_sessions_in(tx, user_id=user.id)
    tx.flush()
    for venue_id in venue_ids:
        given = {"user_id": user.id, "venue_id": venue_id, "post": str(Post.OWNER)}
        tx.execute(insert(Membership).values(given).on_conflict_do_nothing())
    return user.id


def _opens(stored: str | None, password: str) -> bool:
    try:
        return stored is not None and PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
