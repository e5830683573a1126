"""What searches found a moment ago, in Redis. It may be lost at any time: the rows are the truth.

Each venue, each kind of venue and each way of counting has a mark in Redis, a new one whenever a
slot of it has changed. An answer is kept with the mark that was read before the search, and counts
only as long as that is the mark: a commit after the search began has made the answer void.

What depends on the clock alone (a cut-off, the end of a hold) changes no mark. Answers live so
briefly that this, and a mark that could not be renewed, is no later than a customer's own click.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar, cast
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from booking import plain
from booking.transactions import after_commit, reading
from models import Resource, Venue
from settings import settings

logger = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

# Far longer than any search and the life of what it found: a mark does not come to its end
# between the two.
_MARK_SECONDS = 300
_CHANGED = "changed_resources"


class Line:
    """A connection to Redis that is not waited for: after a failure it is let be for a while."""

    def __init__(self, url: str, *, timeout_seconds: float, silence_seconds: float) -> None:
        self._silence_seconds = silence_seconds
        self._silent_until = 0.0
        self._redis = Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    def ask(self, what: Callable[[Redis], R]) -> R | None:
        """Return what Redis says, or None without it."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            return what(self._redis)
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + self._silence_seconds
            logger.warning("search_cache_unheard", error=type(error).__name__)
            return None


# A search would rather ask the database than wait. A renewal is worth more patience.
_searching = Line(settings.redis_url, timeout_seconds=0.05, silence_seconds=5)
_renewing = Line(settings.redis_url, timeout_seconds=0.25, silence_seconds=1)
_seconds = settings.search_cache_seconds


def remembered(
    scope: str, question: tuple[object, ...], kind: type[T], search: Callable[[], list[T]]
) -> list[T]:
    """Return what `search` finds, or found a moment ago if nothing of `scope` has changed since.

    `question` is everything that the answer depends on beside the rows and the clock.
    """
    if not _seconds:
        return search()
    key = _answer_key(scope, question)
    got = _searching.ask(lambda redis: cast(list[bytes | None], redis.mget(_mark_key(scope), key)))
    if got is None:
        return search()
    mark, kept = got[0] or b"", got[1]
    if kept is not None and (found := _read(kept, mark, kind)) is not None:
        return found
    found = search()
    entry = mark + b"\n" + plain.write(found).encode()
    _searching.ask(lambda redis: redis.set(key, entry, px=int(_seconds * 1000)))
    return found


def changed(tx: Session, resource_ids: Iterable[UUID]) -> None:
    """Say that slots of these resources change: once committed, what was found of them is void."""
    ids = tx.info.get(_CHANGED)
    if ids is None:
        ids = tx.info[_CHANGED] = set()
        after_commit(tx, lambda: _forget(ids))
    ids.update(resource_ids)


def _forget(resource_ids: set[UUID]) -> None:
    if not _seconds:
        return
    try:
        scopes = {scope for resource_id in resource_ids for scope in _scopes_of(resource_id)}
    except SQLAlchemyError as error:
        # What was to be done is committed, whatever becomes of this.
        logger.warning("search_cache_kept", error=type(error).__name__)
        return
    marks = {_mark_key(scope): secrets.token_hex(8) for scope in sorted(scopes)}

    def renew(redis: Redis) -> None:
        with redis.pipeline(transaction=False) as pipeline:
            for key, mark in marks.items():
                pipeline.set(key, mark, ex=_MARK_SECONDS)
            pipeline.execute()

    if marks:
        _renewing.ask(renew)


def of_venue(venue_id: int) -> str:
    """Return the scope of what is found at one venue."""
    return f"venue:{venue_id}"


def of_kind(kind: str) -> str:
    """Return the scope of what is found at all venues of a kind."""
    return f"kind:{kind}"


def counted_in(unit: str) -> str:
    """Return the scope of what is found among all resources that are counted so."""
    return f"counted:{unit}"


@lru_cache(10_000)
def _scopes_of(resource_id: UUID) -> tuple[str, ...]:
    """Return where a resource is found; it stays at its venue, and a venue keeps its kind."""
    with reading() as tx:
        row = tx.execute(
            select(Venue.id, Venue.kind, Resource.counted_in)
            .join(Resource.venue)
            .where(Resource.id == resource_id)
        ).one_or_none()
    return (of_venue(row[0]), of_kind(row[1]), counted_in(row[2])) if row else ()


def _read(kept: bytes, mark: bytes, kind: type[T]) -> list[T] | None:
    its_mark, _, written = kept.partition(b"\n")
    if its_mark != mark:
        return None
    try:
        return plain.read(written, kind)
    except (ValueError, TypeError):
        # Another version of the program wrote it.
        return None


def _mark_key(scope: str) -> str:
    return f"holdfast:mark:{scope}"


def _answer_key(scope: str, question: tuple[object, ...]) -> str:
    said = hashlib.blake2b(repr((scope, question)).encode(), digest_size=16).hexdigest()
    return f"holdfast:found:{said}"
