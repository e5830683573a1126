"""The commands of docker-compose.yml, run for real: each with its own environment, on loopback.

PostgreSQL and Valkey run with the options of their containers, the secrets are those that
`./holdfast secrets` makes. Only addresses are replaced: names and ports of the inner networks.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from migrations.schema import head
from ops.binaries import valkey_server
from ops.deployment import make_secrets
from ops.identity import leashed
from ops.ports import free_port
from ops.postgres import Cluster, wait_for_postgres
from ops.testing import OURS
from ops.valkey import wait_for_redis
from tests.deploy.compose import IN_SECRETS, ROOT, environment, part_of, read
from tests.deploy.proxy import NGINX, Names, proxy

pytestmark = pytest.mark.timeout(180)

SERVICES: dict[str, dict[str, Any]] = read()["services"]
PARTS = sorted(name for name, service in SERVICES.items() if part_of(service))
VENUE = {
    "slug": "quayside",
    "name": "Quayside",
    "kind": "restaurant",
    "time_zone": "Europe/London",
    "currency": "GBP",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """The two stores, and where everything lies that a container would be given."""

    folder: Path
    cluster: Cluster
    web_port: int
    flower_port: int

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text().strip()

    def environment(self, service: str, **given: str) -> dict[str, str]:
        """Return what a container of the service would have, on loopback."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        wanted = environment(SERVICES[service]) | {
            "HOLDFAST_BIND": "127.0.0.1",
            "HOLDFAST_DATA": str(self.folder / "data"),
            "HOLDFAST_PORT": str(self.web_port),
            "FLOWER_PORT": str(self.flower_port),
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
        }
        here = f"{self.folder}/secrets/"
        return kept | {
            name: value.replace(IN_SECRETS, here) for name, value in (wanted | given).items()
        }

    def call(self, service: str, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environment(service, **given),
            capture_output=True,
            text=True,
            check=False,
        )

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        [_, _, *asked] = SERVICES[name]["healthcheck"]["test"]
        return self.call(name, *asked[1:])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both stores as their containers run them, empty."""
    folder = tmp_path_factory.mktemp("stack")
    secrets = folder / "secrets"
    make_secrets(secrets, host="localhost")
    ports: list[int] = []
    for _ in range(4):
        ports.append(free_port(set(ports)))
    _replace(
        secrets,
        ("@postgres:5432", f"@127.0.0.1:{ports[0]}"),
        ("@redis:6379", f"@127.0.0.1:{ports[1]}"),
    )
    cluster = Cluster(
        folder / "postgres", ports[0], (secrets / "postgres_password").read_text().strip()
    )
    cluster.make()
    with ExitStack() as running:
        running.enter_context(_process(_postgres(cluster), folder / "postgres.log"))
        running.enter_context(_process(_valkey(folder, ports[1]), folder / "valkey.log"))
        wait_for_postgres(cluster.url(), seconds=30, gave_up=lambda: None)
        url = (secrets / "redis_url").read_text().strip()
        wait_for_redis(url, seconds=10, gave_up=lambda: None)
        yield Stack(folder, cluster, *ports[2:])


@pytest.fixture(scope="module")
def migrated(stack: Stack) -> Stack:
    """The same after the service `migrate` has done its work."""
    done = stack.call("migrate", "ops", *SERVICES["migrate"]["command"])
    assert done.returncode == 0, done.stderr
    return stack


@pytest.fixture(scope="module")
def running(migrated: Stack) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Every part of the product, started with the command of its service."""
    with ExitStack() as held:
        yield {
            name: held.enter_context(
                _process(
                    [sys.executable, "-m", "ops", *SERVICES[name]["command"]],
                    migrated.folder / f"{name}.log",
                    migrated.environment(name),
                )
            )
            for name in PARTS
        }


def test_before_anything_runs_nothing_is_healthy(migrated: Stack) -> None:
    for name in ("web", "decide", "beat", "sweeper"):
        asked = migrated.health(name)

        assert asked.returncode == 1, name
        assert len(asked.stderr.strip().splitlines()) == 1, asked.stderr


