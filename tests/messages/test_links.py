"""Links that are good once: mailed by their id alone, kept as a hash, gone after use."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.errors import LinkGone
from booking.links import consume_link, create_link, look_at_link, token_of
from models import OneTimeLink, Purpose
from tests.messages.conftest import all_messages
from tests.messages.mailserver import MailServer
from workers.couriers import send_due
from workers.post import Post


def test_a_link_goes_out_by_mail_and_opens_once(
    committed_db: Session, server: MailServer, post: Post
) -> None:
    link_id = create_link(purpose=Purpose.RESET, email="ada@example.com", path="/account/reset")

    assert send_due(post) == 1
    (delivery,) = server.taken
    body = delivery.mail.get_body(("plain",))
    assert body is not None
    token = body.get_content().split("?token=")[1].split()[0]

    assert token == token_of(link_id)
    assert delivery.recipients == ["ada@example.com"]
    assert look_at_link(token=token, purpose=Purpose.RESET).email == "ada@example.com"
    assert consume_link(token=token, purpose=Purpose.RESET).id == link_id
    for verb in (consume_link, look_at_link):
        with pytest.raises(LinkGone):
            verb(token=token, purpose=Purpose.RESET)


def test_a_link_is_for_one_purpose_and_one_time_only(db: Session) -> None:
    token = token_of(create_link(purpose=Purpose.PROOF, email="a@example.com", path="/p"))

    for other in (token + "x", token[:-1], "", "é"):
        with pytest.raises(LinkGone):
            look_at_link(token=other, purpose=Purpose.PROOF)
    with pytest.raises(LinkGone):
        consume_link(token=token, purpose=Purpose.RESET)
    db.execute(
        update(OneTimeLink).values(
            created_at=OneTimeLink.created_at - timedelta(days=2),
            expires_at=OneTimeLink.expires_at - timedelta(days=1),
        )
    )
    db.commit()
    with pytest.raises(LinkGone):
        consume_link(token=token, purpose=Purpose.PROOF)


def test_of_two_who_use_a_link_at_once_one_succeeds(committed_db: Session) -> None:
    token = token_of(create_link(purpose=Purpose.SIGN_IN, email="a@example.com", path="/in"))
    outcomes: list[bool] = []
    start = threading.Barrier(4)

    def use() -> None:
        start.wait(5)
        try:
            consume_link(token=token, purpose=Purpose.SIGN_IN)
            outcomes.append(True)
        except LinkGone:
            outcomes.append(False)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sorted(outcomes) == [False, False, False, True]


def test_the_token_is_nowhere_in_the_tables(db: Session) -> None:
    token = token_of(create_link(purpose=Purpose.SIGN_IN, email="a@example.com", path="/in"))

    link = db.scalars(select(OneTimeLink)).one()

    values = [getattr(link, column.name) for column in OneTimeLink.__table__.columns]
    assert not [value for value in values if value in (token, token.encode())]
    assert "a@example.com" not in str([vars(message) for message in all_messages()])


def test_a_link_that_was_used_or_is_too_old_is_not_mailed(
    committed_db: Session, server: MailServer, post: Post
) -> None:
    used = token_of(create_link(purpose=Purpose.RESET, email="a@example.com", path="/r"))
    consume_link(token=used, purpose=Purpose.RESET)

    send_due(post)

    assert server.taken == []
    assert [message.state for message in all_messages()] == ["dropped"]


def test_a_path_leads_to_this_site_only(db: Session) -> None:
    with pytest.raises(IntegrityError):
        create_link(purpose=Purpose.RESET, email="a@example.com", path="https://evil.example")
