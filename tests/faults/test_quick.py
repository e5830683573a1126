"""A quick selection of ./holdfast faults, on an installation of its own: no promise is broken.

Times depend on what else the machine does, so here only violations count. One after the other, by
`--dist loadfile`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.environment import OURS, ROOT
from ops.leftovers import leftovers

ROWS = ("P2", "R2", "D4", "C4")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one run of a few rows has written; it has left nothing running."""
    data = tmp_path_factory.mktemp("faults")
    done = run("--rows", ",".join(ROWS), "--quick", "--rate", "15", "--data", str(data))
    [file] = data.glob("faults/*/report.json")
    assert "Faults" in done.stdout, done.stdout + done.stderr
    assert leftovers(file.parent / "stack" / "up") == []
    return dict(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def found(report: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    return lambda name: next(each for each in report["rows"] if each["row"] == name)


@pytest.mark.parametrize("name", [name for name in ROWS if not name.startswith("C")])
def test_no_promise_is_broken(found: Callable[[str], dict[str, Any]], name: str):
    row = found(name)

    assert row["violations"] == []
    assert not [missed for missed in row["missed"] if missed.startswith("broke off")]
    assert row["faults"] > 0
    assert row["bookings"] > 10
    assert row["figures"]["looks"] > 0


def test_a_row_without_keys_is_seen_to_break(found: Callable[[str], dict[str, Any]]):
    assert found("C4")["violations"]


def test_the_seed_is_told(report: dict[str, Any]):
    assert {row["seed"] for row in report["rows"]} == {report["seed"]}


def test_an_unknown_row_is_one_line_that_names_those_there_are(tmp_path: Path):
    done = run("--rows", "X9", "--data", str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no row X9: there are P0, P1" in done.stderr
    assert list(tmp_path.iterdir()) == []


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person would, without the environment of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.run(
        [sys.executable, "-m", "ops", "faults", *arguments],
        cwd=ROOT,
        env=kept | {"COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
