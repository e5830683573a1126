"""The fixtures that most tests use: a session, a web client, and a doorbell that only notes.

They are apart from conftest.py because they may be imported only when that has made the database
and set the environment.
"""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, false, true
from sqlalchemy.orm import Session

from booking import bulk, decide, holds, notices, transactions
from models import Base, CancellationReason
from models.database import engine
from reports import asking
from settings import settings
from tests import factories

# What the migrations have written stays; a delete needs to say only what may go.
KEPT = {
    "cancellation_reasons": CancellationReason.venue_id.is_not(None),
    "roles": false(),
}


@pytest.fixture(scope="session")
def patient_engine() -> Iterator[Engine]:
    """Connections of the running processes' role, whose transactions may stay open for long."""
    made = create_engine(
        settings.database_url, connect_args={"options": "-c timezone=UTC -c lock_timeout=2000"}
    )
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def owner_engine() -> Iterator[Engine]:
    """Connections of the schema's owner, who may empty tables."""
    made = create_engine(settings.owner_database_url, connect_args={"options": "-c timezone=UTC"})
    yield made
    made.dispose()


@pytest.fixture
def db(patient_engine: Engine) -> Iterator[Session]:
    """One outer transaction on one connection; every commit of the code becomes a savepoint.

    The session shows rows as they are now: it forgets what it has read at each commit of the code.
    """
    with patient_engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            factories.use_session(session)
            with _kept_fresh(session), transactions.bound_to(connection):
                yield session
            factories.use_session(None)
        outer.rollback()


@pytest.fixture
def committed_db(patient_engine: Engine, owner_engine: Engine) -> Iterator[Session]:
    """Rows that are truly committed, for tests with several connections; emptied afterwards."""
    with Session(patient_engine) as session:
        factories.use_session(session)
        with _kept_fresh(session):
            yield session
        factories.use_session(None)
    engine().dispose()
    with owner_engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete().where(KEPT.get(table.name, true())))


@pytest.fixture(autouse=True)
def rings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The resources that the engine rang for; nothing goes to the broker.

    Mark a test `real_doorbell` to let the bell ring.
    """
    heard: list[UUID] = []
    if request.node.get_closest_marker("real_doorbell") is None:
        monkeypatch.setattr(holds, "ring", heard.append)
        monkeypatch.setattr(notices, "ring_for_mail", lambda: None)
        monkeypatch.setattr(bulk, "ring_for_bulk", lambda: None)
        monkeypatch.setattr(asking, "ring_for_reports", lambda: None)
    return heard


@pytest.fixture
def decider() -> Iterator[Callable[[UUID], None]]:
    """Start a thread that decides one resource again and again until the test ends."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(resource_id: UUID) -> None:
        def work() -> None:
            while not stop.wait(0.02):
                decide.decide_pending(resource_id)

        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)


@pytest.fixture(scope="session")
def app() -> Flask:
    """The web app, made once."""
    from webapp import create_app

    made = create_app()
    made.testing = False
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the web app; sees the same rows as `db` or `committed_db`."""
    return app.test_client()


class _kept_fresh:
    """Forget what a session has read whenever another session of this thread commits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._thread = threading.get_ident()

    def __enter__(self) -> None:
        event.listen(Session, "after_commit", self._forget)

    def __exit__(self, *_: object) -> None:
        event.remove(Session, "after_commit", self._forget)

    def _forget(self, other: Session) -> None:
        if other is not self._session and threading.get_ident() == self._thread:
            self._session.expire_all()
