"""`migrate`: make the roles where we may, bring the schema up to date, make the first owner."""

import os
import subprocess
import sys

import psycopg
from sqlalchemy import make_url

from ops.environment import HABITS, ROOT, given, read_settings
from ops.errors import OpsError
from ops.own_database import check_server, in_one_line, plain
from ops.roles import has_database, make_database, make_login

ADMIN = "HOLDFAST_ADMIN_DATABASE_URL"


def migrate(arguments: list[str]) -> int:
    """Run ops/prepare.py as the owner of the schema; return its exit code. Raises OpsError."""
    read_settings(os.environ)
    admin_url = given(ADMIN)
    if admin_url:
        make_roles_and_database(
            admin_url,
            owner_url=given("HOLDFAST_OWNER_DATABASE_URL") or "",
            runtime_url=given("DATABASE_URL") or "",
        )
    environment = {
        name: value
        for name, value in (HABITS | os.environ).items()
        if name.removesuffix("_FILE") != ADMIN
    }
    return subprocess.run(
        [sys.executable, "-m", "ops.prepare", *arguments], cwd=ROOT, env=environment, check=False
    ).returncode


def make_roles_and_database(admin_url: str, *, owner_url: str, runtime_url: str) -> None:
    """Make the two roles with the passwords of their addresses, and the database of the owner.

    A second call changes nothing but passwords that are new. Raises OpsError.
    """
    if not owner_url:
        raise OpsError(f"HOLDFAST_OWNER_DATABASE_URL is not set, and {ADMIN} is: set both")
    owner, runtime = make_url(plain(owner_url)), make_url(plain(runtime_url))
    check_server(admin_url, ADMIN)
    names = {make_url(plain(admin_url)).username, owner.username, runtime.username}
    if len(names) != 3 or owner.database != runtime.database:
        raise OpsError(
            f"{ADMIN}, HOLDFAST_OWNER_DATABASE_URL and DATABASE_URL must name three users, the"
            " last two the same database"
        )
    try:
        with psycopg.connect(plain(admin_url), autocommit=True, connect_timeout=5) as admin:
            for role in (owner, runtime):
                make_login(admin, role.username or "", str(role.password or ""))
            if not has_database(admin, owner.database or ""):
                make_database(
                    admin,
                    owner.database or "",
                    owner=owner.username or "",
                    runtime=runtime.username or "",
                )
    except psycopg.Error as error:
        raise OpsError(f"{ADMIN}: {in_one_line(error)}") from None
