"""One mail has one recipient, and nobody writes its headers but us."""

from email import message_from_bytes
from email.policy import SMTP, default

import pytest

from messages import mails
from messages.addresses import AddressInvalid
from messages.mails import message_id, write_mail
from models import Notice
from tests.messages.samples import make_owed

BAD_ADDRESSES = (
    "a@example.com, b@example.com",
    "a@example.com,b@example.com",
    "a@example.com; b@example.com",
    "a@example.com b@example.com",
    "a@example.com\r\nBcc: b@example.com",
    "a@example.com\nBcc: b@example.com",
    "Bob <a@example.com>",
    "group: a@example.com, b@example.com;",
    "a@example.com>\r\nRCPT TO:<b@example.com",
    "a\x00@example.com",
    "ü@example.com",
    "nobody",
    "",
)


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_not_one_address_is_none(address: str) -> None:
    with pytest.raises(AddressInvalid):
        write_mail(make_owed(email=address))


def test_a_domain_in_another_script_is_written_in_ascii() -> None:
    assert write_mail(make_owed(email="a@müller.example"))["To"] == "a@xn--mller-kva.example"


def test_no_name_reaches_a_header() -> None:
    evil = 'Eve\r\nBcc: eve@example.com\r\n\r\n"<eve@example.com>, x'
    mail = write_mail(make_owed(name=evil, full_name=evil, resource_name=evil))
    read = message_from_bytes(mail.as_bytes(policy=SMTP), policy=default)

    assert set(read.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Reply-To",
        "MIME-Version",
        "Content-Type",
        "Content-Language",
    }
    assert [address.addr_spec for address in read["From"].addresses] == ["bookings@localhost"]
    assert [address.addr_spec for address in read["To"].addresses] == ["ada.moreau@example.com"]
    assert "\n" not in read["Subject"]


def test_the_message_id_is_of_the_row_alone() -> None:
    assert message_id(7) == message_id(7) != message_id(8)
    assert message_id(7).startswith("<7.")


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (Notice.CONFIRMED, "REQUEST"),
        (Notice.CHANGED, "REQUEST"),
        (Notice.REMINDER, "REQUEST"),
        (Notice.CANCELLED, "CANCEL"),
    ],
)
def test_the_calendar_file_says_what_it_is_for(kind: Notice, method: str) -> None:
    (calendar,) = write_mail(make_owed(kind)).iter_attachments()

    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == method
    assert f"METHOD:{method}" in calendar.get_content()


@pytest.mark.parametrize("kind", [Notice.HELD, Notice.REJECTED, Notice.VENUE_NEW])
def test_other_messages_have_no_calendar_file(kind: Notice) -> None:
    assert list(write_mail(make_owed(kind)).iter_attachments()) == []


def test_an_error_in_the_calendar_file_keeps_no_mail_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a zone nobody knows")

    monkeypatch.setattr(mails, "invitation", fail)

    mail = write_mail(make_owed())

    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
