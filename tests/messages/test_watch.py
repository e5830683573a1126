"""Mail goes while the broker is away: a real mail worker that no bell reaches."""

import signal
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from models import Resource
from ops.ports import free_port
from tests.factories import make_booking, make_slot
from tests.messages.conftest import messages_of
from tests.messages.mailserver import MailServer
from tests.races.meeting import wait_until
from tests.workers.processes import running

WORKER = [sys.executable, "-m", "ops.worker", "test-mail", "mail", "1", "threads"]


@pytest.mark.parametrize("alone_after", [0.5, 600], ids=["watching", "without the watch"])
def test_a_mail_is_sent_while_there_is_no_broker(
    committed_db: Session,
    server: MailServer,
    resource: Resource,
    tmp_path: Path,
    alone_after: float,
) -> None:
    environment = {
        "REDIS_URL": f"redis://127.0.0.1:{free_port(set())}/0",
        "SMTP_URL": server.url,
        "HOLDFAST_MAIL_ALONE_AFTER_SECONDS": str(alone_after),
    }
    booking = make_booking(make_slot(resource), email="ada@example.com")
    log = tmp_path / "mail.log"

    with running(WORKER, log, kill_with=signal.SIGKILL, **environment):
        if alone_after < 1:
            wait_until(lambda: messages_of(booking)[0].state == "sent", f"it is sent; {log}", 30)
            assert server.taken[0].recipients == ["ada@example.com"]
            assert "mail_alone" in log.read_text()
        else:
            wait_until(lambda: "Cannot connect" in _read(log), "the worker is up", 30)
            time.sleep(2)
            assert server.taken == []


def _read(log: Path) -> str:
    return log.read_text() if log.exists() else ""
