"""`bench search`: a database with a long history against a small one, asked in turn."""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from rich.table import Table

from ops import screen
from ops.bench.report import write
from ops.bench.rows import Size, make_rows
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

ROUNDS = 3
SMALL = Size("small", slots=10_000, times=1)
GOAL_MS = 15.0
GOAL_RATIO = 1.5

Times = dict[str, list[float]]


def bench_search(*, slots: int, count: int, folder: Path) -> int:
    """Compare searches in a large database with a small one; 0 when the goals are reached.

    The venues grow tenfold, the history takes what is left of the `slots`.
    """
    large = Size("large", slots=slots, times=10)
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place)) as found,
    ):
        rows = {size.name: _make(found, size) for size in (SMALL, large)}
        rounds = []
        with screen.step("searching") as show:
            for number in range(1, ROUNDS + 1):
                show(f"round {number} of {ROUNDS}")
                # Turn about, so that whatever else the machine does meets both.
                rounds.append({name: _search(found, name, count, number) for name in rows})
    figures = _figures(rounds)
    screen.out.print(_table(figures))
    write(
        "search",
        folder,
        rounds=ROUNDS,
        searches_a_round=count,
        sizes={size.name: asdict(size) | {"days": size.days} for size in (SMALL, large)},
        rows=rows,
        searches=figures,
    )
    return 0 if figures["all"]["reached"] else 1


def _make(found: Servers, size: Size) -> dict[str, int]:
    with screen.step(f"making the {size.name} database, {size.slots:,} slots"):
        make_migrated_database(found, size.name)
        with psycopg.connect(found.cluster.url(size.name), autocommit=True) as database:
            return make_rows(database, size)


def _search(found: Servers, name: str, count: int, seed: int) -> Times:
    """Run the searches in a process of their own. Raises OpsError."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        leashed(
            [sys.executable, "-m", "ops.bench.searches", f"--count={count}", f"--seed={seed}"],
        ),
        cwd=ROOT,
        env=kept
        | {
            "DATABASE_URL": found.runtime_url(name),
            "REDIS_URL": found.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
            # What is measured is the database; the cache is measured beside it.
            "HOLDFAST_SEARCH_CACHE_SECONDS": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"the searches failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    # Lines of the log may come before it.
    times: Times = json.loads(done.stdout.splitlines()[-1])
    return times


def _figures(rounds: list[dict[str, Times]]) -> dict[str, dict[str, Any]]:
    names = list(rounds[0]["small"])
    figures = {name: _compare([_only(each, [name]) for each in rounds]) for name in names}
    # What is told from memory is no search of the database.
    asked = [name for name in names if not name.startswith("again")]
    return figures | {"all": _compare([_only(each, asked) for each in rounds])}


def _only(each: dict[str, Times], names: list[str]) -> dict[str, list[float]]:
    return {size: [ms for name in names for ms in times[name]] for size, times in each.items()}


def _compare(rounds: list[dict[str, list[float]]]) -> dict[str, Any]:
    """Return the medians of the rounds, and their spread."""
    found: dict[str, Any] = {}
    for size in ("small", "large"):
        cuts = [statistics.quantiles(each[size], n=100) for each in rounds]
        p95s = sorted(cut[94] for cut in cuts)
        found[size] = {
            "p50_ms": round(statistics.median(cut[49] for cut in cuts), 2),
            "p95_ms": round(statistics.median(p95s), 2),
            "p95_from_to_ms": [round(p95s[0], 2), round(p95s[-1], 2)],
        }
    for cut in ("p50", "p95"):
        ratio = found["large"][f"{cut}_ms"] / found["small"][f"{cut}_ms"]
        found[f"{cut}_ratio"] = round(ratio, 2)
    found["reached"] = found["large"]["p95_ms"] <= GOAL_MS and found["p95_ratio"] <= GOAL_RATIO
    return found


def _table(figures: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for head in ("ms", "small p50", "p95", "large p50", "p95", "ratio p50", "p95"):
        table.add_column(
            head, justify="left" if head == "ms" else "right", no_wrap=True, min_width=5
        )
    for name, found in figures.items():
        cells = [found[size][cut] for size in ("small", "large") for cut in ("p50_ms", "p95_ms")]
        ratios = [found["p50_ratio"], found["p95_ratio"]]
        table.add_row(name, *(f"{value:.2f}" for value in cells + ratios))
    return table
