"""A venue of each kind with something to book, a server, and a browser for each module."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from booking import waiting
from booking.decide import decide_pending
from models import CountedIn, Kind, Resource, Slot, Venue
from tests.factories import make_nights, make_resource, make_slot, make_venue
from tests.races.meeting import wait_until
from webapp.pages import live

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@dataclass
class Town:
    """A restaurant, boats and a hotel, each with a day in which there is something."""

    day: date
    restaurant: Venue
    room: Resource
    sittings: list[Slot]
    boats: Venue
    boat: Resource
    departures: list[Slot]
    hotel: Venue
    double: Resource
    nights: list[Slot]


@pytest.fixture
def worker(rings: list[UUID]) -> Iterator[None]:
    """A thread that decides whatever the engine rings for."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            while rings:
                decide_pending(rings.pop())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(5)


@pytest.fixture
def town(committed_db: Session, worker: None) -> Town:
    """A town in which what is asked for is decided at once."""
    day = (datetime.now(UTC) + timedelta(days=9)).date()
    restaurant = make_venue(slug="bistro", name="Bistro", kind=Kind.RESTAURANT, colour="#a33b20")
    room = make_resource(restaurant, name="Room", counted_in=CountedIn.PARTIES, max_quantity=8)
    sittings = [make_slot(room, starts_at=_at(day, hour), capacity=1, price=0) for hour in (18, 20)]
    boats = make_venue(slug="ferry", name="Ferry", kind=Kind.BOATS, time_zone="Asia/Bangkok")
    boat = make_resource(boats, name="Heron", attributes={"has_ac": True, "capacity": 10})
    departures = [
        make_slot(
            boat,
            starts_at=_at(day, hour),
            capacity=3,
            price=Decimal(25),
            attributes={"destination": "Coral Bay"},
        )
        for hour in (3, 8)
    ]
    hotel = make_venue(slug="inn", name="Inn", kind=Kind.HOTEL, currency="EUR")
    double = make_resource(hotel, name="Double", counted_in=CountedIn.ROOMS)
    nights = make_nights(double, first=day, nights=4, capacity=2, price=Decimal(110))
    return Town(day, restaurant, room, sittings, boats, boat, departures, hotel, double, nights)


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@pytest.fixture
def address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose streams look often, so that they soon notice who has left."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)
    # A stream that goes on would look into the next test's transaction.
    wait_until(lambda: not _answering(), "every stream has ended", 20)


def _answering() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if "process_request_thread" in name]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module and no longer: while it is there, nothing else can run an event loop."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as browsers:
        chromium = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a browser of one's own; whatever it complains of in its console fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    expected: list[str] = []

    def open_(viewport: Any = PHONE, **options: Any) -> Page:
        given = {"locale": "en-GB", "timezone_id": "UTC", "base_url": address} | options
        context = browser.new_context(viewport=viewport, **given)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    open_.expected = expected  # type: ignore[attr-defined]
    yield open_
    for context in contexts:
        context.close()
    assert [each for each in complaints if not any(text in each for text in expected)] == []
