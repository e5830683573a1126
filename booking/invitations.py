"""Invitations: somebody is asked to a venue by mail and joins it behind a button."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.actors import Actor, staff
from booking.audit import note_act
from booking.errors import CatalogueInvalid, LinkGone
from booking.house_sessions import end_house_sessions_in
from booking.links import LONGEST, consume_link_in, create_link_in, look_at_link
from booking.passwords import SHORTEST_OF_A_VENUE, hash_password, refuse_weak
from booking.sessions import end_sessions_in
from booking.transactions import reading, retried, transaction
from models import Act, Invitation, Membership, OneTimeLink, Post, Purpose, User, Venue

INVITATION_PATH = "/admin/invitation/"


@dataclass(frozen=True, slots=True)
class Invited:
    """What a link invites to. `needs_password`: there is no account yet that was proven theirs."""

    email: str
    venue: str
    post: Post
    needs_password: bool


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that nobody has followed yet."""

    id: UUID
    email: str
    post: Post
    expires_at: datetime


@retried
def invite(*, venue_id: int, email: str, post: Post, by: Actor) -> UUID:
    """Mail somebody a link with which they join a venue, in place of an earlier one.

    Raises CatalogueInvalid for what is no address, or for somebody who works there already.
    """
    with transaction() as tx:
        return invite_in(tx, venue_id=venue_id, email=email, post=post, by=by)


def invite_in(tx: Session, *, venue_id: int, email: str, post: Post, by: Actor) -> UUID:
    """Invite somebody inside the open transaction."""
    address = checked_address(email)
    works_there = select(Membership.user_id).join(Membership.user)
    if tx.scalar(works_there.where(Membership.venue_id == venue_id, _is(User.email, address))):
        raise CatalogueInvalid("email", "They belong to this venue already.")
    _forget(tx, Invitation.venue_id == venue_id, _is(Invitation.email, address))
    link_id = create_link_in(
        tx,
        purpose=Purpose.INVITATION,
        email=address,
        path=INVITATION_PATH,
        venue_id=venue_id,
        good_for=LONGEST,
    )
    link = tx.get_one(OneTimeLink, link_id)
    invitation = Invitation(
        id=uuid4(),
        venue_id=venue_id,
        link_id=link_id,
        email=address,
        post=post,
        expires_at=link.expires_at,
    )
    tx.add(invitation)
    subject = f"invitation:{invitation.id}"
    note_act(tx, Act.PERSON_INVITED, venue_id=venue_id, subject=subject, by=by, post=str(post))
    tx.flush()
    return invitation.id


@retried
def withdraw_invitation(*, invitation_id: UUID, venue_id: int, by: Actor) -> bool:
    """Make an invitation of this venue void; False when there is none."""
    with transaction() as tx:
        if not _forget(tx, Invitation.id == invitation_id, Invitation.venue_id == venue_id):
            return False
        subject = f"invitation:{invitation_id}"
        note_act(tx, Act.INVITATION_WITHDRAWN, venue_id=venue_id, subject=subject, by=by)
        return True


def list_invitations(venue_id: int) -> list[OpenInvitation]:
    """Return the invitations to a venue that are still good, by address."""
    query = (
        select(Invitation)
        .where(Invitation.venue_id == venue_id, Invitation.expires_at > func.clock_timestamp())
        .order_by(func.lower(Invitation.email))
        .limit(500)
    )
    with reading() as tx:
        return [
            OpenInvitation(row.id, row.email, Post(row.post), row.expires_at)
            for row in tx.scalars(query)
        ]


def look_at_invitation(*, token: str) -> Invited:
    """Return what a link invites to, without using it up. Raises LinkGone."""
    link = look_at_link(token=token, purpose=Purpose.INVITATION)
    with reading() as tx:
        invitation = _of_link(tx, link.id)
        user = _account_of(tx, invitation.email)
        return Invited(
            email=invitation.email,
            venue=tx.get_one(Venue, invitation.venue_id).name,
            post=Post(invitation.post),
            needs_password=not _is_proven(user),
        )


@retried
def accept_invitation(*, token: str, full_name: str = "", password: str = "") -> None:
    """Let whoever holds the link join the venue, and use the link up.

    An account that was not proven to be theirs may be anybody's who knew the address: it gets the
    new password, and whoever is in it is signed out. Raises LinkGone, or PasswordTooWeak and
    CatalogueInvalid, which leave the link good.
    """
    invited = look_at_invitation(token=token)
    hashed = _hashed(invited, password) if invited.needs_password else None
    if len(full_name.strip()) > 200 or not full_name.strip().isprintable():
        raise CatalogueInvalid("full_name", "A name of at most 200 letters and signs.")
    with transaction() as tx:
        link = consume_link_in(tx, token=token, purpose=Purpose.INVITATION)
        invitation = _of_link(tx, link.id)
        user = _account_of(tx, invitation.email)
        if user is None:
            user = User(id=uuid4(), email=invitation.email, fs_uniquifier=uuid4().hex)
            tx.add(user)
        if not _is_proven(user):
            if hashed is None:
                raise LinkGone
            _make_theirs(tx, user, hashed, full_name.strip())
        tx.flush()
        given = {"user_id": user.id, "venue_id": invitation.venue_id, "post": invitation.post}
        tx.execute(insert(Membership).values(given).on_conflict_do_nothing())
        note_act(
            tx,
            Act.PERSON_JOINED,
            venue_id=invitation.venue_id,
            subject=f"user:{user.id}",
            by=staff(user.id),
            post=invitation.post,
        )
        tx.delete(invitation)


def checked_address(email: str) -> str:
    """Return an address as it is kept. Raises CatalogueInvalid."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        raise CatalogueInvalid("email", "This is no e-mail address.") from None


def _hashed(invited: Invited, password: str) -> str:
    refuse_weak(password, least=SHORTEST_OF_A_VENUE, known=[invited.email])
    return hash_password(password)


def _make_theirs(tx: Session, user: User, hashed: str, full_name: str) -> None:
    user.password = hashed
    user.full_name = full_name or user.full_name
    user.fs_uniquifier = uuid4().hex
    user.confirmed_at = func.clock_timestamp()
    user.tf_primary_method = user.tf_totp_secret = user.mf_recovery_codes = None
    tx.flush()
    end_sessions_in(tx, user_id=user.id)
    end_house_sessions_in(tx, user_id=user.id)


def _is_proven(user: User | None) -> bool:
    return user is not None and user.confirmed_at is not None and user.password is not None


def _account_of(tx: Session, email: str) -> User | None:
    return tx.scalar(select(User).where(_is(User.email, email)))


def _of_link(tx: Session, link_id: UUID) -> Invitation:
    invitation = tx.scalar(select(Invitation).where(Invitation.link_id == link_id))
    if invitation is None:
        raise LinkGone
    return invitation


def _forget(tx: Session, *which: ColumnElement[bool]) -> bool:
    """Delete invitations together with their links, whose mails then say nothing any more."""
    link_ids = tx.scalars(select(Invitation.link_id).where(*which)).all()
    tx.execute(delete(OneTimeLink).where(OneTimeLink.id.in_(link_ids)))
    return bool(link_ids)


def _is(column: Any, email: str) -> ColumnElement[bool]:
    return func.lower(column) == email.lower()
