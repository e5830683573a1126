"""`check`: style, types, import directions, and whether the migrations lead to the models."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from ops import screen
from ops.environment import ROOT

BIN = Path(sys.executable).parent
CHECKS = {
    "style": [sys.executable, "-m", "ruff", "check", "."],
    "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "types": [sys.executable, "-m", "mypy"],
    "import directions": [str(BIN / "lint-imports")],
    "migration drift": [sys.executable, "-m", "ops.drift"],
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check went, and what it said."""

    name: str
    is_good: bool
    said: str
    seconds: float


def run_checks() -> int:
    """Run all of them, however the others go; return the exit code."""
    # As many at a time as a small machine has processors.
    with screen.step("checking"), ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(_run, CHECKS))
    for outcome in outcomes:
        if not outcome.is_good:
            screen.out.rule(outcome.name)
            screen.out.print(outcome.said.strip(), markup=False, soft_wrap=True)
    screen.out.print(_table(outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _run(name: str) -> Outcome:
    begun = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(name, done.returncode == 0, done.stdout, time.monotonic() - begun)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    for outcome in outcomes:
        verdict = "[green]good[/]" if outcome.is_good else "[bold red]failed[/]"
        table.add_row(outcome.name, verdict, f"[dim]{outcome.seconds:.1f} s[/]")
    return table
