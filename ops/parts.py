"""The processes of the product: what each runs, and how it is asked to end.

`up` hands them to supervisord, `./holdfast run NAME` becomes one of them: containers and systemd
start the same commands that `up` starts.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ops.environment import ROOT, Facts
from ops.errors import OpsError

WEB, DECIDE, MAIL, OTHERS, SWEEPER, BEAT, FLOWER = NAMES = (
    "web",
    "decide",
    "mail",
    "others",
    "sweeper",
    "beat",
    "flower",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A Python module with its arguments, the signal that ends it and the time it may take."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_seconds: int = 10


def parts(facts: Facts, *, flower_address: str, flower_port: int) -> list[Part]:
    """Return all of them; the heaviest to start comes first."""
    data = Path(facts.data_dir)
    return [
        Part(
            WEB,
            "gunicorn",
            ("-c", str(ROOT / "ops/gunicorn_conf.py"), "webapp:create_app()"),
            stop_seconds=15,
        ),
        _worker(DECIDE, "decide", facts.decide_workers),
        # A process of its own, so that a slow mail server stops nothing else; and only one, since
        # its couriers are threads that wait for the network.
        _worker(MAIL, "mail", 1, pool="threads"),
        _worker(OTHERS, "default,reports", facts.other_workers),
        Part(SWEEPER, "workers.sweep"),
        Part(BEAT, "ops.beat", (str(data / "beat-schedule"),)),
        Part(
            FLOWER,
            "ops.flower",
            (
                f"--address={flower_address}",
                f"--port={flower_port}",
                "--persistent=True",
                f"--db={data / 'flower'}",
                "--state_save_interval=10000",
                "--max_tasks=5000",
            ),
        ),
    ]


def flower_port() -> int:
    """Return the port that Flower is to listen on, where nobody has chosen one. Raises OpsError."""
    given = os.environ.get("FLOWER_PORT", "5555")
    if not given.isdecimal() or not 0 < int(given) < 65_536:
        raise OpsError(f"FLOWER_PORT is no port: {given}")
    return int(given)


def _worker(name: str, queues: str, processes: int, pool: str = "prefork") -> Part:
    # SIGQUIT: finish what is begun within the soft limit, give the rest back to the broker.
    arguments = (name, queues, str(processes), pool)
    return Part(name, "ops.worker", arguments, stop_signal="QUIT", stop_seconds=15)
