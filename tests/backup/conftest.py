"""A server of its own that may be copied, damaged and brought back, with a migrated database."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from booking import transactions
from ops.backup.archive import Archiver
from ops.backup.base import Source, take_base
from ops.backup.catalogue import Base
from ops.backup.storage import Storage
from ops.backup.streams import Seal, new_key
from ops.folder import DataFolder
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers
from tests import factories

RECIPIENT, IDENTITY = new_key()


@dataclass(frozen=True)
class House:
    """A database with bookings, on a server that only this test has."""

    servers: Servers
    database: str
    source: Source

    def book(self, count: int) -> None:
        """Commit so many bookings."""
        engine = create_engine(self.servers.owner_url(self.database).replace("ql:", "ql+psycopg:"))
        with (
            engine.connect() as connection,
            transactions.bound_to(connection),
            Session(connection) as session,
        ):
            factories.use_session(session)
            slot = factories.make_slot(capacity=100)
            for _ in range(count):
                factories.make_booking(slot)
            session.commit()
            factories.use_session(None)
        engine.dispose()
        # The engine lets go of the wait for the disk where it may, and here all is one transaction:
        # a commit that does wait brings it there.
        self.run("SELECT pg_logical_emit_message(true, '', '')")

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser, in the database."""
        url = self.servers.cluster.url(self.database)
        with psycopg.connect(url, autocommit=True) as connection:
            done = connection.execute(statement)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []

    def now(self) -> datetime:
        """Return the server's time."""
        ((now,),) = self.run("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now.astimezone(UTC)

    def references(self) -> set[object]:
        """Return the bookings that are there."""
        return {row[0] for row in self.run("SELECT reference FROM bookings")}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("house")
    with servers(place) as found:
        make_migrated_database(found, "house")
        with found.admin() as admin:
            # What is committed has left for the archive, as with a server that is durable.
            admin.execute("ALTER DATABASE house SET synchronous_commit = on")
        yield House(found, "house", Source(found.backup_url(), "house", place / "data"))


@dataclass(frozen=True)
class Kept:
    """A base backup that tests may read, and what was in the database when it was taken."""

    storage: Storage
    base: Base
    references: set[object]


@pytest.fixture(scope="session")
def kept(house: House, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A sealed backup in a folder, of an installation with secrets."""
    data = DataFolder(house.source.data)
    data.make()
    data.secrets()
    house.run(
        "CREATE TABLE unread AS SELECT repeat('a', 500) AS letters FROM generate_series(1, 50)"
    )
    house.book(2)
    storage = Storage(str(tmp_path_factory.mktemp("kept")), Seal([RECIPIENT], IDENTITY))
    return Kept(storage, take_base(house.source, storage), house.references())


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty folder, sealed."""
    return Storage(str(tmp_path / "stored"), Seal([RECIPIENT], IDENTITY))


@pytest.fixture
def archiver(house: House, storage: Storage) -> Iterator[Archiver]:
    made = Archiver(house.source, storage)
    yield made
    made.end()
    shutil.rmtree(house.source.workplace)
    with house.servers.admin() as admin:
        admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
