"""A generator of load for where wrk is not, and for a steady rate.

Prints one JSON line, the same that `wrk.lua` prints.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass
class Seen:
    """What came back."""

    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0


def main() -> int:
    """Ask for so many seconds, and print the figures."""
    arguments = argparse.ArgumentParser(prog="bench.load")
    arguments.add_argument("url")
    arguments.add_argument("--seconds", type=float, required=True)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--rate", type=float, help="Bookings a second; as many as go, without.")
    arguments.add_argument("--round", required=True)
    arguments.add_argument("--first", type=int, required=True)
    arguments.add_argument("--slots", type=int, required=True)
    arguments.add_argument("--prefer")
    options = arguments.parse_args()
    seen = Seen()
    begun = time.perf_counter()
    asyncio.run(_run(options, seen))
    _print(seen, time.perf_counter() - begun)
    return 0


async def _run(options: argparse.Namespace, seen: Seen) -> None:
    headers = {"Prefer": options.prefer} if options.prefer else {}
    connector = aiohttp.TCPConnector(limit=0 if options.rate else options.connections)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        bodies = _bodies(options)
        if options.rate:
            await _steadily(session, options, bodies, seen)
        else:
            await _one_after_the_other(session, options, bodies, seen)


async def _steadily(
    session: aiohttp.ClientSession,
    options: argparse.Namespace,
    bodies: Iterator[dict[str, Any]],
    seen: Seen,
) -> None:
    """Ask at fixed instants whatever the answers do; each is timed from its instant."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(options.seconds * options.rate)):
            due = begun + number / options.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_ask(session, options.url, next(bodies), seen, since=due))


async def _one_after_the_other(
    session: aiohttp.ClientSession,
    options: argparse.Namespace,
    bodies: Iterator[dict[str, Any]],
    seen: Seen,
) -> None:
    """Ask again on each connection as soon as it has been answered."""
    until = time.perf_counter() + options.seconds

    async def go_on() -> None:
        while (now := time.perf_counter()) < until:
            await _ask(session, options.url, next(bodies), seen, since=now)

    await asyncio.gather(*(go_on() for _ in range(options.connections)))


async def _ask(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any], seen: Seen, *, since: float
) -> None:
    try:
        async with session.post(url, json=body) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        seen.broken += 1
        return
    seen.refused += answer.status >= 400
    seen.milliseconds.append(1000 * (time.perf_counter() - since))


def _bodies(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    dice = random.Random(options.round)  # noqa: S311
    count = 0
    while True:
        count += 1
        slot = options.first + dice.randrange(options.slots)
        yield {
            "slot_ids": [f"00000000-0000-4000-8000-{slot:012x}"],
            "quantity": 1,
            "customer": {
                "email": f"guest-{options.round}-0-{count}@example.com",
                "full_name": "Ada Moreau",
                "phone": "+442079460000",
            },
        }


def _print(seen: Seen, seconds: float) -> None:
    cuts = statistics.quantiles(seen.milliseconds or [0.0, 0.0], n=100)
    figures = {
        "answers": len(seen.milliseconds),
        "seconds": seconds,
        "refused": seen.refused,
        "broken": seen.broken,
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "p99_ms": cuts[98],
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    sys.exit(main())
