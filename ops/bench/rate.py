"""`bench rate`: how long callers wait when bookings come at a steady rate."""

from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from ops import screen
from ops.bench.generator import Load, ask
from ops.bench.report import Goal, show_goals, write
from ops.bench.stage import HOT, SLOTS, Server, Stage, stage
from ops.errors import OpsError

RATE = 200
ACCEPT_P95_MS, DECIDED_P95_MS = 50, 250


def bench_rate(*, seconds: float, folder: Path) -> int:
    """Ask at a steady rate, then again waiting for the last word; 0 when the goals are reached."""
    with stage() as found:
        return rate_on(found, seconds=seconds, folder=folder)


def rate_on(found: Stage, *, seconds: float, folder: Path) -> int:
    """Measure on servers that run already."""
    server = found.ours
    with screen.step(f"asking {RATE} times a second"):
        ask(server.url, Load("rw", HOT + 1, SLOTS, 2, rate=RATE))
        server.settle()
        last = _last_number(server)
        accepted = ask(server.url, Load("r", HOT + 1, SLOTS, seconds, rate=RATE))
        server.settle()
        p50, p95, most = _decided_after(server, last)
        told = ask(server.url, Load("rt", HOT + 1, SLOTS, seconds, waits=True, rate=RATE))
        server.settle()
    if not server.is_right():
        raise OpsError("the places that are taken are not those of the bookings")
    found.verify()
    goals = [
        Goal("asked to accepted, p95 ms", accepted.p95_ms, most=ACCEPT_P95_MS),
        Goal("accepted to decided, p95 ms", p95, most=DECIDED_P95_MS),
    ]
    table = Table(box=None, padding=(0, 2))
    for head in ("ms", "p50", "p95", "p99 or most"):
        table.add_column(head, justify="left" if head == "ms" else "right")
    for name, cuts in (
        ("asked to accepted", (accepted.p50_ms, accepted.p95_ms, accepted.p99_ms)),
        ("accepted to decided", (p50, p95, most)),
        ("asked to told, waiting", (told.p50_ms, told.p95_ms, told.p99_ms)),
    ):
        table.add_row(name, *(f"{cut:.1f}" for cut in cuts))
    screen.out.print(table)
    show_goals(goals)
    write(
        "rate",
        folder,
        goals,
        bookings_per_second=RATE,
        seconds=seconds,
        accepted=asdict(accepted),
        decided_after_ms={"p50": p50, "p95": p95, "most": most},
        told=asdict(told),
    )
    return 0 if all(goal.is_reached for goal in goals) else 1


def _last_number(server: Server) -> int:
    row = server.database.execute("SELECT max(seq) FROM bookings").fetchone()
    return int(row[0]) if row else 0


def _decided_after(server: Server, last: int) -> tuple[float, float, float]:
    """Return p50, p95 and the most of the milliseconds from acceptance to decision."""
    row = server.database.execute(_DECIDED_AFTER, [last]).fetchone()
    if row is None:
        raise OpsError("nothing was decided")
    p50, p95, most = (1000 * float(cut) for cut in (*row[0], row[1]))
    return p50, p95, most


_DECIDED_AFTER = """
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY waited), max(waited)
FROM (SELECT extract(epoch FROM decided_at - created_at) AS waited
      FROM bookings WHERE seq > %s) AS decided
"""
