"""The request headers that the API knows: idempotency key, preference to wait, bearer token."""

import json
import re
from typing import Any

from flask import request

from booking.holds import Idempotency
from webapp.problems import InvalidInput
from webapp.waiters import MOST_SECONDS

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_WAIT = re.compile(r'\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(;.*)?', re.I)


def idempotency(wanted: dict[str, Any], *, scope: str | None = None) -> Idempotency | None:
    """Return the caller's idempotency key with what is wanted. Raises InvalidInput.

    `scope` is the caller's account or token, if there is one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key) or not key.strip():
        raise InvalidInput([("Idempotency-Key", "1 to 255 printable ASCII characters.")])
    return Idempotency(key=key, body=_canonical(wanted), scope=scope)


def preferred_wait() -> int:
    """Return the seconds of `Prefer: wait=N` (RFC 7240), 30 at most, 0 without one.

    The first one counts. What is not understood is ignored, as the RFC wants it.
    """
    for preference in request.headers.get("Prefer", "").split(","):
        if (found := _WAIT.fullmatch(preference)) is not None:
            return min(int(found[1]), MOST_SECONDS)
    return 0


def bearer_token() -> str:
    """Return the bearer token, empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _canonical(wanted: dict[str, Any]) -> bytes:
    """The request as it was understood: spaces, order and defaults make no other body."""
    return json.dumps(wanted, sort_keys=True, default=str).encode()
