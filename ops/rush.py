"""A rush on one slot: many people want few seats at once, over the API of a running `up`.

The verdict compares what the people were told with what the database says.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from sqlalchemy import func, select

from booking.catalogue import add_resource_in, add_venue_in
from booking.transactions import transaction
from models import Booking, CountedIn, Kind, Slot, Status, Venue
from settings import settings

CONNECTIONS = 200
LOOK_SECONDS = 20
GIVE_UP_SECONDS = 300
SLUG = "rush"


@dataclass(slots=True)
class Person:
    """One who wants a seat, and what they were told."""

    number: int
    reference: str | None = None
    token: str = ""
    status: str = "unanswered"
    seconds: float = 0.0
    turned_away: int = 0


@dataclass(slots=True)
class Rush:
    """The crowd and the slot that it wants."""

    slot_id: UUID
    resource_id: UUID
    seats: int
    people: list[Person] = field(default_factory=list)

    @property
    def accepted(self) -> list[Person]:
        """Those whose booking was accepted for decision."""
        return [person for person in self.people if person.reference is not None]

    def count(self, status: str) -> int:
        """How many were told that status."""
        return sum(person.status == status for person in self.people)


def main() -> int:
    """Run the rush, print the verdict, return 0 when every promise was kept."""
    arguments = argparse.ArgumentParser(prog="holdfast rush")
    arguments.add_argument("--people", type=_number, default=500)
    arguments.add_argument("--seats", type=_number, default=100)
    arguments.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = arguments.parse_args()
    console = Console(stderr=options.json)
    rush = _make_slot(options.seats)
    rush.people = [Person(number) for number in range(options.people)]
    started = time.monotonic()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
    ) as progress:
        asyncio.run(_run(rush, progress))
    figures = _verdict(rush, time.monotonic() - started)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        console.print(_table(figures))
    is_kept = not (figures["overbooked"] or figures["lost"] or not figures["order kept"])
    console.print("[green]Every promise was kept." if is_kept else "[red]A promise was broken.")
    return 0 if is_kept else 1


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("give a number from 1 to 100000")
    return number


def _make_slot(seats: int) -> Rush:
    """Make a resource and a slot for this rush alone, at a venue that is not listed."""
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    with transaction() as tx:
        venue = tx.scalar(select(Venue).where(Venue.slug == SLUG))
        if venue is None:
            venue = add_venue_in(
                tx,
                slug=SLUG,
                name="Rush",
                kind=Kind.BOATS,
                time_zone="UTC",
                currency="EUR",
                is_listed=False,
            )
        resource = add_resource_in(
            tx,
            venue,
            name=f"Rush of {datetime.now(UTC).isoformat()}",
            counted_in=CountedIn.SEATS,
            max_quantity=1,
            attributes={"has_ac": False, "capacity": seats},
        )
        slot = Slot(
            resource_id=resource.id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=2),
            sold_until=starts_at,
            local_on=starts_at.date(),
            capacity=seats,
            remaining=seats,
            currency="EUR",
        )
        tx.add(slot)
        tx.flush()
        return Rush(slot.id, resource.id, seats)


async def _run(rush: Rush, progress: Progress) -> None:
    asked = progress.add_task("asked   ", total=len(rush.people))
    answered = progress.add_task("answered", total=len(rush.people))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=GIVE_UP_SECONDS, sock_read=60)
    async with aiohttp.ClientSession(
        settings.base_url, connector=connector, timeout=timeout
    ) as session:
        crowd = [_go(session, rush, person, progress, asked, answered) for person in rush.people]
        await asyncio.gather(*crowd)


async def _go(
    session: aiohttp.ClientSession,
    rush: Rush,
    person: Person,
    progress: Progress,
    asked: TaskID,
    answered: TaskID,
) -> None:
    started = time.monotonic()
    try:
        await _ask(session, rush, person)
        progress.advance(asked)
        while person.reference is not None and person.status == Status.PENDING:
            await _look(session, person)
    except (aiohttp.ClientError, TimeoutError) as error:
        person.status = type(error).__name__
    person.seconds = time.monotonic() - started
    progress.advance(answered)


async def _ask(session: aiohttp.ClientSession, rush: Rush, person: Person) -> None:
    """Ask for a seat until the request is accepted, waiting as long as a busy server says."""
    body = {
        "slot_ids": [str(rush.slot_id)],
        "quantity": 1,
        "customer": {
            "email": f"person{person.number}@rush.example.com",
            "full_name": f"Person {person.number}",
            "phone": "+442079460000",
        },
        "channel": "rush",
    }
    key = f"{rush.slot_id}-{person.number}"
    while True:
        async with session.post(
            "/api/v1/bookings", json=body, headers={"Idempotency-Key": key}
        ) as answer:
            if answer.status == 503:
                person.turned_away += 1
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
                continue
            if answer.status not in (200, 202):
                person.status = f"http {answer.status}"
                return
            booking = await answer.json()
        person.reference, person.token = booking["reference"], booking["access_token"]
        person.status = booking["status"]
        return


async def _look(session: aiohttp.ClientSession, person: Person) -> None:
    """Ask what has become of it; a server that lets nobody wait is asked again a little later."""
    url = f"/api/v1/bookings/{person.reference}?wait={LOOK_SECONDS}"
    async with session.get(url, headers={"Authorization": f"Bearer {person.token}"}) as answer:
        if answer.status == 200:
            person.status = (await answer.json())["status"]
        elif answer.status != 503:
            person.status = f"http {answer.status}"
    if person.status == Status.PENDING:
        await asyncio.sleep(0.5)


def _verdict(rush: Rush, seconds: float) -> dict[str, Any]:
    """Compare what people were told with the rows."""
    told = {person.reference: person.status for person in rush.accepted}
    with transaction() as tx:
        rows = tx.execute(
            select(Booking.reference, Booking.status, Booking.decision_no)
            .where(Booking.resource_id == rush.resource_id, Booking.decision_no.is_not(None))
            .order_by(Booking.seq)
        ).all()
        written = tx.scalar(select(func.count()).where(Booking.resource_id == rush.resource_id))
    numbers = [row.decision_no for row in rows]
    decided = {row.reference: row.status for row in rows}
    confirmed = sum(status == Status.CONFIRMED for status in decided.values())
    first = [row.status for row in rows[: rush.seats]]
    times = sorted(person.seconds for person in rush.accepted) or [0.0]
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    return {
        "people": len(rush.people),
        "seats": rush.seats,
        "accepted": len(rush.accepted),
        "told confirmed": rush.count(Status.CONFIRMED),
        "told rejected": rush.count(Status.REJECTED),
        "overbooked": max(0, confirmed - rush.seats),
        "lost": sum(decided.get(reference or "") != status for reference, status in told.items())
        + abs((written or 0) - len(told)),
        "not accepted": len(rush.people) - len(rush.accepted),
        "order kept": numbers == sorted(numbers) and set(first) <= {Status.CONFIRMED},
        "turned away for a moment": sum(person.turned_away for person in rush.people),
        "seconds to the last answer": round(seconds, 2),
        "p50 s": round(cuts[49], 3),
        "p95 s": round(cuts[94], 3),
        "p99 s": round(cuts[98], 3),
    }


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title="The rush", show_header=False)
    for name, value in figures.items():
        table.add_row(name, ("yes" if value else "no") if isinstance(value, bool) else str(value))
    return table


if __name__ == "__main__":
    sys.exit(main())
