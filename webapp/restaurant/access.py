"""Who may call: the accepted tokens, the open restaurants, and an owner's own tokens."""

import hmac
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import request

from booking.api_tokens import PREFIX, Scope, authenticate_token
from booking.availability import find_venue
from booking.errors import OutOfScope
from models import Kind
from settings import settings
from webapp.restaurant.refusals import (
    BAD_HEADER,
    BAD_TOKEN,
    ENTRIES,
    NO_RESTAURANT,
    Refused,
    missing,
)

# The mark of the restaurants that a first start makes: see ops/samples.py.
SAMPLE_MARK = "sample"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", re.ASCII)
_SCHEME = "Bearer "


@dataclass(frozen=True, slots=True)
class Restaurant:
    """What this face needs to know of a venue."""

    id: int
    name: str
    zone: ZoneInfo
    is_public: bool
    is_sample: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose token is not wrong; `wrong` says that it is missing where it has to be."""

    restaurant: Restaurant | None
    wrong: ENTRIES

    def asks(self) -> Restaurant:
        """Return the restaurant that was named. Raises Refused when there is none."""
        return _found(self.restaurant)


def restaurant_of(name: str) -> Restaurant:
    """Return a restaurant by its name. Raises Refused when there is none."""
    return _found(_find(name))


def customer(name: str) -> Caller:
    """Check the token of a customer's call. Raises Refused for a wrong one.

    The order is the contract's: a wrong token comes before wrong fields, a missing one is a wrong
    field, and an unknown restaurant comes after all of them.
    """
    restaurant = _find(name)
    if request.headers.get("Authorization") is None and restaurant and restaurant.is_public:
        return Caller(restaurant, [])
    return _checked(restaurant, scope=None)


def owner(name: str, *, scope: Scope) -> Caller:
    """Check the token of an owner's call, which may also be an API token of the restaurant."""
    return _checked(_find(name), scope=scope)


def _checked(restaurant: Restaurant | None, *, scope: Scope | None) -> Caller:
    header = request.headers.get("Authorization")
    if header is None:
        return Caller(restaurant, [missing("header", "authorization")])
    if not header.startswith(_SCHEME):
        raise Refused(BAD_HEADER, 401)
    token = header.removeprefix(_SCHEME)
    if not _is_accepted(token, restaurant) and not _is_owners(token, restaurant, scope):
        raise Refused(BAD_TOKEN, 401)
    return Caller(restaurant, [])


def _is_accepted(token: str, restaurant: Restaurant | None) -> bool:
    accepted = settings.consumer_tokens
    # Who asks for a restaurant that is not there learns so with any token that opens some.
    if restaurant is None or restaurant.is_sample:
        accepted += settings.sample_tokens
    given = token.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, known.encode()) for known in accepted)


def _is_owners(token: str, restaurant: Restaurant | None, scope: Scope | None) -> bool:
    """Whether it is a token that this restaurant gave to an integration, for such calls."""
    if restaurant is None or scope is None or not token.startswith(PREFIX):
        return False
    integration = authenticate_token(token)
    if integration is None or integration.venue_id != restaurant.id:
        return False
    try:
        integration.require(scope)
    except OutOfScope:
        # Clients of this API know no 403.
        return False
    return True


def _find(name: str) -> Restaurant | None:
    # What is no name cannot be a restaurant's, and some of it cannot even be asked for (NUL).
    venue = find_venue(slug=name, kind=Kind.RESTAURANT) if _NAME.fullmatch(name) else None
    if venue is None:
        return None
    return Restaurant(
        id=venue.id,
        name=venue.slug,
        zone=ZoneInfo(venue.time_zone),
        is_public=venue.public_consumer_calls,
        is_sample=bool(venue.attributes.get(SAMPLE_MARK)),
    )


def _found(restaurant: Restaurant | None) -> Restaurant:
    if restaurant is None:
        raise Refused(NO_RESTAURANT, 404)
    return restaurant
