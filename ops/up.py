"""`up`: start everything in order, wait until it answers, keep it alive, stop it in order."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ops import screen
from ops.environment import (
    MARK,
    ROOT,
    Facts,
    common,
    read_settings,
    replaced,
    without_owner,
)
from ops.errors import OpsError
from ops.folder import DataFolder, Secrets
from ops.health import flower_not_ready, wait_until, web_not_ready
from ops.identity import leashed
from ops.leftovers import clear_lock_file, end_leftovers
from ops.ports import LOOPBACK, free_port, is_free
from ops.postgres import check_version, wait_for_postgres
from ops.programs import FLOWER_USER, product_programs, server_programs
from ops.stores import Stores, choose_stores, is_embedded_database, make_first_database
from ops.supervision import PRODUCT, SERVERS, Supervisor
from ops.valkey import wait_for_redis
from ops.welcome import show_addresses

READY_SECONDS = 90
LEFTOVER_SECONDS = 15
WATCH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    data: Path
    port: int
    workers: int | None
    samples: bool


class Stopped(BaseException):
    """Somebody asked us to stop: Ctrl-C, a closed terminal, a polite kill."""


def up(wanted: Wanted) -> None:
    """Run until told to stop. Raises OpsError when something cannot start or has given up."""
    folder = DataFolder(wanted.data)
    folder.make()
    with folder.locked(), _told_to_stop() as deaf:
        run = _Run(folder, wanted)
        try:
            run.start()
            run.watch()
        except Stopped:
            screen.note("stopping")
        finally:
            deaf()
            run.stop()


class _Run:
    """One life of the installation, from the first check to the last process."""

    def __init__(self, folder: DataFolder, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._supervisor: Supervisor | None = None

    def start(self) -> None:
        """Start everything, and say where it is once all of it answers."""
        begun = time.monotonic()
        if end_leftovers(self._folder.path, patience_seconds=LEFTOVER_SECONDS):
            screen.note("ended what an earlier start had left behind")
        if is_embedded_database():
            check_version(self._folder.cluster)
            clear_lock_file(self._folder.cluster)
        secrets = self._folder.secrets()
        stores = choose_stores(self._folder, secrets)
        environment = self._environment(secrets, stores)
        facts = read_settings(environment)
        self._require_free_port(facts)
        flower_port = free_port({self._wanted.port})
        flower_login = f"{FLOWER_USER}:{secrets.flower_password}"

        self._supervisor = supervisor = Supervisor(
            self._folder,
            [
                *server_programs(stores.cluster, stores.valkey),
                *product_programs(self._folder, facts, flower_port=flower_port),
            ],
        )
        self._make_servers(stores)
        supervisor.start(without_owner(environment) | {"FLOWER_BASIC_AUTH": flower_login})
        self._start_servers(supervisor, stores, secrets)
        self._prepare(environment)
        with screen.step("starting web, workers, beat, sweeper and Flower"):
            supervisor.start_group(PRODUCT)
            for not_yet in (
                lambda: web_not_ready(self._wanted.port),
                lambda: flower_not_ready(flower_port, flower_login),
            ):
                wait_until(
                    not_yet, seconds=READY_SECONDS, gave_up=lambda: supervisor.failed(PRODUCT)
                )
        flower_url = f"http://{LOOPBACK}:{flower_port}"
        self._folder.tell(
            {
                "base_url": f"http://{LOOPBACK}:{self._wanted.port}",
                "flower_url": flower_url,
                "flower_login": flower_login,
                "supervisor_pid": supervisor.pid,
                "owner_database_url": stores.owner_url,
                "environment": _told(environment),
            }
        )
        show_addresses(
            self._folder,
            facts,
            stores,
            secrets,
            port=self._wanted.port,
            flower=(flower_url, flower_login),
            seconds=time.monotonic() - begun,
        )

    def watch(self) -> None:
        """Stay until told to stop; start again what supervisord has given up."""
        assert self._supervisor is not None  # noqa: S101
        while self._supervisor.is_alive():
            time.sleep(WATCH_SECONDS)
            with suppress(OpsError):  # it is busy, or ending
                for name in self._supervisor.revive():
                    screen.note(f"{name} kept ending; started again, see {self._folder.logs}")
        log = self._folder.logs / "supervisor.log"
        raise OpsError(f"supervisord ended, and everything with it; see {log}")

    def stop(self) -> None:
        """Stop everything, and leave nothing behind."""
        self._folder.forget()
        if self._supervisor is not None:
            self._supervisor.stop()
        end_leftovers(self._folder.path, patience_seconds=5)

    def _environment(self, secrets: Secrets, stores: Stores) -> dict[str, str]:
        environment = common(
            self._folder, secrets, port=self._wanted.port, embedded=stores.cluster is not None
        )
        if self._wanted.workers is not None:
            environment["HOLDFAST_DECIDE_WORKERS"] = str(self._wanted.workers)
        return replaced(
            environment,
            DATABASE_URL=stores.runtime_url,
            HOLDFAST_OWNER_DATABASE_URL=stores.owner_url,
            REDIS_URL=stores.redis_url,
        )

    def _require_free_port(self, facts: Facts) -> None:
        if not is_free(self._wanted.port, facts.bind):
            raise OpsError(
                f"port {self._wanted.port} on {facts.bind} is taken: stop what listens there, or"
                " name another with --port"
            )

    def _make_servers(self, stores: Stores) -> None:
        if stores.cluster and not stores.cluster.exists:
            with screen.step("making the database cluster"):
                stores.cluster.make()
        if stores.valkey:
            stores.valkey.prepare()

    def _start_servers(self, supervisor: Supervisor, stores: Stores, secrets: Secrets) -> None:
        if stores.cluster or stores.valkey:
            with screen.step("starting PostgreSQL and Redis"):
                supervisor.start_group(SERVERS)
                if stores.cluster:
                    wait_for_postgres(
                        stores.cluster.url(),
                        seconds=READY_SECONDS,
                        gave_up=lambda: supervisor.failed(SERVERS),
                    )
                    make_first_database(stores.cluster, secrets)
                if stores.valkey:
                    wait_for_redis(
                        stores.redis_url,
                        seconds=READY_SECONDS,
                        gave_up=lambda: supervisor.failed(SERVERS),
                    )

    def _prepare(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "ops.prepare"]
        if self._wanted.samples:
            command.append("--sample")
        log = self._folder.logs / "prepare.log"
        with screen.step("preparing the database") as show, log.open("w") as errors:
            with subprocess.Popen(
                leashed(command),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,
            ) as process:
                try:
                    for line in process.stdout or ():
                        show(line.strip())
                except BaseException:
                    process.terminate()
                    raise
            if process.returncode != 0:
                last = (log.read_text().strip().splitlines() or ["it said nothing"])[-1]
                raise OpsError(last)


def _told(environment: dict[str, str]) -> dict[str, str]:
    """Return what another command needs to work on this installation; it is not part of it."""
    ours = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SMTP_URL")
    return {
        name: value
        for name, value in without_owner(environment).items()
        if name != MARK and (name.startswith("HOLDFAST_") or name.removesuffix("_FILE") in ours)
    }


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], None]]:
    """Turn the signals that ask for an end into Stopped; yields what makes deaf to further ones."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        wanted.append(signal.SIGHUP)

    def deaf() -> None:
        for number in wanted:
            signal.signal(number, signal.SIG_IGN)

    def stop(*_: object) -> None:
        deaf()
        raise Stopped

    for number in wanted:
        signal.signal(number, stop)
    yield deaf
