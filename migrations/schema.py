"""Bring a database to a revision, and tell which one it is at."""

import random
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

ATTEMPTS = 10

# Any number, the same in every process that migrates.
MIGRATING = 4_016_229_113


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Migrate up to a revision, one migrating process at a time.

    Tries again when a busy table could not be locked. Raises OperationalError after ten attempts.
    """
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATING})
    connection.commit()
    try:
        _insist(connection, revision)
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATING})
        connection.commit()


def downgrade(connection: Connection, revision: str) -> None:
    """Migrate down to a revision; `base` leaves no table."""
    command.downgrade(_config(connection), revision)


def new_revision(connection: Connection, message: str) -> Path:
    """Write a migration from what the models have and the database has not; return its file."""
    number = int(head()) + 1
    made = command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04d}")
    if made is None or isinstance(made, list):
        raise RuntimeError("Alembic wrote no single revision")
    return Path(made.path)


def head() -> str:
    """Return the newest revision that the code knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or "0"


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def _insist(connection: Connection, revision: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            command.upgrade(_config(connection), revision)
        except OperationalError as error:
            connection.rollback()
            if attempt == ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(random.uniform(0.2, 0.5) * attempt)  # noqa: S311
        else:
            return


def _config(connection: Connection | None) -> Config:
    here = Path(__file__).parent
    config = Config()
    config.set_main_option("script_location", str(here).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("version_path_separator", "os")
    config.attributes["connection"] = connection
    return config
