"""Messages on their way through a mail server: what each of its answers leads to."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from booking import breaker, caps, outbox
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking
from booking.views import read_booking
from messages.mails import message_id
from models import Breaker, Notification, Resource, Slot, Status
from settings import settings
from tests.engine.books import place
from tests.factories import make_booking, make_slot
from tests.messages.conftest import all_messages, make_due, messages_of
from tests.messages.mailserver import MailServer
from workers import couriers
from workers.couriers import send_claimed, send_due
from workers.post import Post


@pytest.fixture(autouse=True)
def rows(committed_db: Session) -> Session:
    """Couriers have connections of their own, so all rows of these tests are committed."""
    return committed_db


def test_a_confirmed_booking_leads_to_one_mail_to_one_address(
    server: MailServer, post: Post, resource: Resource
) -> None:
    booking = make_booking(make_slot(resource), email="ada@example.com", full_name="Ada Moreau")

    assert send_due(post) == 1

    (delivery,) = server.taken
    (message,) = messages_of(booking)
    assert delivery.recipients == ["ada@example.com"]
    assert delivery.mail["To"] == "ada@example.com"
    assert delivery.mail["Subject"] == (
        f"Your booking is confirmed – Café Bistro, {booking.reference}"
    )
    assert delivery.mail["Message-ID"] == message_id(message.id)
    assert delivery.mail["Content-Language"] == "en"
    assert [part.get_content_type() for part in delivery.mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert (message.state, message.attempts, message.last_error) == ("sent", 1, None)
    assert message.sent_at is not None


def test_a_second_turn_sends_nothing(server: MailServer, post: Post, resource: Resource) -> None:
    make_booking(make_slot(resource))

    assert [send_due(post), send_due(post)] == [1, 0]
    assert len(server.taken) == 1


def test_a_connection_carries_many_mails(
    server: MailServer, post: Post, resource: Resource
) -> None:
    for _ in range(24):
        make_booking(make_slot(resource))

    assert send_due(post) == 24

    assert server.hooks.connections <= settings.mail_connections


@pytest.mark.parametrize("kind", ["rcpt", "data"])
def test_what_is_refused_for_good_is_not_tried_again_and_shows(
    server: MailServer, post: Post, resource: Resource, rows: Session, kind: str
) -> None:
    server.behave(**{kind: "550 no such user ada@example.com"})
    booking = make_booking(make_slot(resource), email="ada@example.com")

    send_due(post)
    make_due(rows)
    send_due(post)

    (message,) = messages_of(booking)
    assert read_booking(booking_id=booking.id).is_mail_refused
    assert (message.state, message.attempts) == ("refused", 1)
    assert "550" in (message.last_error or "")
    assert "ada" not in (message.last_error or "")
    assert breaker.read_breaker().failures == 0


@pytest.mark.parametrize("kind", ["rcpt", "data"])
def test_what_is_not_wanted_now_is_tried_later(
    server: MailServer, post: Post, resource: Resource, rows: Session, kind: str
) -> None:
    server.behave(**{kind: "451 try later"})
    booking = make_booking(make_slot(resource))
    send_due(post)
    (message,) = messages_of(booking)
    first = (message.state, message.attempts, message.due_at > datetime.now(UTC))

    server.behave()
    make_due(rows)
    send_due(post)

    (message,) = messages_of(booking)
    assert first == ("queued", 1, True)
    assert (message.state, message.attempts) == ("sent", 2)
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        {"mail": "421 closing"},
        {"mail": "550 relaying denied"},
        {"rcpt": "421 closing"},
        {"data": "421 closing"},
        {"drops": True},
        {"greeting_seconds": 3.0},
    ],
    ids=str,
)
def test_a_server_that_cannot_be_spoken_to_is_no_fault_of_the_message(
    server: MailServer, post: Post, resource: Resource, behaviour: dict[str, object]
) -> None:
    server.behave(**behaviour)
    booking = make_booking(make_slot(resource))

    send_due(post)

    (message,) = messages_of(booking)
    assert (message.state, message.attempts) == ("queued", 1)
    assert breaker.read_breaker().failures == 1
    assert server.taken == []


@pytest.mark.parametrize("behaviour", [{"hangs_up_after_data": True}, {"data_seconds": 5}], ids=str)
def test_an_answer_that_is_lost_after_data_leads_to_the_same_message_id(
    server: MailServer,
    post: Post,
    resource: Resource,
    rows: Session,
    behaviour: dict[str, object],
) -> None:
    server.behave(**behaviour)
    booking = make_booking(make_slot(resource))
    send_due(post)

    server.behave()
    make_due(rows)
    send_due(post)

    assert len(server.taken) == 2
    assert len({delivery.mail["Message-ID"] for delivery in server.taken}) == 1
    assert messages_of(booking)[0].state == "sent"


def test_who_dies_after_the_server_took_it_leaves_a_message_that_comes_back(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    booking = make_booking(make_slot(resource))
    claims = outbox.claim()
    with patch.object(outbox, "mark_sent", side_effect=SystemExit), pytest.raises(SystemExit):
        send_claimed(claims, post, until=time.monotonic() + 5)
    assert outbox.claim() == [], "the lease holds"

    make_due(rows)
    send_due(post)

    assert len(server.taken) == 2
    assert server.taken[0].mail["Message-ID"] == server.taken[1].mail["Message-ID"]
    assert messages_of(booking)[0].state == "sent"


def test_two_workers_claim_a_row_once(resource: Resource) -> None:
    for _ in range(40):
        make_booking(make_slot(resource))
    claimed: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(5)
        while found := outbox.claim(3):
            claimed.extend(each.id for each in found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(claimed) == len(set(claimed)) == 40


def test_a_mark_of_an_older_claim_changes_nothing(resource: Resource, rows: Session) -> None:
    booking = make_booking(make_slot(resource))
    (late,) = outbox.claim()
    make_due(rows)
    (again,) = outbox.claim()

    assert outbox.mark_sent([late]) == 0
    assert outbox.mark_sent([again]) == 1
    assert (messages_of(booking)[0].state, messages_of(booking)[0].attempts) == ("sent", 2)


def test_an_outage_shuts_the_breaker_and_everything_goes_out_afterwards(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    server.stop()
    for _ in range(12):
        make_booking(make_slot(resource))
    for _ in range(4):
        send_due(post)
    shut = breaker.read_breaker()
    attempted = [message.attempts for message in all_messages()]
    sent_while_shut = send_due(post)

    server.start()
    rows.execute(update(Breaker).values(shut_until=datetime.now(UTC) - timedelta(seconds=1)))
    rows.commit()
    make_due(rows)
    # Half open: one couriers' message passes, and with it the breaker opens for the others.
    send_due(post)
    send_due(post)

    assert shut.is_shut
    assert sum(attempted) <= 12, "while it is shut nobody knocks"
    assert sent_while_shut == 0
    assert [message.state for message in all_messages()] == ["sent"] * 12
    assert breaker.read_breaker() == breaker.BreakerState(0, None, shut.last_error)


def test_no_pause_is_longer_than_the_ten_minutes_after_an_outage() -> None:
    pauses = [outbox.pause_seconds(attempts) for attempts in range(1, 400)]

    assert 7 < pauses[0] < 13
    assert max(pauses) <= 375


def test_after_a_day_a_message_is_dead(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    server.behave(data="451 never")
    booking = make_booking(make_slot(resource))
    rows.execute(update(Notification).values(created_at=datetime.now(UTC) - timedelta(hours=25)))
    rows.commit()

    send_due(post)

    assert messages_of(booking)[0].state == "dead"
    assert outbox.read_outbox().dead == 1
    assert outbox.requeue(messages_of(booking)[0].id)
    server.behave()
    assert send_due(post) == 1


def test_a_slow_server_does_not_slow_decisions(
    server: MailServer, post: Post, resource: Resource
) -> None:
    server.behave(greeting_seconds=3.0)
    for _ in range(4):
        make_booking(make_slot(resource))
    sending = threading.Thread(target=send_due, args=(post,))
    sending.start()
    slot = make_slot(resource, capacity=50)
    holds = [place(slot) for _ in range(50)]

    began = time.monotonic()
    decided = decide_pending(slot.resource_id)
    seconds = time.monotonic() - began

    assert sending.is_alive()
    sending.join(20)
    assert decided == len(holds)
    assert seconds < 1


def test_what_is_no_longer_true_is_not_sent(
    server: MailServer, post: Post, resource: Resource
) -> None:
    cancelled = make_booking(make_slot(resource))
    cancel_booking(booking_id=cancelled.id)
    changed = make_booking(make_slot(resource, max_quantity=8), quantity=2)
    change_booking(booking_id=changed.id, change=Change(quantity=3))

    send_due(post)

    assert [message.state for message in messages_of(cancelled)] == ["dropped", "sent"]
    assert [message.state for message in messages_of(changed)] == ["dropped", "sent"]
    assert sorted(str(delivery.mail["Subject"]).split(" – ")[0] for delivery in server.taken) == [
        "Your booking has been changed",
        "Your booking is cancelled",
    ]


def test_what_has_passed_is_not_sent(
    server: MailServer, post: Post, resource: Resource, rows: Session
) -> None:
    booking = make_booking(make_slot(resource))
    past = datetime.now(UTC) - timedelta(hours=3)
    rows.execute(
        update(Slot).values(starts_at=past, sold_until=past, ends_at=past + timedelta(hours=2))
    )
    rows.commit()

    send_due(post)

    assert (messages_of(booking)[0].state, server.taken) == ("dropped", [])


def test_one_address_gets_so_many_and_no_more(
    server: MailServer, post: Post, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "settings", replace(settings, mails_per_address=3))
    for _ in range(6):
        make_booking(make_slot(resource), email="victim@example.com")
    make_booking(make_slot(resource), email="another@example.com")

    send_due(post)

    states = [message.state for message in all_messages()]
    assert (states.count("sent"), states.count("dropped")) == (4, 3)
    assert sum("victim@example.com" in delivery.recipients for delivery in server.taken) == 3


def test_one_message_that_cannot_be_written_stops_no_other(
    server: MailServer, post: Post, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_booking(make_slot(resource)), make_booking(make_slot(resource))
    write = couriers.write_mail

    def fail(owed: object) -> object:
        if owed.booking.id == first.id:  # type: ignore[attr-defined]
            raise LookupError("broken")
        return write(owed)  # type: ignore[arg-type]

    monkeypatch.setattr(couriers, "write_mail", fail)

    send_due(post)

    assert (messages_of(first)[0].state, messages_of(first)[0].last_error) == (
        "queued",
        "LookupError",
    )
    assert messages_of(second)[0].state == "sent"


def test_a_status_of_each_kind_is_told(server: MailServer, post: Post, resource: Resource) -> None:
    make_booking(make_slot(resource), status=Status.HELD)
    make_booking(make_slot(resource), status=Status.REJECTED)
    make_booking(make_slot(resource), status=Status.EXPIRED)

    send_due(post)

    subjects = {str(delivery.mail["Subject"]).split(" – ")[0] for delivery in server.taken}
    assert subjects == {
        "Your places are held",
        "Your request could not be accepted",
        "Your hold has ended",
    }
