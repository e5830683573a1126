"""The first person who can sign in: made in a database that knows nobody yet."""

from uuid import uuid4

from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import User


def ensure_first_owner(session: Session, *, email: str, password: str) -> User:
    """Return the owner of that address, made now in an empty database. Commits nothing.

    Whoever is there already keeps their password: it may have been changed since.
    """
    found = session.scalars(select(User).where(func.lower(User.email) == email.lower())).first()
    if found is not None:
        return found
    owner = User(
        email=email,
        password=PasswordHasher().hash(password),
        fs_uniquifier=uuid4().hex,
        confirmed_at=func.clock_timestamp(),
    )
    session.add(owner)
    session.flush()
    return owner
