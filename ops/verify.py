"""Prove the invariants on a live database: one line a violation, exit 1 if there is any."""

import sys
import time

from rich.console import Console

from booking.invariants import QUESTIONS, check_all
from models.database import engine


def main() -> int:
    """Print violations and a verdict; return the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    count = 0
    with engine().connect() as connection:
        for violation in check_all(connection):
            count += 1
            console.print(str(violation), markup=False)
    seconds = time.monotonic() - started
    verdict = f"{count} violations" if count else "all invariants hold"
    console.print(f"verify: {len(QUESTIONS)} questions, {verdict}, {seconds:.1f} s")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
