"""The processes of the product, as supervisord is to run them."""

import sys

from ops.environment import Facts
from ops.identity import leashed
from ops.parts import Part, parts
from ops.ports import LOOPBACK
from ops.postgres import Cluster
from ops.supervision import SERVERS, Program
from ops.valkey import Valkey

FLOWER_USER = "operator"


def server_programs(cluster: Cluster | None, valkey: Valkey | None) -> list[Program]:
    """Return the embedded servers; there are none where the caller named others."""
    programs = []
    if cluster:
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions and leaves a clean cluster.
        programs.append(Program("postgres", cluster.command(), SERVERS, "INT", 30))
    if valkey:
        programs.append(Program("valkey", valkey.command(), SERVERS, "TERM", 10))
    return programs


def product_programs(facts: Facts, *, flower_port: int) -> list[Program]:
    """Return everything that is ours; the heaviest to start comes first."""
    ours = parts(facts, flower_address=LOOPBACK, flower_port=flower_port)
    return [
        Program(
            part.name, _tied(part), stop_signal=part.stop_signal, stop_seconds=part.stop_seconds
        )
        for part in ours
    ]


def archive_program(environment: dict[str, str]) -> Program:
    """Return the process that archives WAL; it alone knows who may copy the whole server."""
    # It stores what is left before it ends.
    archive = Part("archive", "ops.backup.archive", stop_seconds=30)
    return Program(
        archive.name, _tied(archive), stop_seconds=archive.stop_seconds, environment=environment
    )


def _tied(part: Part) -> list[str]:
    # When supervisord is killed, the pipes that it read logs from are broken and the broker goes
    # down: a Celery worker that is asked to end then was seen to wait for ever. Whatever it was
    # at is in the rows.
    command = [sys.executable, "-m", part.module, *part.arguments]
    return leashed(command, death_signal="SIGKILL")
