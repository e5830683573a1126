"""Real processes for the tests: web, worker, sweeper, broker. Each is ended by its pid."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from celery import Celery
from sqlalchemy import select

from booking.transactions import reading
from models import Heartbeat
from ops.identity import leashed
from ops.ports import free_port
from ops.valkey import Valkey, wait_for_redis
from tests.races.meeting import wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def running(
    program: list[str], log: Path, *, kill_with: int = signal.SIGTERM, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with the environment of the tests; end it, hard if it must be."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            leashed(program),
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(kill_with)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def decide_worker(
    log: Path, *, queues: str = "decide", **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker that decides, as `up` starts it; it has shown that it hears when this begins."""
    program = [sys.executable, "-m", "ops.worker", "test", queues, "1"]
    before = last_beat("decider")
    with running(program, log, kill_with=signal.SIGQUIT, **environment) as process:
        wait_until(
            lambda: last_beat("decider") != before or process.poll() is not None,
            f"the worker shows a sign of life; see {log}",
            30,
        )
        assert process.poll() is None, log.read_text()
        yield process


@contextmanager
def web_server(log: Path, **environment: str) -> Iterator[str]:
    """Run gunicorn as `up` starts it, on a port of its own; gives its address once it answers."""
    port = free_port(set())
    address = f"http://127.0.0.1:{port}"
    program = [
        *(sys.executable, "-m", "gunicorn"),
        *("-c", str(ROOT / "ops/gunicorn_conf.py"), "webapp:create_app()"),
    ]
    with running(program, log, HOLDFAST_PORT=str(port), **environment) as process:
        wait_until(
            lambda: _answers(f"{address}/health/live") or process.poll() is not None,
            f"the web server answers; see {log}",
            30,
        )
        assert process.poll() is None, log.read_text()
        yield address


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def last_beat(process: str) -> object:
    """Return when a kind of process was seen, or None."""
    with reading() as tx:
        return tx.scalar(select(Heartbeat.seen_at).where(Heartbeat.process == process))


class Broker:
    """A broker of the test's own, which can die, freeze and come back."""

    def __init__(self, folder: Path) -> None:
        self._valkey = Valkey(folder, free_port(set()), "a-password-for-tests", is_durable=False)
        self._valkey.prepare()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._valkey.url()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._valkey.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_redis(self.url, seconds=10, gave_up=lambda: None)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def die(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def child_of(process: subprocess.Popen[bytes]) -> int:
    """Return the pid of a worker's one child."""
    [pid] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(pid)


@contextmanager
def publishing_to(app: Celery, url: str) -> Iterator[None]:
    """Let this process publish to another broker."""
    before = app.conf.broker_write_url
    app.conf.broker_write_url = url
    try:
        yield
    finally:
        app.conf.broker_write_url = before