def test_the_product_works_with_fewer_rights_than_the_owner(migrated: Stack) -> None:
    with psycopg.connect(migrated.secret("database_url"), autocommit=True) as runtime:
        rights = runtime.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("CREATE TABLE stolen (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("DELETE FROM booking_events")
    with psycopg.connect(migrated.secret("owner_database_url"), autocommit=True) as owner:
        owner.execute("CREATE TABLE own (id int)")
        owner.execute("DROP TABLE own")

    assert rights == (False, False, False)


def test_migrations_are_taken_back_for_an_older_version(migrated: Stack) -> None:
    older = f"{int(head()) - 1:04d}"

    back = migrated.call("migrate", "ops", "migrate", "--back-to", older)
    too_far = migrated.call("migrate", "ops", "migrate", "--back-to", "9999")
    again = migrated.call("migrate", "ops", "migrate")

    assert back.stdout == f"going back from {head()} to {older}\n", back.stderr
    assert too_far.returncode == 1
    assert too_far.stderr == f"the database is at revision {older}: 9999 is not behind it\n"
    assert again.stdout == f"migrating from {older} to {head()}\n", again.stderr


def test_migrating_again_changes_nothing_but_a_new_password(migrated: Stack) -> None:
    file = migrated.folder / "secrets" / "database_url"
    before = file.read_text()
    file.write_text(before.replace("holdfast_app:", "holdfast_app:new-"))

    done = migrated.call("migrate", "ops", "migrate")

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    psycopg.connect(migrated.secret("database_url")).close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before.strip())


@pytest.mark.parametrize(
    ("service", "variable", "value", "said"),
    [
        ("web", "SECRET_KEY_FILE", "/nowhere", "openssl rand"),
        ("web", "SECRET_KEY_FILE", "", "openssl rand"),
        ("migrate", "DATABASE_URL_FILE", "", "postgresql://user:password@host/database"),
        ("decide", "REDIS_URL_FILE", "/nowhere", "redis://user:password@host:6379/0"),
    ],
)
def test_a_missing_secret_is_named_in_one_line(
    stack: Stack, service: str, variable: str, value: str, said: str
) -> None:
    done = stack.call(service, "ops", *SERVICES[service]["command"], **{variable: value})

    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert variable.removesuffix("_FILE") in line
    assert said in line


def test_flower_does_not_start_without_its_login(stack: Stack) -> None:
    done = stack.call("flower", "ops", "run", "flower", FLOWER_BASIC_AUTH_FILE="")

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("FLOWER_BASIC_AUTH is not set")


def test_every_part_becomes_healthy(
    migrated: Stack, running: dict[str, subprocess.Popen[bytes]]
) -> None:
    for name in PARTS:
        _eventually(lambda name=name: _health_of(migrated, name, running[name]), seconds=60)


