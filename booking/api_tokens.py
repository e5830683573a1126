"""API tokens of venues: for programs that work with a venue's bookings, within their scopes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update

from booking.actors import SYSTEM, Actor
from booking.audit import note_act
from booking.errors import OutOfScope, ScopesUnknown, TokenNotFound, VenueNotFound
from booking.transactions import reading, retried, transaction
from models import Act, ApiToken, Venue

PREFIX = "hf_"
_NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token may do."""

    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was made just now: the only time that it is shown."""

    id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Integration:
    """A program that came with a good token."""

    token_id: UUID
    venue_id: int
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """Return who it is for the log of events."""
        return Actor("integration", str(self.token_id))

    def require(self, scope: Scope) -> None:
        """Raise OutOfScope unless the token may do this."""
        if scope not in self.scopes:
            raise OutOfScope(f"The token lacks the scope {scope}.")


@retried
def create_api_token(
    *, venue: str, name: str, scopes: Sequence[str], by: Actor = SYSTEM
) -> NewToken:
    """Make a token for a venue (its slug). Raises VenueNotFound or ScopesUnknown."""
    if not scopes or not set(scopes) <= set(Scope):
        raise ScopesUnknown(f"Give at least one of the scopes {', '.join(Scope)}.")
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction() as tx:
        venue_id = tx.scalar(select(Venue.id).where(Venue.slug == venue))
        if venue_id is None:
            raise VenueNotFound
        made = ApiToken(
            venue_id=venue_id, name=name, token_hash=hash_of(token), scopes=sorted(set(scopes))
        )
        tx.add(made)
        tx.flush()
        subject = f"token:{made.id}"
        note_act(
            tx, Act.INTEGRATION_ADDED, venue_id=venue_id, subject=subject, by=by, scopes=made.scopes
        )
        return NewToken(made.id, token)


def list_api_tokens(venue_id: int) -> list[ApiToken]:
    """Return the tokens of a venue that still work, the newest first; none of them is shown."""
    query = (
        select(ApiToken)
        .where(ApiToken.venue_id == venue_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.created_at.desc())
        .limit(200)
    )
    with reading() as tx:
        return list(tx.scalars(query))


@retried
def revoke_api_token(
    *, token_id: UUID, venue_ids: Sequence[int] | None = None, by: Actor = SYSTEM
) -> None:
    """Make a token void for good. A second call changes nothing. Raises TokenNotFound.

    With venues only their own tokens are found.
    """
    query = update(ApiToken).where(ApiToken.id == token_id)
    if venue_ids is not None:
        query = query.where(ApiToken.venue_id.in_(venue_ids))
    with transaction() as tx:
        found = tx.scalar(
            query.values(
                revoked_at=func.coalesce(ApiToken.revoked_at, func.clock_timestamp())
            ).returning(ApiToken.venue_id)
        )
        if found is None:
            raise TokenNotFound
        subject = f"token:{token_id}"
        note_act(tx, Act.INTEGRATION_ENDED, venue_id=found, subject=subject, by=by)


def authenticate_token(token: str) -> Integration | None:
    """Return the program that a token belongs to, or None; notes now and then that it came."""
    with reading() as tx:
        row = tx.execute(
            select(
                ApiToken.id,
                ApiToken.venue_id,
                ApiToken.scopes,
                func.coalesce(
                    ApiToken.last_used_at < func.clock_timestamp() - _NOTED_EVERY, True
                ).label("is_stale"),
            ).where(ApiToken.token_hash == hash_of(token), ApiToken.revoked_at.is_(None))
        ).first()
    if row is None:
        return None
    if row.is_stale:
        _note_use(row.id)
    return Integration(row.id, row.venue_id, frozenset(row.scopes))


def hash_of(token: str) -> bytes:
    """Return what is kept of a token: it is random and long, so a plain hash serves."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


@retried
def _note_use(token_id: UUID) -> None:
    with transaction() as tx:
        tx.execute(
            update(ApiToken)
            .where(ApiToken.id == token_id)
            .values(last_used_at=func.clock_timestamp())
        )
