"""Give this process a database and a Redis of its own, before anything reads the settings.

`./holdfast test` runs the servers and says in the environment where the migrated template is.
"""

import os

import psycopg
import pytest

from ops.roles import make_database

REDIS_DATABASES = 64


def isolate() -> None:
    """Make the database of this process out of the template, and point the settings at it."""
    admin_url = os.environ.get("HOLDFAST_TEST_ADMIN_URL")
    if admin_url is None:
        raise pytest.UsageError("the tests need servers of their own: run ./holdfast test")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        make_database(admin, name, template=os.environ["HOLDFAST_TEST_TEMPLATE"])
    for variable in ("DATABASE_URL", "HOLDFAST_OWNER_DATABASE_URL"):
        os.environ[variable] = _with_last(os.environ[variable], name)
    number = int("".join(filter(str.isdigit, worker)) or -1) + 1
    os.environ["REDIS_URL"] = _with_last(os.environ["REDIS_URL"], str(number % REDIS_DATABASES))
    os.environ["HOLDFAST_DATA"] = f"{os.environ['HOLDFAST_DATA']}-{worker}"


def _with_last(url: str, last: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{last}"
