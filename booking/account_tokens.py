"""The short-lived tokens of accounts: JWTs of one algorithm, for one issuer, audience and purpose.

A token says who somebody is, never what they may do: that is looked up on each call. Keys have
names, so that they can be changed: the first one signs, and all of them are believed.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import jwt

from booking.accounts import AccountView, read_account
from booking.sessions import is_live
from settings import settings

_ALGORITHM = "HS256"
# The purpose (RFC 9068): a JWT that was made for anything else is none of ours.
_TYPE = "at+jwt"
_CLAIMS = ["iss", "aud", "sub", "exp", "iat", "jti", "stamp"]


class Audience(StrEnum):
    """The API that a token is for; another one does not take it."""

    NATIVE = "holdfast"
    PAGES = "holdfast-pages"
    ROOM_PLATFORM = "holdfast-room-platform"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account that came with a good token, and the sign-in that the token is of, if any."""

    account: AccountView
    family: UUID | None


def make_token(
    account: AccountView, audience: Audience, good_for: timedelta, *, family: UUID | None = None
) -> str:
    """Return a token for an account; one with a family falls when that is signed out."""
    name, key = _keys()[0]
    now = int(time.time())
    claims = {
        "iss": settings.base_url,
        "aud": str(audience),
        "sub": str(account.id),
        "iat": now,
        "exp": now + int(good_for.total_seconds()),
        "jti": uuid4().hex,
        "stamp": account.stamp,
    }
    if family is not None:
        claims["sid"] = str(family)
    return jwt.encode(claims, key, _ALGORITHM, headers={"kid": name, "typ": _TYPE})


def read_token(token: str, audience: Audience) -> SignedIn | None:
    """Return whose token it is, or None for one that is bad, too old, or void by now."""
    claims = _claims(token, audience)
    if claims is None:
        return None
    try:
        account_id = UUID(claims["sub"])
        family = UUID(claims["sid"]) if "sid" in claims else None
    except (ValueError, TypeError, AttributeError):
        return None
    account = read_account(account_id)
    if account is None or account.stamp != claims["stamp"]:
        return None
    if family is not None and not is_live(family):
        return None
    return SignedIn(account, family)


def _claims(token: str, audience: Audience) -> dict[str, str] | None:
    try:
        header = jwt.get_unverified_header(token)
        key = _key_named(header.get("kid"))
        if key is None or header.get("typ") != _TYPE:
            return None
        claims: dict[str, str] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=str(audience),
            issuer=settings.base_url,
            options={"require": _CLAIMS, "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError):
        return None
    return claims


def _key_named(name: object) -> str | None:
    return next((key for known, key in _keys() if known == name), None)


def _keys() -> tuple[tuple[str, str], ...]:
    """Return the keys by name; without any of their own, one that follows from the secret key."""
    return settings.jwt_keys or _DERIVED


_key = hmac.digest(settings.secret_key.encode(), b"holdfast.jwt", hashlib.sha256).hex()
_DERIVED = ((hashlib.sha256(_key.encode()).hexdigest()[:8], _key),)
