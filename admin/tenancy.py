"""The one place that decides whose rows somebody may see and change.

Every query of the admin passes `Realm.limit`, and every row that is asked for by its id comes out
of such a query: what belongs to others is not forbidden, it does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_security import current_user
from sqlalchemy import ColumnElement, select, true

from admin.database import db
from models import Membership, Post

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Realm:
    """What somebody may reach: everything, or the venues they belong to, each with their post."""

    is_operator: bool
    posts: Mapping[int, Post]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not (self.is_operator or self.posts)

    def limit(self, venue_id: Any) -> ColumnElement[bool]:
        """Return the criterion that keeps a query, by its column of the venue, within the realm."""
        if self.is_operator:
            return true()
        column: ColumnElement[bool] = venue_id.in_(sorted(self.posts))
        return column

    def may_manage(self, venue_id: int) -> bool:
        """Whether they may change the venue itself; the day's work is open to all its people."""
        return self.is_operator or self.posts.get(venue_id) is Post.OWNER


NOWHERE = Realm(is_operator=False, posts={})


def current_realm() -> Realm:
    """Return the realm of whoever is signed in, read once a request."""
    if "realm" not in g:
        g.realm = _read_realm() if current_user.is_authenticated else NOWHERE
    realm: Realm = g.realm
    return realm


def _read_realm() -> Realm:
    rows = db.session.execute(
        select(Membership.venue_id, Membership.post).where(Membership.user_id == current_user.id)
    )
    return Realm(
        is_operator=current_user.has_role(OPERATOR),
        posts={venue_id: Post(post) for venue_id, post in rows},
    )
