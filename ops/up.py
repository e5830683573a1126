"""`up`: start everything in order, wait until it answers, keep it alive, stop it in order."""

import subprocess
import sys
import time
from contextlib import suppress

from ops import screen
from ops.environment import ROOT
from ops.errors import OpsError
from ops.folder import DataFolder, Secrets
from ops.health import flower_not_ready, readiness, wait_until, web_not_ready
from ops.identity import leashed
from ops.leftovers import clear_lock_file, end_leftovers
from ops.plan import Plan, Wanted, make_plan
from ops.ports import LOOPBACK, is_free
from ops.postgres import check_version, wait_for_postgres
from ops.signals import Stopped, told_to_stop
from ops.silence import Silence
from ops.stores import is_embedded_database, make_first_database
from ops.supervision import PRODUCT, SERVERS, Supervisor
from ops.valkey import wait_for_redis
from ops.welcome import show_addresses

ATTEMPTS = 3
READY_SECONDS = 90
LEFTOVER_SECONDS = 15
WATCH_SECONDS = 2


def up(wanted: Wanted) -> None:
    """Run until told to stop. Raises OpsError when something cannot start or has given up."""
    folder = DataFolder(wanted.data)
    folder.make()
    with folder.locked(), told_to_stop() as deaf:
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
    """One life of an installation, from the first check to the last process."""

    def __init__(self, folder: DataFolder, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._supervisor: Supervisor | None = None
        self._host = LOOPBACK

    def start(self) -> None:
        """Start everything, and say where it is once all of it answers."""
        begun = time.monotonic()
        self._clear_way()
        plan, supervisor = self._start_servers(self._folder.secrets())
        self._prepare(plan)
        self._start_product(plan, supervisor)
        self._folder.tell(plan.told() | {"supervisor_pid": supervisor.pid})
        self._host = plan.web_host
        show_addresses(plan, seconds=time.monotonic() - begun)

    def watch(self) -> None:
        """Stay until told to stop; start again what has been given up, or runs and does nothing."""
        supervisor, silence = self._supervisor, Silence()
        while supervisor is not None and supervisor.is_alive():
            time.sleep(WATCH_SECONDS)
            with suppress(OpsError):  # it is busy, or ending
                for name in supervisor.revive():
                    screen.note(f"{name} kept ending; started again, see {self._folder.logs}")
                for name in silence.too_long(readiness(self._host, self._wanted.port)):
                    supervisor.kill(name)
                    screen.note(f"{name} showed no sign of life; started again")
        log = self._folder.logs / "supervisor.log"
        raise OpsError(f"supervisord ended, and everything with it; see {log}")

    def stop(self) -> None:
        """Stop everything, and leave nothing behind."""
        self._folder.forget()
        if self._supervisor is not None:
            self._supervisor.stop()
        end_leftovers(self._folder.path, patience_seconds=5)

    def _clear_way(self) -> None:
        if is_embedded_database():
            check_version(self._folder.cluster)
        if end_leftovers(self._folder.path, patience_seconds=LEFTOVER_SECONDS):
            screen.note("ended what an earlier start had left behind")
        if is_embedded_database():
            clear_lock_file(self._folder.cluster)
        self._folder.forget_metrics()

    def _start_servers(self, secrets: Secrets) -> tuple[Plan, Supervisor]:
        """Start what is embedded; begin again with other ports when one was taken meanwhile."""
        for attempt in range(1, ATTEMPTS + 1):
            plan = make_plan(self._wanted, self._folder, secrets)
            self._require_free_port(plan)
            self._make_servers(plan)
            self._supervisor = supervisor = Supervisor(self._folder, plan.programs())
            supervisor.start(plan.process_environment())
            try:
                self._wait_for_servers(plan, supervisor)
            except OpsError:
                supervisor.stop()
                if attempt == ATTEMPTS or not plan.lost_a_port():
                    raise
            else:
                break
        return plan, supervisor

    def _require_free_port(self, plan: Plan) -> None:
        if not is_free(self._wanted.port, plan.facts.bind):
            raise OpsError(
                f"port {self._wanted.port} on {plan.facts.bind} is taken: stop what listens there,"
                " or name another with --port"
            )

    def _make_servers(self, plan: Plan) -> None:
        cluster, valkey = plan.stores.cluster, plan.stores.valkey
        if cluster and not cluster.exists:
            with screen.step("making the database cluster"):
                cluster.make()
        if valkey:
            valkey.prepare()

    def _wait_for_servers(self, plan: Plan, supervisor: Supervisor) -> None:
        cluster, valkey = plan.stores.cluster, plan.stores.valkey
        names = [name for name, server in (("PostgreSQL", cluster), ("Redis", valkey)) if server]
        if not names:
            return

        def gave_up() -> str | None:
            return supervisor.failed(SERVERS)

        with screen.step(f"starting {' and '.join(names)}"):
            supervisor.start_group(SERVERS)
            if cluster:
                wait_for_postgres(cluster.url(), seconds=READY_SECONDS, gave_up=gave_up)
                make_first_database(cluster, plan.secrets, backs_up=plan.facts.backs_up)
            if valkey:
                wait_for_redis(valkey.url(), seconds=READY_SECONDS, gave_up=gave_up)

    def _prepare(self, plan: Plan) -> None:
        """Run ops/prepare.py as the owner of the schema, and show its steps."""
        command = [sys.executable, "-m", "ops.prepare"]
        if self._wanted.samples:
            command.append("--sample")
        log = self._folder.logs / "prepare.log"
        with screen.step("preparing the database") as show, log.open("w") as errors:
            with subprocess.Popen(
                leashed(command),
                cwd=ROOT,
                env=plan.environment,
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
                lines = log.read_text().strip().splitlines()
                raise OpsError(lines[-1] if lines else "the database could not be prepared")

    def _start_product(self, plan: Plan, supervisor: Supervisor) -> None:
        with screen.step("starting web, workers, beat, sweeper and Flower"):
            supervisor.start_group(PRODUCT)
            for not_yet in (
                lambda: web_not_ready(plan.web_host, plan.wanted.port),
                lambda: flower_not_ready(plan.flower_port, plan.flower_login),
            ):
                wait_until(
                    not_yet, seconds=READY_SECONDS, gave_up=lambda: supervisor.failed(PRODUCT)
                )
