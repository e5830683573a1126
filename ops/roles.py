"""The roles of the database: who owns the schema, who runs the product, and who copies it."""

import psycopg
from psycopg import sql

OWNER = "holdfast_owner"
RUNTIME = "holdfast_app"
BACKUP = "holdfast_backup"
DATABASE = "holdfast"


def make_roles(
    admin: psycopg.Connection, *, owner_password: str, runtime_password: str, backup_password: str
) -> None:
    """Make the roles, or give them these passwords."""
    make_login(admin, OWNER, owner_password)
    make_login(admin, RUNTIME, runtime_password)
    make_login(admin, BACKUP, backup_password)
    admin.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(sql.Identifier(BACKUP)))


def make_login(admin: psycopg.Connection, role: str, password: str) -> None:
    """Make a role that may sign in, or give it this password."""
    found = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = "ALTER" if found else "CREATE"
    admin.execute(
        sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(password)
        )
    )


def make_database(
    admin: psycopg.Connection,
    name: str,
    *,
    template: str | None = None,
    owner: str = OWNER,
    runtime: str = RUNTIME,
) -> None:
    """Make a database of the owner, into which only the two roles may connect."""
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template or "template1")
    )
    admin.execute(statement)
    database = sql.Identifier(name)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    admin.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(runtime))
    )


def has_database(admin: psycopg.Connection, name: str) -> bool:
    """Tell whether the database is there."""
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None
