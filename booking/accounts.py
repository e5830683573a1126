"""Accounts: people who register, sign in, prove their address and set a new password.

They are the same people who sign in to the admin; what somebody is at a venue is a membership.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from booking.errors import EmailTaken, LinkGone, WrongCredentials
from booking.house_sessions import end_house_sessions_in
from booking.links import consume_link_in, create_link_in, look_at_link
from booking.passwords import (
    SHORTEST,
    SHORTEST_OF_A_VENUE,
    hash_password,
    matches,
    refuse_weak,
)
from booking.sessions import end_sessions_in
from booking.transactions import reading, retried, transaction
from models import Kind, Membership, OneTimeLink, Post, Purpose, User

PROOF_PATH = "/account/prove"
RESET_PATH = "/account/reset"
_PROOF_GOOD_FOR = timedelta(hours=24)
_RESET_GOOD_FOR = timedelta(minutes=30)
_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class VenuePost:
    """What somebody is at a venue."""

    venue_id: int
    venue: str
    kind: Kind
    post: Post


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it is now. A new `stamp`, as after a new password, makes its tokens void."""

    id: UUID
    email: str
    full_name: str | None
    is_confirmed: bool
    has_second_factor: bool
    posts: tuple[VenuePost, ...]
    stamp: str
    created_at: datetime
    language: str | None = None
    wants_reminders: bool = True

    @property
    def lets_rooms_at(self) -> int | None:
        """The venue whose rooms this person manages; of several the first."""
        managed = [
            post.venue_id
            for post in self.posts
            if post.post is Post.OWNER and post.kind is Kind.HOTEL
        ]
        return min(managed, default=None)


@retried
def register_account(*, email: str, password: str, full_name: str | None = None) -> AccountView:
    """Make an account and owe it the link that proves its address. Raises EmailTaken."""
    hashed = hash_password(password)
    with transaction() as tx:
        user_id = tx.scalar(
            insert(User)
            .values(email=email, password=hashed, full_name=full_name, fs_uniquifier=uuid4().hex)
            .on_conflict_do_nothing()
            .returning(User.id)
        )
        if user_id is None:
            raise EmailTaken
        _owe_proof(tx, user_id, email)
        return _view(tx.scalars(_SELECT.where(User.id == user_id)).one())


def sign_in(*, email: str, password: str) -> AccountView:
    """Return the account that these belong to. Raises WrongCredentials.

    An unknown address, a wrong password and an account that was closed are one and the same, and
    take the same time.
    """
    with reading() as tx:
        user = tx.scalar(_SELECT.where(func.lower(User.email) == func.lower(email)))
    if not matches(user.password if user else None, password) or user is None or not user.active:
        raise WrongCredentials
    return _view(user)


def read_account(account_id: UUID | None) -> AccountView | None:
    """Return an account as it is now, or None when it is closed or gone."""
    with reading() as tx:
        user = tx.scalar(_SELECT.where(User.id == account_id, User.active))
        return _view(user) if user else None


def owns(account: AccountView, *, user_id: UUID | None, email: str | None) -> bool:
    """Whether a booking is an account's own; an equal address counts once it is proven."""
    if user_id == account.id:
        return True
    return account.is_confirmed and (email or "").lower() == account.email.lower()


@retried
def choose(*, account_id: UUID, language: str | None, wants_reminders: bool) -> None:
    """Keep in which language an account is spoken to, and whether it is reminded of its bookings.

    When reminders were declined stays noted as it was; wanting them again forgets it.
    """
    with transaction() as tx:
        user = tx.get_one(User, account_id)
        user.language = language
        user.reminders_declined_at = (
            None if wants_reminders else user.reminders_declined_at or func.clock_timestamp()
        )


@retried
def ask_for_proof(*, account_id: UUID) -> None:
    """Mail the link that proves an address, unless it is proven or one went out just now."""
    with transaction() as tx:
        user = tx.get_one(User, account_id)
        if user.confirmed_at is None and not _is_fresh(tx, user.id, Purpose.PROOF):
            _owe_proof(tx, user.id, user.email)


