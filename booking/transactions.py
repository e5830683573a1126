"""Where transactions begin and end: nowhere else is anything committed."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import ParamSpec, TypeVar

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, SessionTransaction

from models.database import engine

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5


class LinesMoved(Exception):
    """What was read before the locks were held has changed since; the verb begins again."""


PASSING = (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)

_NO_CONNECTION = "08000"
# Connection, resources, prerequisite state, intervention, system: classes of SQLSTATE.
_OF_THE_SERVER = frozenset({"08", "53", "55", "57", "58"})

_NOTED = "after_commit"

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
    _do_what_was_noted(session)


def after_commit(tx: Session, act: Callable[[], None]) -> None:
    """Have something done once the transaction is committed and its locks are gone.

    It is not done when the transaction is rolled back, or the savepoint in which it was noted. It
    must not fail: what was committed has happened.
    """
    noted = tx.info.setdefault(_NOTED, [])
    noted.append((_open_parts(tx), act))


def _do_what_was_noted(session: Session) -> None:
    for _, act in session.info.pop(_NOTED, ()):
        try:
            act()
        except Exception:
            logger.exception("after_commit_failed")


def _open_parts(tx: Session) -> list[SessionTransaction]:
    """Return the innermost savepoint and everything around it."""
    parts: list[SessionTransaction] = []
    part = tx.get_nested_transaction() or tx.get_transaction()
    while part is not None:
        parts.append(part)
        part = part.parent
    return parts


@event.listens_for(Session, "after_soft_rollback")
def _forget_what_was_noted(session: Session, part: SessionTransaction) -> None:
    """Drop what was noted inside of what is rolled back, a savepoint or the whole."""
    if noted := session.info.get(_NOTED):
        noted[:] = [(parts, act) for parts, act in noted if part not in parts]


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session for a short read and give its connection back at the end.

    Each statement is a transaction of its own: it sees what is committed, as it would within one
    transaction at this isolation level, and saves two round trips.
    """
    with _session(_each_alone()) as session:
        yield session


@contextmanager
def single_statements() -> Iterator[Session]:
    """Open a session in which each statement is a transaction of its own, committed with it."""
    with _session(_each_alone()) as session, session.begin():
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


def is_nobodys_fault(error: Exception) -> bool:
    """Whether the state of the database, not a hold, made a verb fail.

    That is what passes by itself, and a server that is gone, full or out of connections. A
    statement that runs out of time may be the doing of a hold and counts against it.
    """
    if passes_by_itself(error) or isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError) or isinstance(error.orig, pg.QueryCanceled):
        return False
    # Without a state the error came from the driver: there was no connection.
    state = getattr(error.orig, "sqlstate", None) or _NO_CONNECTION
    return state[:2] in _OF_THE_SERVER


@contextmanager
def bound_to(connection: Connection) -> Iterator[None]:
    """Run every transaction inside one on `connection`; commits become savepoints. For tests."""
    global _bind
    _bind = connection
    try:
        yield
    finally:
        _bind = None


@cache
def _each_alone() -> Engine:
    return engine().execution_options(isolation_level="AUTOCOMMIT")


def _session(own: Engine | None = None) -> Session:
    return Session(
        bind=_bind if _bind is not None else own or engine(),
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )
