"""A whole installation to be broken: both servers, a proxy before each, and `up` behind them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import redis

from ops import screen
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.faults.processes import Family, send
from ops.faults.proxy import Proxy
from ops.folder import DataFolder, Secrets
from ops.identity import leashed
from ops.leftovers import end_leftovers
from ops.ports import LOOPBACK, free_port
from ops.postgres import Cluster, wait_for_postgres
from ops.roles import DATABASE, OWNER, RUNTIME
from ops.stores import make_first_database
from ops.throwaway import last_lines
from ops.valkey import Valkey, wait_for_redis

READY_SECONDS = 120


class Stack:
    """Servers of our own, made durable as `up` makes them, and the product upon them."""

    def __init__(self, folder: Path, *, port: int | None = None, **environment: str) -> None:
        self.folder = folder
        self._environment = environment
        taken: set[int] = set()
        numbers = [port or free_port(taken)]
        for _ in range(4):
            numbers.append(free_port({*taken, *numbers}))
        self.port, postgres, valkey, before_postgres, before_valkey = numbers
        self.secrets = Secrets()
        self.cluster = Cluster(folder / "postgres", postgres, self.secrets.superuser_password)
        self.valkey = Valkey(folder / "valkey", valkey, self.secrets.redis_password)
        self.database_proxy = Proxy(before_postgres, postgres)
        self.redis_proxy = Proxy(before_valkey, valkey)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        # The leash ties a process to the thread that has started it: this one lives long enough.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")

    @property
    def address(self) -> str:
        """Return the address of the product."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        """Return the data folder of the product."""
        return self.folder / "up"

    @property
    def family(self) -> Family:
        """Return the processes of the product."""
        return Family(self._running["up"].pid)

    @property
    def direct_url(self) -> str:
        """Return the superuser's address of the database, past the proxy."""
        return self.cluster.url(DATABASE)

    def start(self) -> None:
        """Make the servers and start everything. Raises OpsError."""
        DataFolder(self.folder).make()
        with screen.step("making the servers"):
            self.cluster.make()
            self.valkey.prepare()
            self.start_postgres()
            self.start_valkey()
            make_first_database(self.cluster, self.secrets)
            self.database_proxy.start()
            self.redis_proxy.start()
        with screen.step("starting the product"):
            self.start_up()
            self.wait_until_ready()

    def stop(self) -> None:
        """End all of it, however it stands."""
        if "up" in self._running:
            self.thaw()
            self._end("up", signal.SIGINT, 40)
        end_leftovers(self.data, patience_seconds=5)
        self._end("valkey", signal.SIGTERM, 10)
        self._end("postgres", signal.SIGINT, 30)
        self.database_proxy.stop()
        self.redis_proxy.stop()
        self._starter.shutdown()
        if self.cluster.folder.is_symlink():
            shutil.rmtree(self.cluster.folder.resolve().parent)

    def start_postgres(self) -> None:
        """Start the database server and wait until it lets us in.

        One that was killed may leave children behind for a moment, which keep the new one out.
        """
        deadline = time.monotonic() + 30
        while True:
            self._run("postgres", self.cluster.command(), {})
            try:
                wait_for_postgres(
                    self.cluster.url(), seconds=30, gave_up=lambda: self._died("postgres")
                )
                return
            except OpsError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def start_valkey(self) -> None:
        """Start the broker and wait until it answers."""
        self._run("valkey", self.valkey.command(), {})
        wait_for_redis(self.valkey.url(), seconds=10, gave_up=lambda: self._died("valkey"))

    def start_up(self) -> None:
        """Start the product; see wait_until_ready()."""
        command = [sys.executable, "-m", "ops", "up", "--no-sample", "--workers", "2"]
        self._run(
            "up",
            leashed([*command, "--port", str(self.port), "--data", str(self.data)]),
            self.product_environment() | {"COLUMNS": "1000"},
        )

    def product_environment(self) -> dict[str, str]:
        """Return an environment in which nothing of the caller's installation is left."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return (
            kept
            | {
                "DATABASE_URL": self._url(RUNTIME, self.secrets.runtime_role_password),
                "HOLDFAST_OWNER_DATABASE_URL": self._url(OWNER, self.secrets.owner_role_password),
                "REDIS_URL": f"redis://:{self.secrets.redis_password}@{LOOPBACK}"
                f":{self.redis_proxy.port}/0",
                "SECRET_KEY": self.secrets.secret_key,
            }
            | self._environment
        )

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every part says that it is well. Raises OpsError."""
        deadline = time.monotonic() + seconds
        while (found := self.health()) is None or set(found.values()) - {"off"} != {"ok"}:
            if self._running["up"].poll() is not None:
                raise OpsError(f"up ended: {last_lines(self._log('up'))}")
            if time.monotonic() > deadline:
                raise OpsError(f"the product is not well after {seconds:.0f} s: {found}")
            time.sleep(0.1)

    def health(self) -> dict[str, str] | None:
        """Return what /health/ready names, None where nothing answers well."""
        try:
            with urlopen(f"{self.address}/health/ready", timeout=3) as answer:
                return dict(json.load(answer)["checks"])
        except (URLError, OSError, ValueError):
            return None

    def kill(self, name: str) -> None:
        """Kill one of `postgres`, `valkey` and `up` and wait for its end."""
        self._running[name].kill()
        self._running[name].wait()

    def kill_everything(self) -> None:
        """Kill the product and both servers at once, as a machine does that loses its power."""
        victims = self.family.all()
        for name in ("up", "postgres", "valkey"):
            self._running[name].kill()
        send(victims, signal.SIGKILL)
        for process in self._running.values():
            process.wait()

    def freeze(self, name: str) -> None:
        """Stop one of `postgres`, `valkey` with all of its processes, without ending it."""
        send(Family(self._running[name].pid).all(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let everything go on that was frozen."""
        for process in self._running.values():
            if process.poll() is None:
                send(Family(process.pid).all(), signal.SIGCONT)
        self.database_proxy.pass_on()
        self.redis_proxy.pass_on()

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        """Connect to the database past the proxy, as its superuser."""
        return psycopg.connect(
            self.direct_url,
            autocommit=autocommit,
            connect_timeout=5,
            application_name="referee",
            # Our own questions and damage must not hang behind what was broken.
            options="-c statement_timeout=15000",
        )

    def broker(self) -> redis.Redis:
        """Return a client of the broker, past the proxy."""
        return redis.Redis.from_url(self.valkey.url(), socket_timeout=3, socket_connect_timeout=3)

    def command(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ./holdfast to its end, with these settings changed."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            cwd=ROOT,
            env=self.product_environment() | {"COLUMNS": "1000"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def _url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.database_proxy.port}/{DATABASE}"

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with self._log(name).open("ab") as out:
            self._running[name] = self._starter.submit(
                subprocess.Popen,
                command,
                cwd=ROOT,
                env=environment or os.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            ).result()

    def _end(self, name: str, number: signal.Signals, seconds: float) -> None:
        process = self._running.get(name)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _died(self, name: str) -> str | None:
        is_alive = self._running[name].poll() is None
        return None if is_alive else last_lines(self._log(name))

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"
