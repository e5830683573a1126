"""Who works at a venue, and as what."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, NotFound
from booking.transactions import reading, retried, transaction
from models import Act, Membership, Post


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works at a venue."""

    id: UUID
    email: str
    full_name: str | None
    post: Post
    has_second_factor: bool
    since: datetime


def list_colleagues(venue_id: int) -> list[Colleague]:
    """Return the people of a venue, owners first."""
    query = (
        select(Membership)
        .where(Membership.venue_id == venue_id)
        .options(joinedload(Membership.user))
        .order_by(Membership.post, Membership.created_at)
        .limit(500)
    )
    with reading() as tx:
        return [
            Colleague(
                id=row.user_id,
                email=row.user.email,
                full_name=row.user.full_name,
                post=Post(row.post),
                has_second_factor=row.user.tf_primary_method is not None,
                since=row.created_at,
            )
            for row in tx.scalars(query)
        ]


@retried
def change_post(*, venue_id: int, user_id: UUID, post: Post, by: Actor) -> None:
    """Make somebody owner or staff. Raises NotFound, CatalogueInvalid for the last owner."""
    with transaction() as tx:
        member = _lock_member(tx, venue_id, user_id, is_to_own=post is Post.OWNER)
        if member.post == post:
            return
        change = {"from": member.post, "to": str(post)}
        member.post = post
        subject = f"user:{user_id}"
        note_act(tx, Act.POST_CHANGED, venue_id=venue_id, subject=subject, by=by, post=change)


@retried
def remove_colleague(*, venue_id: int, user_id: UUID, by: Actor) -> None:
    """Take somebody's place at a venue away; their account stays.

    What they have open shows nothing of it from the next click on. Raises NotFound, or
    CatalogueInvalid for the last owner.
    """
    with transaction() as tx:
        member = _lock_member(tx, venue_id, user_id, is_to_own=False)
        subject = f"user:{user_id}"
        note_act(
            tx, Act.PERSON_REMOVED, venue_id=venue_id, subject=subject, by=by, post=member.post
        )
        tx.delete(member)


def _lock_member(tx: Session, venue_id: int, user_id: UUID, *, is_to_own: bool) -> Membership:
    """Lock all people of a venue, so that two last owners cannot leave at the same time."""
    members = tx.scalars(
        select(Membership)
        .where(Membership.venue_id == venue_id)
        .order_by(Membership.user_id)
        .with_for_update()
    ).all()
    found = next((member for member in members if member.user_id == user_id), None)
    if found is None:
        raise NotFound
    others = [each for each in members if each is not found and each.post == Post.OWNER]
    if found.post == Post.OWNER and not is_to_own and not others:
        raise CatalogueInvalid("post", "A venue keeps an owner: make somebody else one first.")
    return found
