"""`test`: the whole suite on servers of its own, gone afterwards."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from ops.environment import OURS, ROOT
from ops.identity import leashed
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

TEMPLATE = "template_holdfast"
# By file: a file may share what is costly to start, and runs its tests one after the other.
PROCESSES = ("-n", "2", "--dist", "loadfile")


def run_tests(arguments: list[str]) -> int:
    """Run pytest and return its exit code."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-test-") as place,
        servers(Path(place)) as found,
    ):
        make_migrated_database(found, TEMPLATE)
        return subprocess.run(
            leashed([sys.executable, "-m", "pytest", *_with_processes(arguments)]),
            cwd=ROOT,
            env=_environment(found, Path(place)),
            check=False,
        ).returncode


def _with_processes(arguments: list[str]) -> list[str]:
    chosen = ("-n", "--numprocesses", "--pdb", "--dist", "no:xdist")
    if any(argument.startswith(chosen) for argument in arguments):
        return arguments
    return [*PROCESSES, *arguments]


def _environment(found: Servers, place: Path) -> dict[str, str]:
    """Return an environment in which nothing of the caller's own installation is left.

    The databases named here do not exist: tests/isolation.py makes one for each process.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {
        "HOLDFAST_TEST_ADMIN_URL": found.cluster.url(),
        "HOLDFAST_TEST_TEMPLATE": TEMPLATE,
        "DATABASE_URL": found.runtime_url(TEMPLATE),
        "HOLDFAST_OWNER_DATABASE_URL": found.owner_url(TEMPLATE),
        "REDIS_URL": found.valkey.url(),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "HOLDFAST_DATA": str(place / "data"),
        "HOLDFAST_SECURE_COOKIES": "false",
        # Tests write rows behind the program's back; those of the cache switch it on.
        "HOLDFAST_SEARCH_CACHE_SECONDS": "0",
        "HOLDFAST_RATE_LIMIT_EXEMPT": "127.0.0.0/8,::1",
    }
