"""A mail server that is away for six hours: what goes out afterwards, how soon, and what does not.

The hours pass by moving the times in the rows.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from booking import breaker, outbox
from booking.changes import Change, change_booking
from booking.lifecycle import cancel_booking
from models import Breaker, Notification, Resource, Slot
from tests.factories import make_booking, make_slot
from tests.messages.conftest import all_messages, messages_of
from tests.messages.mailserver import MailServer
from workers.couriers import send_due
from workers.post import Post

HOURS = 6
MOST_SECONDS = 600
PROBES = 8


@pytest.fixture(autouse=True)
def rows(committed_db: Session) -> Session:
    return committed_db


def pass_by(rows: Session, seconds: float) -> None:
    """Let time pass for the messages and the breaker."""
    step = timedelta(seconds=seconds)
    rows.execute(
        update(Notification)
        .where(Notification.state == "queued")
        .values(due_at=Notification.due_at - step, created_at=Notification.created_at - step)
    )
    rows.execute(update(Breaker).values(shut_until=Breaker.shut_until - step))
    rows.commit()


def test_after_six_hours_all_that_is_still_true_is_sent_within_ten_minutes(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    slot = make_slot(resource, capacity=60, max_quantity=8)
    kept = [make_booking(slot) for _ in range(24)]
    changed = [make_booking(slot) for _ in range(6)]
    cancelled = [make_booking(slot) for _ in range(6)]
    passing = make_slot(resource)
    past = make_booking(passing)
    server.stop()
    for quantity in (3, 4):
        for booking in changed:
            change_booking(booking_id=booking.id, change=Change(quantity=quantity))
        send_due(post)
    for booking in cancelled:
        cancel_booking(booking_id=booking.id)
    for _ in range(PROBES):
        send_due(post)
        pass_by(rows, HOURS * 3600 / PROBES)
    ended = datetime.now(UTC) - timedelta(hours=1)
    rows.execute(
        update(Slot)
        .where(Slot.id == passing.id)
        .values(starts_at=ended - timedelta(hours=2), sold_until=ended, ends_at=ended)
    )
    rows.commit()

    server.start()
    waited = 0.0
    began = time.monotonic()
    while outbox.read_outbox().queued and waited < MOST_SECONDS:
        if not send_due(post):
            # Nobody's turn yet: a pause after a failure, or the breaker.
            pass_by(rows, 30)
            waited += 30
    seconds = time.monotonic() - began

    assert waited + seconds <= MOST_SECONDS
    assert breaker.read_breaker().failures == 0
    assert {message.state for message in all_messages()} == {"sent", "dropped"}
    assert [messages_of(booking)[0].state for booking in kept] == ["sent"] * 24
    for booking in changed:
        assert [each.state for each in messages_of(booking)] == ["dropped", "dropped", "sent"]
    for booking in cancelled:
        assert [each.state for each in messages_of(booking)] == ["dropped", "sent"]
    assert messages_of(past)[0].state == "dropped"
    assert len(server.taken) == 24 + 6 + 6


def test_hours_without_a_server_cost_few_attempts(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    server.stop()
    for _ in range(30):
        make_booking(make_slot(resource))

    for _ in range(PROBES):
        send_due(post)
        pass_by(rows, HOURS * 3600 / PROBES)

    # The first ones shut the breaker, then there is one probe a turn, and nobody is given up.
    attempts = sum(message.attempts for message in all_messages())
    assert attempts <= 8 + breaker.FAILURES_TO_SHUT + PROBES
    assert outbox.read_outbox().dead == 0
    server.start()
