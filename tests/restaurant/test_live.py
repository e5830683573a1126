"""Clients as other people wrote them, over real connections: forms of both kinds, and retries."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import UUID

import aiohttp
import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from models import CountedIn, Slot
from tests.factories import make_resource, make_venue
from tests.restaurant.asking import API, NAME, TOKEN, booking_form, cancel_form, search_form
from tests.restaurant.conftest import make_sitting

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """A server on a port of its own; its address below which the calls are."""
    made = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.port}{API}/{NAME}"
    made.shutdown()
    thread.join(5)


@pytest.fixture
def table(committed_db: Session, day: date, decider: Callable[[UUID], None]) -> Slot:
    """Noon at The Hungry Unicorn, with a worker."""
    venue = make_venue(slug=NAME, time_zone="Europe/London")
    room = make_resource(venue, counted_in=CountedIn.PARTIES, max_quantity=8)
    made = make_sitting(room, day, time(12))
    make_sitting(room, day, time(12, 30))
    decider(room.id)
    return made


def test_a_client_that_sends_urlencoded_forms(server: str, table: Slot, day: date) -> None:
    def call(method: str, path: str, form: dict[str, Any] | None = None) -> tuple[int, Any]:
        body = urlencode(form).encode() if form is not None else None
        # Several clients name a form on every call, also where there is none.
        mimetype = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = Request(server + path, body, HEADERS | mimetype, method=method)
        try:
            with urlopen(asked, timeout=5) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    _, found = call("POST", "/AvailabilitySearch", search_form(day))
    free = [slot["time"] for slot in found["available_slots"] if slot["available"]]
    status, made = call("POST", "/BookingWithStripeToken", booking_form(day, free[0]))
    reference = made["booking_reference"]

    assert (status, made["status"]) == (200, "confirmed")
    assert call("GET", f"/Booking/{reference}")[1]["visit_time"] == "12:00:00"
    changed = call("PATCH", f"/Booking/{reference}", {"VisitTime": free[1], "PartySize": 4})
    assert changed[1]["updates"] == {"visit_time": "12:30:00", "party_size": 4}
    assert call("PATCH", f"/Booking/{reference}")[1]["status"] == "no_changes"
    cancelled = call("POST", f"/Booking/{reference}/Cancel", cancel_form(reference))
    assert cancelled[1]["cancellation_reason"] == "Customer Request"
    again = call("POST", f"/Booking/{reference}/Cancel", cancel_form(reference))
    assert again == (400, {"detail": "Booking is already cancelled"})
    assert call("GET", "/Booking/ZZZZZZZ") == (404, {"detail": "Booking not found"})


def test_clients_that_send_multipart_all_at_once(server: str, table: Slot, day: date) -> None:
    """Twelve forms for three tables, each with the five seconds of an impatient client."""

    async def book(session: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in (booking_form(day) | {"Customer[Surname]": ""}).items():
            form.add_field(name, value)
        async with session.post(f"{server}/BookingWithStripeToken", data=form) as answer:
            return answer.status, await answer.json()

    async def rush() -> list[tuple[int, dict[str, Any]]]:
        patience = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(headers=HEADERS, timeout=patience) as session:
            return await asyncio.gather(*(book(session) for _ in range(12)))

    answers = asyncio.run(rush())

    assert sorted(status for status, _ in answers) == [200] * 3 + [400] * 9
    refused = {body["detail"] for status, body in answers if status == 400}
    assert refused == {"Selected time slot is not available"}


def test_of_many_who_cancel_at_once_one_is_told_so(server: str, table: Slot, day: date) -> None:
    def call(path: str, form: dict[str, Any], method: str = "POST") -> tuple[int, Any]:
        asked = Request(server + path, urlencode(form).encode(), HEADERS, method=method)
        try:
            with urlopen(asked, timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)["detail"]

    reference = call("/BookingWithStripeToken", booking_form(day))[1]["booking_reference"]
    start = threading.Barrier(8)

    def together(number: int) -> tuple[int, Any]:
        start.wait(10)
        if number % 2:
            return call(f"/Booking/{reference}", {"PartySize": number}, "PATCH")
        return call(f"/Booking/{reference}/Cancel", cancel_form(reference, 1 + number % 5))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(together, range(8)))

    cancelled, changed = answers[::2], answers[1::2]
    assert sorted(status for status, _ in cancelled) == [200, 400, 400, 400]
    told = {sentence for status, sentence in cancelled if status == 400}
    assert told == {"Booking is already cancelled"}
    late = {sentence for status, sentence in changed if status == 400}
    assert late <= {"Cannot update cancelled booking"}
    kept = call(f"/Booking/{reference}/Cancel", cancel_form(reference))
    assert kept == (400, "Booking is already cancelled")
