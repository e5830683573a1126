"""Inner program: bring the schema up to date, give the rights, and fill an empty database.

Run as the owner of the schema before anything else of ours runs. One line on standard error says
what is wrong.
"""

import argparse
import sys

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from booking.privacy.register import FILE, replay_erasures
from migrations.rights import grant_rights
from migrations.schema import downgrade, head, revision_of, upgrade
from models.database import engine
from ops.errors import OpsError
from ops.samples import seed
from settings import settings

REGISTER = settings.data_dir / FILE


def main() -> None:
    """Do what the arguments ask for; exit 1 with one line where it cannot be done."""
    options = argparse.ArgumentParser()
    options.add_argument("--sample", action="store_true")
    options.add_argument("--back-to", metavar="REVISION")
    wanted = options.parse_args()
    try:
        if wanted.back_to:
            go_back(wanted.back_to)
            return
        prepare_schema()
        prepare_people(with_samples=wanted.sample)
        forget_again()
        engine().dispose()
    except OpsError as error:
        sys.exit(str(error))
    except DBAPIError as error:
        sys.exit(_in_one_line(error))


def prepare_schema() -> None:
    """Migrate to the newest revision and grant the rights of the running processes."""
    owner = create_engine(settings.owner_database_url, poolclass=NullPool, hide_parameters=True)
    with owner.connect() as connection:
        before = revision_of(connection)
        connection.rollback()
        if before is not None and before > head():
            raise OpsError(
                f"the database is at revision {before}, this version knows {head()}:"
                " use the version that wrote it, or a newer one"
            )
        if before != head():
            print(f"migrating from {before or 'nothing'} to {head()}", flush=True)
            upgrade(connection)
        role = make_url(settings.database_url).username
        if role and role != make_url(settings.owner_database_url).username:
            grant_rights(connection, role)
            connection.commit()
    owner.dispose()


def go_back(revision: str) -> None:
    """Take migrations back, newest first, down to a revision that an older version knows.

    What only the later ones could hold is lost. Raises OpsError.
    """
    owner = create_engine(settings.owner_database_url, poolclass=NullPool, hide_parameters=True)
    with owner.connect() as connection:
        before = revision_of(connection)
        connection.rollback()
        if before is None or not "0001" <= revision <= before:
            raise OpsError(
                f"the database is at revision {before or 'nothing'}: {revision} is not behind it"
            )
        print(f"going back from {before} to {revision}", flush=True)
        downgrade(connection, revision)
        connection.commit()
    owner.dispose()


def prepare_people(*, with_samples: bool) -> None:
    """Make the first owner, and the sample venues in a database that has none."""
    seed(with_venues=with_samples)


def forget_again() -> None:
    """Erase again what a restored database has brought back, before anybody is served."""
    replayed = replay_erasures(REGISTER)
    if replayed.entries:
        print(
            f"erased again: {replayed.bookings} bookings, {replayed.accounts} accounts", flush=True
        )


def _in_one_line(error: DBAPIError) -> str:
    reason = str(error.orig).strip().splitlines()[0]
    if isinstance(error.orig, InsufficientPrivilege):
        return (
            f"the database refused: {reason}; let the user of DATABASE_URL own the database, or"
            " name its owner in HOLDFAST_OWNER_DATABASE_URL"
        )
    return f"the database refused: {reason}"


if __name__ == "__main__":
    main()
