"""One request id leads through the logs: the call, the decision in a worker, the mail."""

import json
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.actors import DECIDER
from booking.trail import PORTION, Step, note_steps
from booking.transactions import transaction
from tests.api.asking import body_for
from tests.engine.books import place
from tests.factories import make_slot
from tests.messages.mailserver import MailServer
from tests.races.meeting import wait_until
from tests.workers.processes import decide_worker, running, web_server

pytestmark = pytest.mark.xdist_group("worker")

AT = datetime(2027, 1, 1, tzinfo=UTC)
ADA = {"email": "ada@example.com", "full_name": "Ada Moreau", "phone": "+44 20 7946 0000"}


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return what was logged as JSON."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def told(log: Path, event: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(log) if line["event"] == event]


@pytest.mark.real_doorbell
def test_a_request_is_followed_from_the_call_to_the_mail(
    committed_db: Session, tmp_path: Path
) -> None:
    web, decide, mail = (tmp_path / name for name in ("web", "decide", "mail"))
    server = MailServer()
    server.start()
    mailer = [sys.executable, "-m", "ops.worker", "mails", "mail", "1", "threads"]
    wanted = body_for(make_slot(), customer=ADA)
    committed_db.commit()
    with (
        web_server(web, HOLDFAST_WEB_WORKERS="1") as address,
        decide_worker(decide, SMTP_URL=server.url),
        running(mailer, mail, SMTP_URL=server.url),
    ):
        asked = urllib.request.Request(
            f"{address}/api/v1/bookings",
            json.dumps(wanted).encode(),
            {"Content-Type": "application/json", "X-Request-Id": "walk-42"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            booking = json.load(answer)
            echoed = answer.headers["X-Request-Id"]
        wait_until(lambda: bool(told(mail, "message_sent")), f"the mail is sent; see {mail}", 20)
    server.stop()

    assert echoed == "walk-42"
    (called,) = (line for line in told(web, "request") if line["request_id"] == "walk-42")
    assert (called["status"], called["route"]) == (202, "/api/v1/bookings")
    (batch,) = told(decide, "holds_decided")
    assert batch["bookings"] == [
        {"id": booking["id"], "status": "confirmed", "request_id": "walk-42"}
    ]
    (sent,) = told(mail, "message_sent")
    assert (sent["booking_id"], sent["request_id"]) == (booking["id"], "walk-42")
    everything = web.read_text() + decide.read_text() + mail.read_text()
    for secret in ("ada@", "Moreau", "7946", booking["reference"], booking["access_token"]):
        assert secret not in everything


def test_what_is_rolled_back_leaves_no_trail(
    db: Session, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    booking = place(make_slot())
    step = Step(booking.id, "confirmed", None, "a-request", None, AT)

    def decide(*, fails: bool) -> None:
        with transaction() as tx:
            note_steps(tx, booking.resource_id, [step], by=DECIDER, at=AT)
            if fails:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide(fails=True)
    rolled_back = list(logged)
    decide(fails=False)

    assert rolled_back == []
    assert [line["event"] for line in logged] == ["holds_decided"]


def test_no_line_is_longer_than_collectors_take(
    db: Session, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    booking = place(make_slot())
    steps = [
        Step(booking.id, "rejected", "too_many_holds", "x" * 64, None, AT)
        for _ in range(2 * PORTION + 1)
    ]

    with transaction() as tx:
        note_steps(tx, booking.resource_id, steps, by=DECIDER, at=AT)

    assert [len(line["bookings"]) for line in logged] == [PORTION, PORTION, 1]
    assert max(len(json.dumps(line)) for line in logged) < 16_000
