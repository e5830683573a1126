"""A migrated database in throw-away servers, and one made by the models to compare it with."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine

from migrations.catalog import differences, make_tables
from migrations.rights import grant_rights
from migrations.schema import upgrade
from ops.own_database import plain
from ops.roles import RUNTIME, make_database
from ops.throwaway import Servers


def make_migrated_database(servers: Servers, name: str) -> None:
    """Make a database at the newest revision, with the rights of the running processes."""
    with servers.admin() as admin:
        make_database(admin, name)
    with owner_connection(servers, name) as connection:
        upgrade(connection)
        grant_rights(connection, RUNTIME)
        connection.commit()


def schema_differences(servers: Servers) -> list[str]:
    """Return what differs between the migrations' schema and the models', one line each."""
    make_migrated_database(servers, "migrated")
    with servers.admin() as admin:
        make_database(admin, "modelled")
    with (
        owner_connection(servers, "migrated") as migrated,
        owner_connection(servers, "modelled") as modelled,
    ):
        make_tables(modelled)
        return differences(migrated, modelled)


@contextmanager
def owner_connection(servers: Servers, name: str) -> Iterator[Connection]:
    """Connect to a database as its owner."""
    url = plain(servers.owner_url(name)).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
