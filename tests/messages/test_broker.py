"""The whole way: a commit rings, a Celery worker hears it, and a mail server gets the mail."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery.contrib.testing.worker import start_worker
from sqlalchemy.orm import Session

from booking import notices
from booking.transactions import transaction
from celery_config import MAIL, app
from models import Notice, Resource
from tests.factories import make_booking, make_slot
from tests.messages.conftest import messages_of
from tests.messages.mailserver import MailServer
from tests.races.meeting import wait_until
from workers import couriers, notifications
from workers.post import Post


@contextmanager
def _worker() -> Iterator[None]:
    with start_worker(
        app, queues=[MAIL], pool="solo", perform_ping_check=False, shutdown_timeout=20
    ):
        yield


@pytest.mark.real_doorbell
def test_a_confirmed_booking_is_mailed_within_seconds(
    committed_db: Session,
    server: MailServer,
    post: Post,
    resource: Resource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert notifications.send.name == "notifications.send"
    monkeypatch.setattr(couriers, "_post", lambda: post)

    with _worker():
        booking = make_booking(make_slot(resource), email="ada@example.com")
        wait_until(lambda: bool(server.taken), "the mail is sent", seconds=10)
        wait_until(lambda: messages_of(booking)[0].state == "sent", "it is marked", seconds=5)

    assert server.taken[0].recipients == ["ada@example.com"]


def test_nothing_rings_for_what_is_rolled_back(
    db: Session, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(notices, "ring_for_mail", lambda: rung.append(True))
    booking = make_booking(make_slot(resource))
    before = len(rung)

    def fail() -> None:
        with transaction() as tx:
            notices.queue(tx, booking, Notice.CHANGED)
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert (before, len(rung)) == (1, 1)
