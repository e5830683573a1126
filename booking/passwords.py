"""Passwords: hashed with argon2, refused when they would be guessed at once.

A hash takes 64 MB for a moment, so only a few are made at a time in one process.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from booking.errors import PasswordTooWeak, SignInBusy

SHORTEST, LONGEST = 8, 1024
# Who runs a venue answers for the data of others.
SHORTEST_OF_A_VENUE = 12

_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(2)
_PATIENCE_SECONDS = 5
# The estimate looks at so many characters; a longer password is not worse for its length.
_MOST_JUDGED = 64


def hash_password(password: str) -> str:
    """Return what is kept of a password; every byte of it counts. Raises SignInBusy."""
    with _turn():
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was stored; as slow when nothing was stored.

    Raises SignInBusy.
    """
    with _turn():
        try:
            return _hasher.verify(stored or _NOBODYS, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def refuse_weak(password: str, *, least: int = SHORTEST, known: Sequence[str] = ()) -> None:
    """Raise PasswordTooWeak for what is short or among the first guesses of anybody.

    `known` are the person's own words, such as the e-mail address.
    """
    if not least <= len(password) <= LONGEST:
        raise PasswordTooWeak(f"From {least} to {LONGEST} characters.")
    if zxcvbn(password[:_MOST_JUDGED], user_inputs=list(known))["score"] < 1:
        raise PasswordTooWeak


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn, but not for ever: a crowd that signs in must not take all threads."""
    if not _turns.acquire(timeout=_PATIENCE_SECONDS):
        raise SignInBusy
    try:
        yield
    finally:
        _turns.release()


_NOBODYS = _hasher.hash("nobody has this password")
