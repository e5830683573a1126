"""The benches run, check what they have booked, and write what they found."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.bench.report import Goal, middle
from ops.environment import ROOT
from ops.testing import OURS

pytestmark = pytest.mark.timeout(240)


def bench(name: str, *arguments: str, data: Path) -> dict[str, Any]:
    """Run a bench and return its figures; goals that are not reached are its exit code alone."""
    done = subprocess.run(
        [sys.executable, "-m", "ops", "bench", name, "--data", str(data), *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        capture_output=True,
        text=True,
        check=False,
    )
    files = list((data / "bench").glob(f"{name}-*.json"))
    assert len(files) == 1, done.stdout + done.stderr
    report = dict(json.loads(files[0].read_text()))
    assert done.returncode == (0 if all(goal["reached"] for goal in report["goals"]) else 1)
    return report


def test_bookings_are_compared_with_the_reference(tmp_path: Path) -> None:
    report = bench("bookings", "--rounds=1", "--seconds=1", data=tmp_path)

    rates = report["bookings_per_second"]
    assert len(rates) == 6
    assert all(rate["median"] > 0 for rate in rates.values())
    assert len(report["goals"]) == 6
    ours = report["rounds"]["hot, waited for"][0]
    assert ours["bookings"] >= ours["answers"] > 0
    assert ours["processor_ms_a_booking"]["web"] > 0


def test_decisions_are_compared_with_one_by_one(tmp_path: Path) -> None:
    report = bench("decisions", "--rounds=1", "--holds=300", data=tmp_path)

    assert report["rates"]["holdfast"]["median"] > 0
    assert report["rates"]["pgbench, one by one"]["median"] > 0
    assert report["goals"][0]["least"] == 12_000


def test_a_goal_is_reached_on_its_own_side() -> None:
    assert Goal("", 4.0, least=4.0).is_reached
    assert not Goal("", 3.99, least=4.0).is_reached
    assert Goal("", 50, most=50).is_reached
    assert not Goal("", 50.1, most=50).is_reached


def test_the_middle_of_the_rounds_is_not_moved_by_one() -> None:
    assert middle([3.0, 100.0, 2.0]) == {"median": 3.0, "least": 2.0, "most": 100.0}