def test_a_booking_goes_all_the_way(
    migrated: Stack, running: dict[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    slot = _make_a_slot(migrated, tmp_path)
    body = {
        "slot_ids": [slot],
        "quantity": 2,
        "customer": {
            "email": "ada@example.com",
            "full_name": "Ada Moreau",
            "phone": "+442079460000",
        },
    }

    status, booked = _ask(migrated.web_port, "/api/v1/bookings", body)

    assert (status, booked["status"]) == (200, "confirmed")
    # A worker has decided, not the sweeper: the bell was heard, with the rights of the ACL.
    with psycopg.connect(migrated.cluster.url("holdfast")) as admin:
        [actor] = admin.execute(
            "SELECT actor FROM booking_events WHERE status = 'confirmed'"
        ).fetchone() or [None]
    assert actor == "decider"


def test_the_books_are_asked_for_inside_a_container(migrated: Stack) -> None:
    done = migrated.call("web", "ops", "verify")

    assert done.returncode == 0, done.stderr
    assert "all invariants hold" in done.stdout


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx)")
def test_flower_is_reached_through_the_proxy_with_its_login(
    migrated: Stack, running: dict[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    names = Names(flower=["127.0.0.1"], web=["127.0.0.1"])
    login = f"Basic {b64encode(migrated.secret('operator_login').encode()).decode()}"
    with proxy(
        tmp_path / "proxy", names, web_port=migrated.web_port, flower_port=migrated.flower_port
    ) as front:
        stranger, _, _ = front.ask("/flower/")
        status, _, page = front.ask("/flower/", Authorization=login)
        touched, _, _ = front.ask(
            "/flower/api/worker/shutdown/x", method="POST", body=b"", Authorization=login
        )
    names.close()

    assert (stranger, status) == (401, 200)
    assert b"/flower/static/" in page
    assert touched == 403


def test_numbers_of_all_containers_come_together(
    migrated: Stack, running: dict[str, subprocess.Popen[bytes]]
) -> None:
    connection = HTTPConnection("127.0.0.1", migrated.web_port, timeout=10)
    token = migrated.secret("metrics_token")
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})

    text = connection.getresponse().read().decode()

    assert 'holdfast_task_runtime_seconds_count{state="done",task="bookings.heartbeat"}' in text


def test_the_application_may_not_rule_over_redis(stack: Stack) -> None:
    with redis.Redis.from_url(stack.secret("redis_url")) as client:
        for forbidden in ("FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*forbidden.split())
        assert client.ping()
    nobody = stack.secret("redis_url").replace("holdfast:", "default:")
    with (
        redis.Redis.from_url(nobody) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


def test_nobody_was_refused_by_redis_meanwhile(
    migrated: Stack, running: dict[str, subprocess.Popen[bytes]]
) -> None:
    """What goes on without Redis says so in its log, and goes on."""
    logs = [(migrated.folder / f"{name}.log").read_text() for name in running]

    assert not [log for log in logs if re.search(r"NoPermission|NOPERM", log)]


def test_the_health_check_of_redis_may_ask_for_life_and_no_more(stack: Stack) -> None:
    asked = SERVICES["redis"]["healthcheck"]["test"][1]
    host = stack.secret("redis_url").rpartition("@")[2]

    with redis.Redis.from_url(f"redis://health:any@{host}") as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("anything")
    assert "--user health" in asked


def test_redis_keeps_what_it_was_given_and_drops_nothing(stack: Stack) -> None:
    options = SERVICES["redis"]["command"]

    told = {
        name: options[options.index(f"--{name}") + 1] for name in ("appendonly", "maxmemory-policy")
    }

    assert told == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
    assert (stack.folder / "valkey" / "appendonlydir").is_dir()


@pytest.mark.parametrize("name", PARTS)
def test_parts_end_in_time_when_they_are_asked(
    running: dict[str, subprocess.Popen[bytes]], name: str
) -> None:
    process = running[name]
    process.send_signal(signal.Signals[SERVICES[name]["stop_signal"]])

    code = process.wait(int(SERVICES[name]["stop_grace_period"].removesuffix("s")))

    assert code == 0


def _postgres(cluster: Cluster) -> list[str]:
    """Return the command of the embedded server with the options of the container after its own."""
    program, *options = SERVICES["postgres"]["command"]
    assert program == "postgres"
    return [*cluster.command(), *options]


def _valkey(folder: Path, port: int) -> list[str]:
    program, *options = SERVICES["redis"]["command"]
    assert program == "valkey-server"
    (folder / "valkey").mkdir()
    moved = [str(folder / "valkey") if option == "/data" else option for option in options]
    moved = [option.replace(IN_SECRETS, f"{folder}/secrets/") for option in moved]
    return leashed([str(valkey_server()), *moved, "--bind", "127.0.0.1", "--port", str(port)])


@contextmanager
def _process(
    command: list[str], log: Path, given: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            leashed(command) if given else command,
            cwd=ROOT,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _replace(folder: Path, *pairs: tuple[str, str]) -> None:
    for file in folder.iterdir():
        text = file.read_text()
        for old, new in pairs:
            text = text.replace(old, new)
        file.write_text(text)


def _health_of(stack: Stack, name: str, process: subprocess.Popen[bytes]) -> str | None:
    assert process.poll() is None, (stack.folder / f"{name}.log").read_text()
    asked = stack.health(name)
    return None if asked.returncode == 0 else f"{name}: {asked.stderr}"


def _eventually(why_not: Callable[[], str | None], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (reason := why_not()) is not None:
        assert time.monotonic() < deadline, reason


def _make_a_slot(stack: Stack, folder: Path) -> str:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    file = folder / "venue.json"
    pattern = {"name": "Dinner", "start_times": ["19:00"], "minutes": 90, "capacity": 5}
    resource = {"name": "Room", "counted_in": "parties", "max_quantity": 6, "schedules": [pattern]}
    file.write_text(json.dumps(VENUE | {"resources": [resource]}))
    made = stack.call("migrate", "ops.add_venue", str(file))
    assert made.returncode == 0, made.stderr
    _, found = _ask(stack.web_port, f"/api/v1/venues/quayside/slots?from={tomorrow}T00:00:00Z")
    return str(found["items"][0]["id"])


def _ask(port: int, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
    content = json.dumps(body) if body else None
    connection.request("POST" if body else "GET", path, body=content, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())
