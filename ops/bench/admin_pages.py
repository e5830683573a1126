"""Inner program of `bench admin`: sign in as the venue's owner, open each page, tell how long.

Prints one JSON object: the milliseconds of every opening, by the name of the page.
"""

import argparse
import json
import random
import re
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from sqlalchemy import func, select

from booking.people import ensure_owner
from booking.transactions import reading
from models import Booking, Resource, Venue
from ops.bench.rows import DAYS_AHEAD

HERE = "https://localhost"
EMAIL = "owner@example.com"
WARMING = 2
_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')

Page = Callable[[], str]


def main() -> int:
    """Open each page so many times in turn; return the exit code."""
    arguments = argparse.ArgumentParser(prog="bench admin")
    arguments.add_argument("--count", type=int, required=True)
    options = arguments.parse_args()
    client = _sign_in()
    pages = _pages(random.Random(1))  # noqa: S311
    found: dict[str, list[float]] = {name: [] for name in pages}
    for turn in range(options.count + WARMING):
        for name, address in pages.items():
            milliseconds = _timed(client, address())
            if turn >= WARMING:
                found[name].append(milliseconds)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _sign_in() -> FlaskClient:
    from webapp import create_app

    password = secrets.token_urlsafe(24)
    with reading() as tx:
        venue_id = tx.scalars(select(Venue.id)).one()
    ensure_owner(email=EMAIL, password=password, venue_ids=[venue_id])
    client = create_app().test_client()
    page = client.get("/admin/login", base_url=HERE).text
    token = _TOKEN.search(page)
    given = {"email": EMAIL, "password": password, "csrf_token": token[1] if token else ""}
    client.post("/admin/login", data=given, base_url=HERE, headers={"Referer": HERE})
    return client


def _timed(client: FlaskClient, address: str) -> float:
    begun = time.perf_counter()
    answer = client.get(address, base_url=HERE)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return (time.perf_counter() - begun) * 1000


def _pages(dice: random.Random) -> dict[str, Page]:
    """Return the pages by name; each call gives the address of another day, room or booking."""
    with reading() as tx:
        rooms = [str(id_) for id_ in tx.scalars(select(Resource.id).order_by(Resource.id))]
        first, last = tx.execute(select(func.min(Booking.seq), func.max(Booking.seq))).one()

    def day() -> str:
        back = timedelta(days=dice.randrange(-DAYS_AHEAD + 2, 2))
        return (datetime.now(UTC) - back).date().isoformat()

    def booking() -> Any:
        with reading() as tx:
            return tx.scalars(select(Booking).where(Booking.seq == dice.randint(first, last))).one()

    def at(path: str, **query: Any) -> str:
        return f"/admin/{path}/?{urlencode(query)}"

    return {
        "first page": lambda: "/admin/",
        "bookings": lambda: at("bookings"),
        "bookings, page 40": lambda: at("bookings", page=40),
        "bookings, last page": lambda: at("bookings", page=_last_page(first, last)),
        "bookings of a day": lambda: at("bookings", day=day()),
        "bookings of a room and day": lambda: at(
            "bookings", resource=dice.choice(rooms), day=day()
        ),
        "bookings of a room": lambda: at("bookings", resource=dice.choice(rooms)),
        "bookings waiting": lambda: at("bookings", status="pending"),
        "bookings held": lambda: at("bookings", status="held"),
        "bookings completed": lambda: at("bookings", status="completed"),
        "bookings that there are none of": lambda: at("bookings", status="no_show"),
        "bookings by reference": lambda: at("bookings", reference=booking().reference),
        "bookings by three letters": lambda: at("bookings", reference=booking().reference[:3]),
        "bookings by e-mail": lambda: at("bookings", name=booking().contact_email),
        "bookings by name": lambda: at("bookings", name="guest"),
        "bookings by a name of nobody": lambda: at("bookings", name="zebulon"),
        "bookings by a channel of nobody": lambda: at("bookings", channel="telex"),
        "one booking": lambda: at("bookings/details", id=booking().id),
        "new booking": lambda: at("desk", resource=dice.choice(rooms), day=day()),
        "all of a room and day": lambda: at(
            "bookings", resource=dice.choice(rooms), day=day(), status="confirmed"
        ),
        "slots": lambda: at("slots"),
        "slots, page 40": lambda: at("slots", page=40),
        "slots of a day": lambda: at("slots", day=day()),
        "slots of a room": lambda: at("slots", resource=dice.choice(rooms)),
        "resources": lambda: at("resources"),
        "venues": lambda: at("venues"),
        "messages": lambda: at("messages"),
        "messages, last page": lambda: at("messages", page=_last_page(first, last)),
        "messages that there are none of": lambda: at("messages", state="refused"),
    }


def _last_page(first: int, last: int) -> int:
    """Return the last page that the house turns to."""
    return min(999, (last - first) // 25)


if __name__ == "__main__":
    sys.exit(main())
