"""Inner program of `bench purge`: purge all there is, or book meanwhile, and say how long it took.

Prints one JSON object.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from booking.decide import decide_pending
from booking.holds import Contact, HoldRequest, place_hold
from booking.privacy.purging import purge_stale
from booking.transactions import reading
from models import Slot

LONGEST_SECONDS = 120


def main() -> int:
    """Do what the arguments ask for; return the exit code."""
    arguments = argparse.ArgumentParser(prog="bench purge")
    arguments.add_argument("what", choices=("purge", "book"))
    arguments.add_argument("--after", type=float, default=0)
    arguments.add_argument("--rate", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=LONGEST_SECONDS)
    arguments.add_argument("--through", type=Path)
    options = arguments.parse_args()
    if options.what == "purge":
        time.sleep(options.after)
        found = _purge()
        if options.through:
            options.through.touch()
    else:
        found = _book(options.rate, options.seconds, _goes_on(options.through))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _purge() -> dict[str, Any]:
    begun = time.monotonic()
    turn = purge_stale(begun + LONGEST_SECONDS)
    return {"people": turn.counts.get("bookings", 0), "seconds": time.monotonic() - begun}


def _book(rate: int, seconds: float, goes_on: Callable[[], bool]) -> dict[str, Any]:
    """Book at a steady rate and decide each booking at once, as a worker would.

    Late or not, the next one is due when it is due: who waits is counted with their waiting.
    """
    slot_id, resource_id = _slot()
    times: list[float] = []
    begun = time.perf_counter()
    number = 0
    while (due := number / rate) < seconds and goes_on():
        time.sleep(max(0.0, begun + due - time.perf_counter()))
        person = Contact(email=f"new-{os.getpid()}-{number}@example.org", full_name="Somebody new")
        place_hold(HoldRequest(slot_ids=(slot_id,), quantity=1, customer=person))
        decide_pending(resource_id)
        times.append(1000 * (time.perf_counter() - begun - due))
        number += 1
    # The first ones open connections and plan statements.
    return {"ms": times[rate // 2 :]}


def _slot() -> tuple[UUID, UUID]:
    with reading() as tx:
        slot_id, resource_id = tx.execute(select(Slot.id, Slot.resource_id).limit(1)).one()
    return slot_id, resource_id


def _goes_on(file: Path | None) -> Callable[[], bool]:
    """Return whether the purge still works: it leaves a file when it is through."""
    return lambda: file is None or not file.exists()


if __name__ == "__main__":
    sys.exit(main())
