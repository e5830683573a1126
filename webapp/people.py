"""Who is signed in with a session, and what they may see. The admin's realm decides the latter."""

from uuid import UUID

from flask_security import current_user

from admin.database import give_back_connection
from admin.tenancy import Realm, current_realm


def signed_in() -> tuple[UUID, Realm] | None:
    """Return who is signed in and their realm; None for everybody else.

    The session's connection is given back at once: who waits afterwards must not keep one.
    """
    if not current_user.is_authenticated:
        return None
    found = UUID(str(current_user.id)), current_realm()
    give_back_connection()
    return found


def may_see(realm: Realm, venue_id: int) -> bool:
    """Whether a realm takes in a venue."""
    return realm.is_operator or venue_id in realm.posts
