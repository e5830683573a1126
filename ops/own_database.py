"""A PostgreSQL server of the caller's own: is it fit, and may it have a role with fewer rights."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql

from ops.environment import derived_password
from ops.errors import OpsError
from ops.roles import make_login

OLDEST = 17
SCHEMES = ("postgresql+psycopg://", "postgres://", "postgresql://")


def plain(url: str) -> str:
    """Return the address as libpq reads it."""
    for scheme in SCHEMES:
        if url.startswith(scheme):
            return "postgresql://" + url.removeprefix(scheme)
    return url


def check_server(url: str, variable: str) -> None:
    """Refuse a server that does not answer or is too old. Raises OpsError."""
    try:
        with psycopg.connect(plain(url), connect_timeout=5) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise OpsError(f"{variable}: {in_one_line(error)}") from None
    if version < OLDEST:
        raise OpsError(
            f"{variable}: the server is PostgreSQL {version}, Holdfast needs {OLDEST} or newer"
        )


def in_one_line(error: psycopg.Error) -> str:
    """Return what the driver says, without its line breaks and its questions."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return " ".join(line for line in lines if not line.endswith("?"))


def runtime_url(owner_url: str, secret_key: str) -> str | None:
    """Return the address for a role with fewer rights, made here; None where we may make none.

    A second call gives the same address.
    """
    with psycopg.connect(plain(owner_url), connect_timeout=5, autocommit=True) as connection:
        if not _may_make_roles(connection):
            return None
        database = connection.info.dbname
        role = f"{database}_app"
        password = derived_password(secret_key, f"role {role}")
        try:
            make_login(connection, role, password)
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(database), sql.Identifier(role)
                )
            )
        except errors.InsufficientPrivilege:
            return None
    return _with_login(owner_url, database, role, password)


def _may_make_roles(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def _with_login(url: str, database: str, role: str, password: str) -> str:
    """Put another login into an address, and keep everything else of it."""
    parts = urlsplit(plain(url))
    place = parts.netloc.rpartition("@")[2]
    query = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("user", "password")]
    return urlunsplit(
        parts._replace(
            netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{place}",
            path=f"/{quote(database, safe='')}",
            query=urlencode(query),
        )
    )
