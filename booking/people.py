"""People who run venues: the first of them, and what they belong to."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.accounts import RESET_PATH
from booking.actors import SYSTEM
from booking.audit import note_act
from booking.house_sessions import end_house_sessions_in
from booking.invitations import checked_address
from booking.links import create_link_in, token_of
from booking.transactions import retried, transaction
from models import Act, Membership, Post, Purpose, Role, User, user_roles
from settings import settings

OPERATOR = "operator"


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


@retried
def make_operator(*, email: str) -> str | None:
    """Make somebody an operator, with an account if they have none.

    Returns the address at which a password is set, for somebody without one; it is mailed as well.
    Raises CatalogueInvalid for what is no address.
    """
    address = checked_address(email)
    with transaction() as tx:
        user_id = ensure_owner_in(tx, email=address, password=None)
        role_id = tx.scalar(
            insert(Role).values(name=OPERATOR).on_conflict_do_nothing().returning(Role.id)
        )
        role_id = role_id or tx.scalar(select(Role.id).where(Role.name == OPERATOR))
        tx.execute(
            insert(user_roles).values(user_id=user_id, role_id=role_id).on_conflict_do_nothing()
        )
        note_act(tx, Act.OPERATOR_MADE, venue_id=None, subject=f"user:{user_id}", by=SYSTEM)
        if tx.get_one(User, user_id).password is not None:
            return None
        link_id = create_link_in(
            tx, purpose=Purpose.RESET, email=address, path=RESET_PATH, user_id=user_id
        )
        return f"{settings.base_url}{RESET_PATH}?token={token_of(link_id)}"


def _opens(stored: str | None, password: str) -> bool:
    try:
        return stored is not None and PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
