"""The generator of load: wrk where there is one, else our own, in a process of its own."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass

from ops.environment import ROOT
from ops.errors import OpsError

CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Load:
    """Which slots are asked for, how often, and whether for the last word.

    `mark` makes the customers of this round new. Without a `rate` each of the connections asks
    again as soon as it has been answered.
    """

    mark: str
    first_slot: int
    slots: int
    seconds: float
    waits: bool = False
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """How a load was answered; milliseconds are the callers'."""

    answers: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


def generator() -> str:
    """Return the name of the one that is used for loads without a rate."""
    return "wrk" if shutil.which("wrk") else "aiohttp"


def ask(url: str, load: Load) -> Answers:
    """Put a load on a server. Raises OpsError when the generator fails or anything was refused."""
    use_wrk = load.rate is None and generator() == "wrk"
    done = subprocess.run(
        _wrk(url, load) if use_wrk else _own(url, load),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"the load failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    found = Answers(**json.loads(done.stdout.splitlines()[-1]))
    if found.refused or found.broken:
        raise OpsError(f"{url} refused {found.refused} bookings and broke {found.broken} off")
    return found


def _wrk(url: str, load: Load) -> list[str]:
    command = [
        *("wrk", "--threads", "2", "--connections", str(CONNECTIONS)),
        *("--duration", f"{load.seconds:.0f}s", "--timeout", "30s"),
        *("--script", str(ROOT / "bench/wrk.lua"), url, "--"),
        *(load.mark, str(load.first_slot), str(load.slots)),
    ]
    return [*command, "wait=30"] if load.waits else command


def _own(url: str, load: Load) -> list[str]:
    command = [
        *(sys.executable, "-m", "bench.load", url),
        *("--seconds", str(load.seconds), "--connections", str(CONNECTIONS)),
        *("--round", load.mark, "--first", str(load.first_slot), "--slots", str(load.slots)),
    ]
    if load.rate is not None:
        command += ["--rate", str(load.rate)]
    return [*command, "--prefer", "wait=30"] if load.waits else command
