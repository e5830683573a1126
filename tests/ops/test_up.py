"""`up` for real, in a data folder of its own: it comes up, survives every kill, and leaves nothing.

One after the other, by `--dist loadfile` of `./holdfast test`: each is eleven processes.
"""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from ops.environment import OURS, ROOT
from ops.leftovers import leftovers
from ops.ports import free_port

pytestmark = pytest.mark.timeout(240)

READY_SECONDS = 90
STOP_SECONDS = 40


class Up:
    """One `./holdfast up` and what it says."""

    def __init__(self, data: Path, *arguments: str, **environment: str) -> None:
        self.data = data
        self.port = free_port(set())
        self.log = data.with_name(f"{data.name}.log")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        command = [str(ROOT / "holdfast"), "up", "--no-sample", "--port", str(self.port)]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [*command, "--data", str(data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Wide, so that the one line of an error stays one line.
                env=kept | {"COLUMNS": "1000", "HOLDFAST_WEB_WORKERS": "1"} | environment,
                start_new_session=True,
            )

    def wait_until_ready(self) -> "Up":
        deadline = time.monotonic() + READY_SECONDS
        while "Holdfast is ready" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)
        return self

    def said(self) -> str:
        return self.log.read_text()

    def told(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill_everything(self) -> None:
        self.process.kill()
        self.process.wait()
        for process in leftovers(self.data):
            process.kill()

    def ready(self) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
            return dict(json.load(answer))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that the tests of this file share: only the first start makes a cluster."""
    folder = tmp_path_factory.mktemp("up") / "data"
    yield folder
    for process in leftovers(folder):
        process.kill()


@pytest.fixture
def up(data: Path, running: dict[str, Up]) -> Up:
    """A running installation: that of the test before, unless that has ended it."""
    if "up" not in running or running["up"].process.poll() is not None:
        running["up"] = Up(data).wait_until_ready()
    return running["up"]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Up]]:
    """What the tests of this file have left running."""
    held: dict[str, Up] = {}
    yield held
    for started in held.values():
        started.kill_everything()


def test_all_of_it_answers(up: Up) -> None:
    checks = up.ready()["checks"]
    told = up.told()
    with pytest.raises(HTTPError) as refused:
        urlopen(told["flower_url"], timeout=5)
    shown = up.said()

    assert set(checks.values()) == {"ok", "off"}
    assert refused.value.code == 401
    assert told["flower_login"].split(":")[1] in shown
    assert re.search(r"first owner +owner@example\.com / \S+", shown)
    assert "holdfast_app@" in shown


def test_metrics_are_those_of_all_our_processes_and_of_nobody_else(up: Up) -> None:
    with urlopen(f"http://127.0.0.1:{up.port}/metrics", timeout=5) as answer:
        shown = answer.read().decode()

    # A worker has shown that it lives, which the web process could not have counted.
    assert 'task="bookings.heartbeat"' in shown
    assert 'route="/health/ready"' in shown
    assert not re.search(r"^(?!#|holdfast_)", shown.strip(), re.MULTILINE)


def test_processes_are_not_told_who_owns_the_schema(up: Up) -> None:
    owner_url = up.told()["owner_database_url"]

    for process in leftovers(up.data):
        if process.pid != up.process.pid and process.name().startswith("python"):
            environment = process.environ()
            assert owner_url not in environment.values()
            assert "HOLDFAST_OWNER_PASSWORD" not in environment


def test_a_second_up_is_refused_and_harms_nothing(up: Up) -> None:
    second = Up(up.data)

    code = second.process.wait(30)

    assert code == 1
    assert "another `up` runs" in second.said()
    assert up.ready()["status"] == "ok"


def test_a_taken_port_is_named_and_nothing_starts(up: Up, tmp_path: Path) -> None:
    second = Up(tmp_path / "second", "--port", str(up.port))

    code = second.process.wait(30)

    assert code == 1
    assert f"port {up.port} on 127.0.0.1 is taken" in second.said()
    assert not (tmp_path / "second" / "postgres").exists()
    assert leftovers(tmp_path / "second") == []


def test_what_dies_is_started_again(up: Up) -> None:
    victims = [
        process
        for process in leftovers(up.data)
        if process.name() in ("postgres", "valkey-server") or "gunicorn" in process.cmdline()
    ]

    for process in victims:
        if psutil.pid_exists(process.pid):
            process.kill()

    _eventually(lambda: set(up.ready()["checks"].values()) == {"ok", "off"}, seconds=40)


def test_ctrl_c_leaves_nothing(up: Up) -> None:
    code = up.stop(signal.SIGINT)

    assert code == 0
    assert leftovers(up.data) == []
    assert not (up.data / "run.json").exists()


def test_a_killed_up_takes_all_along_and_a_new_one_comes_up(up: Up, running: dict[str, Up]) -> None:
    up.process.kill()
    up.process.wait()

    again = running["up"] = Up(up.data).wait_until_ready()

    assert set(again.ready()["checks"].values()) == {"ok", "off"}
    assert again.stop(signal.SIGTERM) == 0
    assert leftovers(up.data) == []


def test_all_killed_at_once_and_a_new_one_comes_up(up: Up, running: dict[str, Up]) -> None:
    up.kill_everything()

    again = running["up"] = Up(up.data).wait_until_ready()

    assert set(again.ready()["checks"].values()) == {"ok", "off"}


def test_a_killed_supervisor_ends_it_all(up: Up) -> None:
    os.kill(up.told()["supervisor_pid"], signal.SIGKILL)

    code = up.process.wait(STOP_SECONDS)

    assert code == 1
    assert "supervisord ended" in up.said()
    assert leftovers(up.data) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOLDFAST_WEB_THREADS", "none"),
        ("SECRET_KEY", "changeme"),
        ("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/x"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
    ],
)
def test_a_wrong_setting_is_one_line_and_nothing_starts(
    tmp_path: Path, variable: str, value: str
) -> None:
    started = Up(tmp_path / "data", **{variable: value})

    code = started.process.wait(30)

    assert code == 1
    assert started.said().startswith("holdfast: ")
    assert started.said().count("\n") == 1
    assert variable in started.said()
    assert leftovers(tmp_path / "data") == []
    assert not (tmp_path / "data" / "postgres").exists()


def _eventually(is_so: Any, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)
