"""The one place that decides whose rows somebody may see and change.

Every query of the admin passes `Realm.limit`, and every row that is asked for by its id comes out
of such a query: what belongs to others is not forbidden, it does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g, session
from flask_security import current_user
from sqlalchemy import ColumnElement, select, true

from admin.database import db
from booking.people import OPERATOR
from models import Membership, Post

CHOSEN = "venue"


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

    def venue_ids(self) -> list[int] | None:
        """Return the venues in the realm, or None for all there are."""
        return None if self.is_operator else sorted(self.posts)

    def may_manage(self, venue_id: int) -> bool:
        """Whether they may change the venue itself; the day's work is open to all its people."""
        return self.is_operator or self.posts.get(venue_id) is Post.OWNER

    def at(self, venue_id: int) -> "Realm":
        """Return the part of the realm that lies at one venue; NOWHERE for a venue of others."""
        if self.is_operator:
            return Realm(is_operator=False, posts={venue_id: Post.OWNER})
        post = self.posts.get(venue_id)
        return Realm(is_operator=False, posts={venue_id: post}) if post else NOWHERE


NOWHERE = Realm(is_operator=False, posts={})


def current_realm() -> Realm:
    """Return the realm of whoever is signed in, read once a request."""
    if "realm" not in g:
        g.realm = _read_realm() if current_user.is_authenticated else NOWHERE
    realm: Realm = g.realm
    return realm


def shown_realm() -> Realm:
    """Return what the lists show: the venue that was chosen in the head of the page, or all.

    It is a convenience and no wall: what may be seen at all is the `current_realm`.
    """
    venue_id = chosen_venue_id()
    return current_realm() if venue_id is None else current_realm().at(venue_id)


def chosen_venue_id() -> int | None:
    """Return the venue that was chosen in the head of the page, if it is still theirs."""
    chosen = session.get(CHOSEN)
    if not isinstance(chosen, int) or current_realm().at(chosen).is_empty:
        return None
    return chosen


def lacks_second_factor() -> bool:
    """Whether it is an operator who has none yet: they see nothing until they do."""
    return current_user.has_role(OPERATOR) and current_user.tf_primary_method is None


def _read_realm() -> Realm:
    if lacks_second_factor():
        return NOWHERE
    rows = db.session.execute(
        select(Membership.venue_id, Membership.post).where(Membership.user_id == current_user.id)
    )
    return Realm(
        is_operator=current_user.has_role(OPERATOR),
        posts={venue_id: Post(post) for venue_id, post in rows},
    )
