"""What a bench has found: where it was measured, the spread of its rounds, and the file."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from ops import screen


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure beside what it is to be: at least or at most so much."""

    name: str
    found: float
    least: float | None = None
    most: float | None = None

    @property
    def is_reached(self) -> bool:
        """Whether the figure is on the right side."""
        return (self.least is None or self.found >= self.least) and (
            self.most is None or self.found <= self.most
        )

    @property
    def wanted(self) -> str:
        """Return the goal in words."""
        return f"at least {self.least:,g}" if self.least is not None else f"at most {self.most:,g}"


def middle(values: Sequence[float]) -> dict[str, float]:
    """Return the median of the rounds, and their spread."""
    return {
        "median": round(statistics.median(values), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
    }


def spread(found: dict[str, float]) -> str:
    """Write a median with its spread."""
    return f"{found['median']:,.0f} ({found['least']:,.0f} to {found['most']:,.0f})"


def show_goals(goals: Sequence[Goal]) -> None:
    """Print each goal with what was found."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    for goal in goals:
        verdict = "[green]reached[/]" if goal.is_reached else "[red]not reached[/]"
        table.add_row(goal.name, f"{goal.found:,.2f}", goal.wanted, verdict)
    screen.out.print(table)


def write(bench: str, folder: Path, goals: Sequence[Goal] = (), **figures: Any) -> None:
    """Write the figures as JSON, with the machine and its load, and say where."""
    report = {
        "bench": bench,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.platform()}",
        "load": load(),
        **figures,
        **({"goals": [_plain(goal) for goal in goals]} if goals else {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{bench}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    screen.note(f"written: {path}")


def load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return round(os.getloadavg()[0], 2)


def _plain(goal: Goal) -> dict[str, Any]:
    return asdict(goal) | {"found": round(goal.found, 2), "reached": goal.is_reached}
