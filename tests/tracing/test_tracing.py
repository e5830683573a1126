"""Traces: one from the browser to the mail when they are on, nothing at all when they are off."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

import tracing
from booking.access import access_token
from models import Booking
from tests.api.asking import body_for
from tests.factories import make_booking, make_slot
from tests.messages.mailserver import MailServer
from tests.races.meeting import wait_until
from tests.tracing.collector import Collector, Span
from tests.workers.processes import decide_worker, running, web_server

pytestmark = pytest.mark.xdist_group("worker")

ROOT = Path(__file__).parents[2]
ADA = {"email": "ada@example.com", "full_name": "Ada Moreau", "phone": "+44 20 7946 0000"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROWSER = "00f067aa0ba902b7"


@dataclass(frozen=True, slots=True)
class Stack:
    """Web, decider and mail, all of which trace."""

    address: str
    collector: Collector
    logs: Path

    def ask(self, path: str, body: Any = None, **headers: str) -> Any:
        """Call, and return the answer's JSON; an error's as well."""
        request = urllib.request.Request(
            self.address + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def traced(self, *names: str) -> list[Span]:
        """Wait until spans of these names belong to the browser's trace, and return the trace."""

        def found() -> list[Span]:
            return [span for span in self.collector.spans() if span.trace_id == TRACE]

        wait_until(
            lambda: set(names) <= {span.name for span in found()},
            f"{names} are traced; see {self.logs}",
            20,
        )
        return found()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("traced")
    server = MailServer()
    server.start()
    with ExitStack() as parts:
        collector = parts.enter_context(Collector())
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SMTP_URL": server.url,
            "HOLDFAST_WEB_WORKERS": "1",
        }
        mailer = [sys.executable, "-m", "ops.worker", "mail", "mail", "1", "threads"]
        parts.enter_context(running(mailer, logs / "mail", **settings))
        parts.enter_context(decide_worker(logs / "decide", **settings))
        address = parts.enter_context(web_server(logs / "web", **settings))
        yield Stack(address, collector, logs)
    server.stop()


@pytest.mark.real_doorbell
def test_one_trace_leads_from_the_browser_to_the_mail(stack: Stack, committed_db: Session) -> None:
    wanted = body_for(make_slot(), customer=ADA)
    committed_db.commit()

    answer = stack.ask("/api/v1/bookings", wanted, traceparent=f"00-{TRACE}-{BROWSER}-01")
    spans = stack.traced("POST /api/v1/bookings", "run/bookings.decide", "decision", "mail")
    by_name = {span.name: span for span in spans}
    by_id = {span.id: span for span in spans}

    call, task, decision, mail = (
        by_name[name]
        for name in ("POST /api/v1/bookings", "run/bookings.decide", "decision", "mail")
    )
    booking = json.loads(answer)
    assert call.parent_id == BROWSER
    assert (call.service, call.attributes["http.status_code"]) == ("holdfast-web", 202)
    assert task.parent_id == call.id
    assert task.attributes["celery.task_name"] == "bookings.decide"
    assert (decision.parent_id, decision.links) == (call.id, (task.id,))
    assert decision.attributes["holdfast.booking_id"] == booking["id"]
    assert decision.attributes["holdfast.status"] == "confirmed"
    assert (mail.service, mail.parent_id) == ("holdfast-mail", call.id)
    queries = [span for span in spans if "db.statement" in span.attributes]
    of_call, of_task = (
        [span for span in queries if _is_below(span, top, by_id)] for top in (call, task)
    )
    assert any("INSERT INTO bookings" in span.attributes["db.statement"] for span in of_call)
    assert any("UPDATE bookings" in span.attributes["db.statement"] for span in of_task)


def test_no_span_knows_a_person_a_token_or_an_address(stack: Stack, committed_db: Session) -> None:
    booking = make_booking(make_slot(), email="grace@example.com", full_name="Grace Hopper")
    token = access_token(committed_db.get_one(Booking, booking.id))
    committed_db.commit()
    before = len(stack.collector.bodies)

    stack.ask(f"/bookings/{booking.reference}?token={token}")
    stack.ask(f"/bookings/{booking.reference}?token=wrong", **{"User-Agent": "grace's browser"})
    stack.ask(f"/nowhere/{booking.reference}?email=grace@example.com")
    stack.ask(f"/api/v1/bookings?email=grace@example.com&token={token}")
    wait_until(lambda: len(_calls(stack, before)) >= 4, "the calls are traced", 10)

    told = b"".join(stack.collector.bodies)
    for secret in ("grace", "Grace", "Hopper", booking.reference, token, token[-20:], "127.0.0.1"):
        assert secret.encode() not in told
    assert {span.name for span in _calls(stack, before)} == {
        "GET /bookings/<string:reference>",
        "GET /api/v1/bookings",
        "GET",
    }


def test_what_nobody_asked_for_begins_no_trace(stack: Stack) -> None:
    """The clock's tasks, the listener and the sweeper would fill every store with nothing."""
    stack.ask("/health/ready")
    stack.ask("/api/v1/venues")
    wait_until(
        lambda: "GET /api/v1/venues" in {span.name for span in stack.collector.spans()},
        "the call is traced",
        10,
    )

    roots = {span.name for span in stack.collector.spans() if not span.parent_id}

    assert {name.partition(" ")[0] for name in roots} == {"GET"}
    assert "GET /health/ready" not in roots


# The Redis client imports some of the rest by itself, where it is installed.
OFF = """
import sys
OURS = ("tracing.otel", "opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
import webapp, workers.app, workers.sweep, tracing
webapp.create_app()
tracing.start("here")
with tracing.continued("00-{0}-{1}-01", "x"), tracing.resumed(tracing.carrier()):
    assert not tracing.carrier()
print([name for name in OURS if name in sys.modules])
"""


def test_switched_off_nothing_of_it_is_loaded() -> None:
    assert _loaded() == "[]"


def test_switched_on_it_is_loaded() -> None:
    """The twin of the one above."""
    assert "opentelemetry.sdk.trace" in _loaded(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")


def test_off_it_costs_next_to_nothing() -> None:
    assert tracing.carrier() is tracing.carrier()
    assert not tracing.is_on()


def _loaded(**environment: str) -> str:
    program = re.sub(r"    assert not .*", "    pass", OFF) if environment else OFF
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _calls(stack: Stack, _before: int) -> list[Span]:
    return [
        span
        for span in stack.collector.spans()
        if span.name.startswith("GET") and "venues" not in span.name
        if span.service == "holdfast-web" and "http.status_code" in span.attributes
    ]


def _is_below(span: Span, top: Span, by_id: dict[str, Span]) -> bool:
    while span.parent_id in by_id:
        if span.parent_id == top.id:
            return True
        span = by_id[span.parent_id]
    return False
