"""`bench` without a name: a short look at bookings, a steady rate and decisions."""

from pathlib import Path

from ops.bench.bookings import bookings_on
from ops.bench.decisions import bench_decisions
from ops.bench.rate import rate_on
from ops.bench.stage import stage


def bench_all(*, folder: Path) -> int:
    """Run all but the long ones; 0 when every goal is reached."""
    with stage() as found:
        missed = [
            bookings_on(found, rounds=2, seconds=3, folder=folder),
            rate_on(found, seconds=4, folder=folder),
        ]
    missed.append(bench_decisions(holds=10_000, rounds=2, folder=folder))
    return max(missed)
