"""The migrations lead to what the models say, up and down; the processes' role has its limits."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from migrations.catalog import catalog, differences, make_tables
from migrations.schema import downgrade, head, revision_of, upgrade
from ops.roles import make_database
from settings import settings


@pytest.fixture
def empty() -> Iterator[Connection]:
    """Connect as the owner to a database without tables."""
    with _database("empty") as connection:
        yield connection


@pytest.fixture
def modelled() -> Iterator[Connection]:
    """Connect to a database that the models have made, without migrations."""
    with _database("modelled") as connection:
        make_tables(connection)
        yield connection


class _database:
    """A database that lasts as long as the block."""

    def __init__(self, kind: str) -> None:
        self._name = f"{kind}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        self._engine = create_engine(
            f"{settings.owner_database_url.rsplit('/', 1)[0]}/{self._name}"
        )

    def __enter__(self) -> Connection:
        with _admin() as admin:
            make_database(admin, self._name)
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()
        with _admin() as admin:
            admin.execute(f"DROP DATABASE {self._name} WITH (FORCE)")


def _admin() -> psycopg.Connection:
    return psycopg.connect(os.environ["HOLDFAST_TEST_ADMIN_URL"], autocommit=True)


def test_migrations_lead_to_the_models(empty: Connection, modelled: Connection) -> None:
    upgrade(empty)

    assert differences(empty, modelled) == []


def test_up_down_up_leaves_the_same_schema(empty: Connection) -> None:
    upgrade(empty)
    first = catalog(empty)
    empty.rollback()

    downgrade(empty, "base")
    nothing = catalog(empty)
    empty.rollback()
    upgrade(empty)

    assert nothing == set()
    assert catalog(empty) == first
    assert revision_of(empty) == head()


def test_every_migration_goes_down_by_itself(empty: Connection) -> None:
    upgrade(empty)

    while (revision := revision_of(empty)) is not None:
        empty.rollback()
        downgrade(empty, "-1")
        assert revision_of(empty) != revision


def test_a_second_upgrade_changes_nothing(empty: Connection) -> None:
    upgrade(empty)
    first = catalog(empty)
    empty.rollback()

    upgrade(empty)

    assert catalog(empty) == first


def test_global_reasons_have_their_known_ids(empty: Connection) -> None:
    upgrade(empty)

    reasons = empty.execute(text("SELECT id, reason FROM cancellation_reasons ORDER BY id")).all()
    added = empty.execute(
        text("INSERT INTO cancellation_reasons (reason) VALUES ('Other') RETURNING id")
    ).scalar_one()

    assert [tuple(row) for row in reasons] == [
        (1, "Customer Request"),
        (2, "Restaurant Closure"),
        (3, "Weather"),
        (4, "Emergency"),
        (5, "No Show"),
    ]
    assert added == 6


def test_a_difference_is_seen(empty: Connection, modelled: Connection) -> None:
    upgrade(empty)
    empty.execute(text("ALTER TABLE slots DROP CONSTRAINT ck_slots_remaining_fits"))
    empty.execute(text("ALTER TABLE slots ALTER COLUMN remaining SET DEFAULT 0"))

    found = differences(empty, modelled)

    assert any("ck_slots_remaining_fits" in line for line in found)
    assert any("slots.remaining" in line for line in found)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE booking_events SET actor = 'somebody else'",
        "DELETE FROM booking_events",
        "TRUNCATE booking_events",
        "DROP TABLE booking_events",
        "ALTER TABLE slots DROP CONSTRAINT ck_slots_remaining_fits",
        "UPDATE alembic_version SET version_num = '0000'",
        "CREATE TABLE theirs (id int)",
    ],
)
def test_processes_cannot(patient_engine: Engine, statement: str) -> None:
    with patient_engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement))

    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
