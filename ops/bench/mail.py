"""`bench mail`: from confirmed to taken by a mail server, at a rate, against the same when calm.

Deciders and the mail worker are the processes of `up`; the bookings come from a process of their
own (`ops.bench.mail_load`) without the web, the mail goes to a server on loopback.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.table import Table

from ops import screen
from ops.bench.report import write
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.ports import LOOPBACK, free_port
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

CALM_A_SECOND = 2.0
CALM_SECONDS = 5
GOAL_P95_SECONDS = 5.0
GOAL_MOST_SECONDS = 60.0

Figures = dict[str, float]


class TakesAll:
    """A mail server that takes every mail and forgets it."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        return "250 OK"


def bench_mail(*, rate: float, seconds: int, folder: Path) -> int:
    """Confirm so many bookings a second for so long; 0 when the goals are reached."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place)) as found,
        _mail_server() as smtp_url,
    ):
        with screen.step("making the database"):
            make_migrated_database(found, "mail")
        environment = _environment(found, smtp_url, Path(place))
        with (
            _worker(environment, Path(place), "decide", "2"),
            _worker(environment, Path(place), "mail", "1", "threads") as mailer,
        ):
            with screen.step(f"{CALM_A_SECOND:g} bookings a second, {CALM_SECONDS} s"):
                calm = _measure(environment, mailer, CALM_A_SECOND, CALM_SECONDS)
            with screen.step(f"{rate:g} bookings a second, {seconds} s"):
                busy = _measure(environment, mailer, rate, seconds)
    reached = busy["p95_s"] <= GOAL_P95_SECONDS and busy["max_s"] <= GOAL_MOST_SECONDS
    screen.out.print(_table(calm, busy))
    write(
        "mail",
        folder,
        calm=calm,
        busy=busy,
        p95_ratio=round(busy["p95_s"] / calm["p95_s"], 2),
        reached=reached,
    )
    return 0 if reached else 1


@contextmanager
def _mail_server() -> Iterator[str]:
    """Run the mail server in a thread of this process; gives its address."""
    controller = Controller(TakesAll(), hostname=LOOPBACK, port=free_port(set()))
    controller.start()
    try:
        yield f"smtp://{LOOPBACK}:{controller.port}?starttls=off"
    finally:
        controller.stop()


def _environment(found: Servers, smtp_url: str, folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    return kept | {
        "DATABASE_URL": found.runtime_url("mail"),
        "REDIS_URL": found.valkey.url(),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "SMTP_URL": smtp_url,
        "HOLDFAST_DATA": str(folder),
    }


@contextmanager
def _worker(
    environment: dict[str, str], folder: Path, queue: str, *arguments: str
) -> Iterator[psutil.Process]:
    """Run a worker as `up` does."""
    with (folder / f"{queue}.log").open("ab") as out:
        process = subprocess.Popen(
            leashed([sys.executable, "-m", "ops.worker", queue, queue, *arguments]),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _measure(
    environment: dict[str, str], mailer: psutil.Process, rate: float, seconds: int
) -> Figures:
    """Book, wait until everything is sent, and return how long it took. Raises OpsError."""
    before = _cpu_seconds(mailer)
    done = subprocess.run(
        leashed(
            [
                *(sys.executable, "-m", "ops.bench.mail_load"),
                *(f"--rate={rate}", f"--seconds={seconds}"),
            ]
        ),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"the bookings failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    spent = _cpu_seconds(mailer) - before
    return figures | {"mailer_cpu_ms_a_mail": round(1000 * spent / figures["mails"], 2)}


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _table(calm: Figures, busy: Figures) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column("confirmed to taken", no_wrap=True)
    for head in ("calm", "busy", "ratio"):
        table.add_column(head, justify="right")
    for name, value in busy.items():
        ratio = f"{value / calm[name]:.2f}" if calm.get(name) else ""
        table.add_row(name.replace("_", " "), f"{calm[name]:g}", f"{value:g}", ratio)
    return table
