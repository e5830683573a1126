"""Where transactions begin and end: nowhere else is anything committed."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.database import engine

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5


class LinesMoved(Exception):
    """What was read before the locks were held has changed since; the verb begins again."""


PASSING = (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)

_open: ContextVar[Session | None] = ContextVar("open_transaction", default=None)
_bind: Engine | Connection | None = None


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction, commit it at the end, roll it back on any error.

    Transactions are not nested: a verb inside another one would commit behind its back. A verb
    that is to be part of a larger transaction has an inner form that takes `tx`.
    """
    if _open.get() is not None:
        raise RuntimeError("a transaction is open already: call the verb's inner form")
    session = _session()
    token = _open.set(session)
    try:
        with session, session.begin():
            yield session
    finally:
        _open.reset(token)


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session for a short read and give its connection back at the end."""
    with _session() as session:
        yield session


def retried(verb: Callable[P, R]) -> Callable[P, R]:
    """Try a verb again, up to five times, when what stopped it passes by itself.

    That is a deadlock, a serialization failure, a lock timeout or LinesMoved: the transaction was
    rolled back as a whole, so nothing is done twice.
    """

    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        for count in range(1, TRIES + 1):
            try:
                return verb(*args, **kwargs)
            except (DBAPIError, LinesMoved) as error:
                if not passes_by_itself(error) or count == TRIES:
                    raise
                logger.warning("transaction_retried", verb=verb.__name__, count=count)
                time.sleep(random.uniform(0.005, 0.02) * 2**count)  # noqa: S311
        raise AssertionError("unreachable")

    attempt.__name__ = verb.__name__
    attempt.__doc__ = verb.__doc__
    attempt.__wrapped__ = verb  # type: ignore[attr-defined]
    return attempt


def passes_by_itself(error: Exception) -> bool:
    """Whether the same transaction may well succeed when tried again."""
    return isinstance(error, LinesMoved) or isinstance(getattr(error, "orig", None), PASSING)


@contextmanager
def bound_to(connection: Connection) -> Iterator[None]:
    """Run every transaction inside one on `connection`; commits become savepoints. For tests."""
    global _bind
    _bind = connection
    try:
        yield
    finally:
        _bind = None


def _session() -> Session:
    return Session(
        bind=_bind if _bind is not None else engine(),
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )
