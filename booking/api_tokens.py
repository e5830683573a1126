"""The tokens that a venue gives to integrations; of each only a hash is kept."""

import hashlib

from sqlalchemy import select

from booking.transactions import reading
from models import ApiToken


def has_scope(*, token: str, venue_id: int, scope: str) -> bool:
    """Whether a token is one of the venue's own, not revoked, and may do this."""
    with reading() as tx:
        found = tx.scalar(
            select(ApiToken.id).where(
                ApiToken.token_hash == hash_of(token),
                ApiToken.venue_id == venue_id,
                ApiToken.revoked_at.is_(None),
                ApiToken.scopes.any(scope),
            )
        )
    return found is not None


def hash_of(token: str) -> bytes:
    """Return what is kept of a token: it is random and long, so a plain hash serves."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