@retried
def prove_email(*, token: str) -> None:
    """Note that an account's address has been proven, and use the link up. Raises LinkGone."""
    with transaction() as tx:
        link = consume_link_in(tx, token=token, purpose=Purpose.PROOF)
        user = _user_of(tx, link.user_id, link.email)
        user.confirmed_at = user.confirmed_at or func.clock_timestamp()


@retried
def ask_for_reset(*, email: str) -> None:
    """Mail a link that sets a new password, if there is such an account and none went just now."""
    with transaction() as tx:
        user = tx.scalar(
            select(User).where(func.lower(User.email) == func.lower(email), User.active)
        )
        if user is not None and not _is_fresh(tx, user.id, Purpose.RESET):
            create_link_in(
                tx,
                purpose=Purpose.RESET,
                email=user.email,
                path=RESET_PATH,
                user_id=user.id,
                good_for=_RESET_GOOD_FOR,
            )


@retried
def reset_password(*, token: str, password: str) -> None:
    """Set a new password and sign everybody out who knew the old one. Uses the link up.

    Whoever came by the link has read the mail of the address, so it is proven as well. Raises
    LinkGone, or PasswordTooWeak, which leaves the link good.
    """
    account = read_account(look_at_link(token=token, purpose=Purpose.RESET).user_id)
    if account is None:
        raise LinkGone
    least = SHORTEST_OF_A_VENUE if account.posts else SHORTEST
    refuse_weak(password, least=least, known=[account.email])
    hashed = hash_password(password)
    with transaction() as tx:
        link = consume_link_in(tx, token=token, purpose=Purpose.RESET)
        user = _user_of(tx, link.user_id, link.email)
        user.password = hashed
        user.fs_uniquifier = uuid4().hex
        user.confirmed_at = user.confirmed_at or func.clock_timestamp()
        end_sessions_in(tx, user_id=user.id)
        end_house_sessions_in(tx, user_id=user.id)


_SELECT = select(User).options(selectinload(User.memberships).joinedload(Membership.venue))


def _owe_proof(tx: Session, user_id: UUID, email: str) -> None:
    create_link_in(
        tx,
        purpose=Purpose.PROOF,
        email=email,
        path=PROOF_PATH,
        user_id=user_id,
        good_for=_PROOF_GOOD_FOR,
    )


def _is_fresh(tx: Session, user_id: UUID, purpose: Purpose) -> bool:
    """Whether such a link was made for somebody only just now, so that none is due again yet."""
    found = tx.scalar(
        select(OneTimeLink.id)
        .where(
            OneTimeLink.user_id == user_id,
            OneTimeLink.purpose == purpose,
            OneTimeLink.created_at > func.clock_timestamp() - _PAUSE,
        )
        .limit(1)
    )
    return found is not None


def _user_of(tx: Session, user_id: UUID | None, email: str) -> User:
    """Return the link's account, whose address must still be the one that was written to."""
    user = tx.scalar(
        select(User).where(User.id == user_id).with_for_update(key_share=True, of=User)
    )
    if user is None or not user.active or user.email.lower() != email.lower():
        raise LinkGone
    return user


def _view(user: User) -> AccountView:
    return AccountView(
        id=user.id,
        email=user.email,
        full_name=user.full_name,
        is_confirmed=user.confirmed_at is not None,
        has_second_factor=user.tf_primary_method is not None,
        posts=tuple(
            VenuePost(post.venue_id, post.venue.slug, Kind(post.venue.kind), Post(post.post))
            for post in user.memberships
        ),
        stamp=hashlib.sha256(user.fs_uniquifier.encode()).hexdigest()[:16],
        created_at=user.created_at,
        language=user.language,
        wants_reminders=user.reminders_declined_at is None,
    )
