"""The processes of the product, as supervisord is to run them."""

import sys

from ops.environment import ROOT, Facts
from ops.folder import DataFolder
from ops.identity import leashed
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


def product_programs(folder: DataFolder, facts: Facts, *, flower_port: int) -> list[Program]:
    """Return everything that is ours; the heaviest to start comes first."""
    return [
        Program(
            "web",
            _python("gunicorn", "-c", str(ROOT / "ops/gunicorn_conf.py"), "webapp:create_app()"),
            stop_seconds=15,
        ),
        _worker("decide", "decide", facts.decide_workers),
        # A process of its own, so that a slow mail server stops nothing else; and only one, since
        # its couriers are threads that wait for the network.
        _worker("mail", "mail", 1, pool="threads"),
        _worker("others", "default,reports", facts.other_workers),
        Program("sweeper", _python("workers.sweep")),
        Program("beat", _python("ops.beat", str(folder.path / "beat-schedule"))),
        Program(
            "flower",
            _python(
                "ops.flower",
                f"--address={LOOPBACK}",
                f"--port={flower_port}",
                "--persistent=True",
                f"--db={folder.path / 'flower'}",
                "--state_save_interval=10000",
                "--max_tasks=5000",
            ),
        ),
    ]


def _worker(name: str, queues: str, processes: int, pool: str = "prefork") -> Program:
    # SIGQUIT: finish what is begun within the soft limit, give the rest back to the broker.
    command = _python("ops.worker", name, queues, str(processes), pool)
    return Program(name, command, stop_signal="QUIT", stop_seconds=15)


def _python(module: str, *arguments: str) -> list[str]:
    # When supervisord is killed, the pipes that it read logs from are broken and the broker goes
    # down: a Celery worker that is asked to end then was seen to wait for ever. Whatever it was
    # at is in the rows.
    return leashed([sys.executable, "-m", module, *arguments], death_signal="SIGKILL")
