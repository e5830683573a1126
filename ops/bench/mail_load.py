"""Inner program of `bench mail`: book at a steady rate, and say how long the mails took.

Prints one JSON object, in seconds from confirmed to taken.
"""

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from uuid import UUID, uuid4

from sqlalchemy import extract, func, select

from booking.catalogue import add_resource_in, add_venue_in
from booking.holds import Contact, HoldRequest, place_hold
from booking.transactions import reading, transaction
from models import Booking, CountedIn, Kind, Notification, NotificationState, Slot, Told

LANGUAGES = ("en", "de", "fr", "es")
RESOURCES = 8
MOST_SECONDS = 120


def main() -> int:
    """Book, wait for the last mail, print; return the exit code."""
    arguments = argparse.ArgumentParser(prog="bench mail")
    arguments.add_argument("--rate", type=float, required=True)
    arguments.add_argument("--seconds", type=int, required=True)
    options = arguments.parse_args()
    venue_id, slot_ids = _make_venue()
    _book(slot_ids, rate=options.rate, count=round(options.rate * options.seconds))
    if not _wait_until_sent(venue_id):
        sys.stderr.write(f"not everything was sent within {MOST_SECONDS} s\n")
        return 1
    found = _seconds(venue_id)
    cuts = statistics.quantiles(found, n=100)
    figures = {
        "mails": len(found),
        "p50_s": round(cuts[49], 3),
        "p95_s": round(cuts[94], 3),
        "max_s": round(max(found), 3),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _make_venue() -> tuple[int, list[UUID]]:
    """Make a venue that hears of each booking at once: a booking is two mails."""
    name = uuid4().hex
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    with transaction() as tx:
        venue = add_venue_in(
            tx, slug=name, name="Bench", kind=Kind.BOATS, time_zone="Europe/London", currency="GBP"
        )
        venue.contact_email, venue.told_of_bookings = "host@example.com", Told.AT_ONCE
        slots = []
        for number in range(RESOURCES):
            resource = add_resource_in(
                tx,
                venue,
                name=f"Boat {number}",
                counted_in=CountedIn.SEATS,
                max_quantity=10,
                attributes={"has_ac": False, "capacity": 100_000},
            )
            slots.append(
                Slot(
                    resource_id=resource.id,
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(hours=2),
                    sold_until=starts_at,
                    local_on=starts_at.date(),
                    capacity=100_000,
                    remaining=100_000,
                    currency="GBP",
                )
            )
        tx.add_all(slots)
        tx.flush()
        return venue.id, [slot.id for slot in slots]


def _book(slot_ids: list[UUID], *, rate: float, count: int) -> None:
    begun = time.monotonic()
    languages, slots = cycle(LANGUAGES), cycle(slot_ids)
    for number in range(count):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        place_hold(
            HoldRequest(
                slot_ids=(next(slots),),
                quantity=2,
                customer=Contact(f"{uuid4().hex}@example.com", "Ada Moreau", "+442079460958"),
                language=next(languages),
            )
        )


def _wait_until_sent(venue_id: int) -> bool:
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        with reading() as tx:
            pending = select(Booking.id).where(
                Booking.venue_id == venue_id, Booking.confirmed_at.is_(None)
            )
            waiting = select(Notification.id).where(
                Notification.venue_id == venue_id, Notification.state != NotificationState.SENT
            )
            if not tx.scalar(select(pending.exists() | waiting.exists())):
                return True
        time.sleep(0.2)
    return False


def _seconds(venue_id: int) -> list[float]:
    with reading() as tx:
        waited = extract("epoch", Notification.sent_at - Booking.confirmed_at)
        return [
            float(seconds)
            for seconds in tx.scalars(
                select(func.greatest(waited, 0))
                .join(Booking, Booking.id == Notification.booking_id)
                .where(Notification.venue_id == venue_id)
            )
        ]


if __name__ == "__main__":
    sys.exit(main())
