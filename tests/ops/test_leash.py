"""A leashed process ends with its parent, however that ends."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ops.identity import Identity, leashed, server_identity

PARENT = """
import subprocess, sys
child = subprocess.Popen({command!r})
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a parent's death")
def test_a_killed_parent_takes_its_child_along() -> None:
    parent, child = _parent_of(leashed(["sleep", "60"]))

    parent.kill()
    parent.wait()

    assert _ends(child, seconds=5)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes identity")
def test_the_leash_holds_across_the_change_of_identity() -> None:
    identity = server_identity()
    assert identity is not Identity.KEEP
    parent, child = _parent_of(leashed(["sleep", "60"], identity=identity))

    parent.kill()
    parent.wait()

    assert _ends(child, seconds=5)


def test_a_program_that_is_missing_is_named() -> None:
    done = subprocess.run(leashed(["no-such-program"]), capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.strip() == "cannot run no-such-program: No such file or directory"


def test_the_program_gets_signals_and_the_caller_its_exit_code() -> None:
    process = subprocess.Popen(leashed(["sleep", "60"]))
    _wait_for_exec(process.pid)

    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == -signal.SIGTERM


def _parent_of(command: list[str]) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(command=command)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    _wait_for_exec(child)
    return parent, child


def _wait_for_exec(pid: int) -> None:
    deadline = time.monotonic() + 10
    while psutil.Process(pid).name() != "sleep" and time.monotonic() < deadline:
        time.sleep(0.02)


def _ends(pid: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
