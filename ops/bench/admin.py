"""`bench admin`: the owners' pages of one large venue, against the same pages of a small one.

Five bookings a slot, and a message a booking. The pages are asked of the web application itself, as
an owner who is signed in.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import psycopg
from rich.table import Table

from ops import screen
from ops.bench.report import Goal, show_goals, write
from ops.bench.rows import Size, make_rows
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

GOAL_MS = 300.0
BOOKINGS_A_SLOT = 5
# Three months of slots, all of them ahead: as many as the large one has to come.
SMALL_SLOTS = 16_744


def bench_admin(*, slots: int, count: int, folder: Path) -> int:
    """Open each page so many times; 0 when each median reaches the goal."""
    sizes = [_size("small", SMALL_SLOTS), _size("large", slots)]
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place)) as found,
    ):
        rows = {size.name: _make(found, size) for size in sizes}
        times = {}
        for size in sizes:
            with screen.step(f"opening the pages of the {size.name} venue"):
                times[size.name] = _open(found, size.name, count)
    figures = {page: {name: _cuts(times[name][page]) for name in times} for page in times["large"]}
    screen.out.print(_table(figures))
    slowest = max(each["large"]["p50_ms"] for each in figures.values())
    goal = Goal("ms, median of the slowest page", slowest, most=GOAL_MS)
    show_goals([goal])
    write(
        "admin",
        folder,
        [goal],
        each_page=count,
        sizes={size.name: asdict(size) | {"days": size.days} for size in sizes},
        rows=rows,
        pages=figures,
    )
    return 0 if goal.is_reached else 1


def _size(name: str, slots: int) -> Size:
    return Size(name, slots=slots, times=1, bookings_a_slot=BOOKINGS_A_SLOT, is_one_venue=True)


def _make(found: Servers, size: Size) -> dict[str, int]:
    with screen.step(f"making the {size.name} venue, {size.slots:,} slots"):
        make_migrated_database(found, size.name)
        with psycopg.connect(found.cluster.url(size.name), autocommit=True) as database:
            return make_rows(database, size)


def _open(found: Servers, name: str, count: int) -> dict[str, list[float]]:
    """Open the pages in a process of their own. Raises OpsError."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        leashed([sys.executable, "-m", "ops.bench.admin_pages", f"--count={count}"]),
        cwd=ROOT,
        env=kept
        | {
            "DATABASE_URL": found.runtime_url(name),
            "REDIS_URL": found.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "HOLDFAST_RATE_LIMITS": "0",
            "HOLDFAST_LOG_LEVEL": "ERROR",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"the pages failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    times: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return times


def _cuts(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20)
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}


def _table(figures: dict[str, dict[str, dict[str, float]]]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for head in ("ms", "small p50", "p95", "large p50", "p95"):
        table.add_column(head, justify="left" if head == "ms" else "right", no_wrap=True)
    for page, found in figures.items():
        cells = [found[size][cut] for size in found for cut in ("p50_ms", "p95_ms")]
        table.add_row(page, *(f"{value:.0f}" for value in cells))
    return table
