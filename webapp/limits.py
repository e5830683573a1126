"""Limits on calls: by the caller's address, by account, and stricter ones on signing in.

They are counted in Redis, for all processes together. When it does not answer, each process counts
for itself, and looks for Redis again after a while.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import structlog
from flask import Flask, Response, g, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from admin import is_admin_request
from booking.errors import WrongCredentials
from settings import settings
from webapp.requests import limited_address

logger = structlog.get_logger(__name__)

_API = "/api/"
# Calls with which passwords or addresses could be tried out.
_SIGN_INS = frozenset(
    {
        "auth.post_login",
        "auth.post_register",
        "auth.post_reset",
        "privacy.post_request",
        "rooms.post_login",
        "rooms.post_register",
    }
)
# The pages on which somebody shows who they are; looking at them is not counted.
_SIGN_IN_PAGES = frozenset(
    {
        "security.login",
        "security.two_factor_token_validation",
        "security.verify",
        "account.take_sign_in",
        "account.take_registration",
        "account.take_forgotten",
        "manage.take_reference",
        "manage.take_lost",
        "security.mf_recovery",
        "my_data.take_ask",
    }
)
_REDIS_PATIENCE_SECONDS = 0.2
_REDIS_PAUSE_SECONDS = 5.0

API_CALLS = RateLimitItemPerMinute(settings.api_calls_per_minute, namespace="calls")
SIGN_INS = RateLimitItemPerMinute(
    settings.sign_in_attempts, settings.sign_in_minutes, namespace="sign-ins"
)
_FAILURES = RateLimitItemPerMinute(
    settings.sign_in_attempts, settings.sign_in_minutes, namespace="failures"
)


class Counter:
    """Counts in Redis; in this process's memory while Redis does not answer."""

    def __init__(self, redis_url: str) -> None:
        storage = RedisStorage(
            redis_url,
            wrap_exceptions=True,
            socket_timeout=_REDIS_PATIENCE_SECONDS,
            socket_connect_timeout=_REDIS_PATIENCE_SECONDS,
            retry=None,  # type: ignore[arg-type]
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()
        self._away_until = 0.0

    def hit(self, limit: RateLimitItem, key: str) -> "Standing":
        """Count one call, unless it is beyond the limit, and say how the caller stands."""
        return self._ask(lambda limiter: _standing(limiter, limit, key, limiter.hit(limit, key)))

    def look(self, limit: RateLimitItem, key: str) -> "Standing":
        """Say how the caller stands without counting anything."""
        return self._ask(lambda limiter: _standing(limiter, limit, key, limiter.test(limit, key)))

    def _ask(self, question: Callable[[MovingWindowRateLimiter], "Standing"]) -> "Standing":
        if not self._may_try():
            return question(self._own)
        try:
            answer = question(self._shared)
        except StorageError as error:
            self._away_until = time.monotonic() + _REDIS_PAUSE_SECONDS
            logger.warning("limits_counted_here", error=type(error.storage_error).__name__)
            return question(self._own)
        self._away_until = 0.0
        return answer

    def _may_try(self) -> bool:
        """Let one call in a while try a Redis that was away; the others do not wait for it."""
        with self._lock:
            now = time.monotonic()
            if self._away_until > now:
                return False
            if self._away_until:
                self._away_until = now + _REDIS_PAUSE_SECONDS
            return True


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands: what is left of a limit, and in how many seconds there is more."""

    limit: RateLimitItem
    is_within: bool
    left: int
    seconds: int

    def require(self) -> None:
        """Raise TooManyRequests when the call was one too many."""
        if not self.is_within:
            raise TooManyRequests(
                f"Too many requests; try again in {self.seconds} seconds.",
                retry_after=self.seconds,
            )


_counter = Counter(settings.redis_url)


def init_app(app: Flask) -> None:
    """Count every call of an API and say on its answer how many are left."""
    if settings.rate_limits:
        app.before_request(_count_call)
        app.after_request(_tell)


def count_account(name: str) -> None:
    """Count a call of an account or an integration, wherever it comes from.

    Raises TooManyRequests. Who comes from an exempt address is not counted.
    """
    if settings.rate_limits and limited_address() is not None:
        _counter.hit(API_CALLS, name).require()


@contextmanager
def refuse_many_failures(email: str) -> Iterator[None]:
    """Let nobody try out the passwords of one account from many addresses.

    Only failures count: who signs in often is no thief. Raises TooManyRequests.
    """
    if not settings.rate_limits or limited_address() is None:
        yield
        return
    account = f"account:{sha256(email.lower().encode()).hexdigest()}"
    _counter.look(_FAILURES, account).require()
    try:
        yield
    except WrongCredentials:
        _counter.hit(_FAILURES, account)
        raise


def _count_call() -> None:
    if request.endpoint in _SIGN_IN_PAGES and request.method == "POST":
        if (address := limited_address()) is not None:
            _counter.hit(SIGN_INS, address).require()
        return
    # A browser's preflight is not the caller's doing. Of pages only forms are counted.
    is_form = request.method == "POST" and not is_admin_request()
    if not (request.path.startswith(_API) or is_form) or request.method == "OPTIONS":
        return
    address = limited_address()
    if address is None:
        return
    g.standing = _counter.hit(API_CALLS, address)
    g.standing.require()
    if request.endpoint in _SIGN_INS:
        g.standing = _counter.hit(SIGN_INS, address)
        g.standing.require()


def _tell(response: Response) -> Response:
    standing: Standing | None = g.get("standing")
    if standing is not None:
        limit = standing.limit
        response.headers["RateLimit-Policy"] = f"{limit.amount};w={limit.get_expiry()}"
        response.headers["RateLimit-Limit"] = str(limit.amount)
        response.headers["RateLimit-Remaining"] = str(standing.left)
        response.headers["RateLimit-Reset"] = str(standing.seconds)
    return response


def _standing(
    limiter: MovingWindowRateLimiter, limit: RateLimitItem, key: str, is_within: bool
) -> Standing:
    resets_at, left = limiter.get_window_stats(limit, key)
    seconds = max(1, math.ceil(resets_at - time.time()))
    return Standing(limit, is_within, max(0, left), min(seconds, limit.get_expiry()))
