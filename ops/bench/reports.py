"""`bench reports`: a list of very many bookings as CSV and as JSON, its speed and its memory."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
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

GOAL_ROWS_A_SECOND = 100_000
GOAL_MEMORY_MB = 200
_DATABASE = "reports"


def bench_reports(*, bookings: int, folder: Path) -> int:
    """List so many bookings of one venue; 0 when CSV reaches the goals."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place)) as found,
    ):
        with screen.step(f"making {bookings:,} bookings of one venue"):
            make_migrated_database(found, _DATABASE)
            rows = _make(found, bookings)
        figures = {}
        for form in ("csv", "json"):
            with screen.step(f"listing them as {form}"):
                figures[form] = _list(found, form, Path(place))
    screen.out.print(_table(figures))
    write("reports", folder, rows=rows, lists=figures)
    made = figures["csv"]
    reached = (
        made["state"] == "done"
        and made["rows_a_second"] >= GOAL_ROWS_A_SECOND
        and made["memory_mb"] <= GOAL_MEMORY_MB
    )
    return 0 if reached else 1


def _make(found: Servers, bookings: int) -> dict[str, int]:
    with psycopg.connect(found.cluster.url(_DATABASE), autocommit=True) as database:
        rows = make_rows(database, Size(_DATABASE, slots=bookings // 2, times=1))
        with database.transaction():
            database.execute("SET LOCAL session_replication_role = replica")
            database.execute("UPDATE bookings SET venue_id = 1, created_at = '2026-06-01'")
        database.execute("VACUUM (ANALYZE) bookings")
        return rows


def _list(found: Servers, form: str, place: Path) -> dict[str, Any]:
    """Make the list in a process of its own. Raises OpsError."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        leashed([sys.executable, "-m", "ops.bench.made_report", form]),
        cwd=ROOT,
        env=kept
        | {
            "DATABASE_URL": found.runtime_url(_DATABASE),
            "REDIS_URL": found.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "HOLDFAST_DATA": str(place / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"the report failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    # Lines of the log may come before it.
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _table(figures: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for head in ("file", "rows", "parts", "MB", "seconds", "rows/s", "memory MB"):
        table.add_column(head, justify="left" if head == "file" else "right", no_wrap=True)
    names = ("rows", "parts", "megabytes", "seconds", "rows_a_second", "memory_mb")
    for form, made in figures.items():
        table.add_row(form, *(f"{made[name]:,}" for name in names))
    return table
