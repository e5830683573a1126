"""What SMTP_URL says, and mails as files where there is no mail server."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.messages.conftest import TIMEOUT_SECONDS
from tests.messages.mailserver import MailServer
from workers.post import FilePost, Server, SmtpPost, Unreachable, read_server


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "x"
    mail.set_content("y")
    return mail


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 25, False, "auto", None, None)),
        (
            "smtp://me%40x:p%3Aw@mail.example:587?starttls=required",
            Server("mail.example", 587, False, "required", "me@x", "p:w"),
        ),
        ("smtps://mail.example", Server("mail.example", 465, True, "auto", None, None)),
        ("smtp://[::1]:2525?starttls=off", Server("::1", 2525, False, "off", None, None)),
    ],
)
def test_an_address_is_read(url: str, server: Server) -> None:
    assert read_server(url) == server


@pytest.mark.parametrize("query", ["?starttls=required", "?starttls=off"])
def test_nothing_is_sent_in_the_clear_against_the_owner_s_will(
    server: MailServer, query: str
) -> None:
    user = "u:secret@" if query.endswith("off") else ""
    post = SmtpPost(
        read_server(f"smtp://{user}127.0.0.1:{server.port}{query}"), timeout=TIMEOUT_SECONDS
    )

    with pytest.raises(Unreachable) as refused:
        post.send(_mail(), name="1")

    assert "secret" not in refused.value.error
    assert server.taken == []


def test_without_a_server_a_mail_is_a_file_that_only_we_can_read(tmp_path: Path) -> None:
    post = FilePost(tmp_path / "mail")

    for _ in range(2):
        post.send(_mail(), name="20261120T101500Z-7-confirmed")

    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == "20261120T101500Z-7-confirmed.eml"
    assert file.stat().st_mode & 0o077 == 0
    assert b"Subject: x" in file.read_bytes()


def test_a_mail_to_two_goes_to_neither(server: MailServer) -> None:
    post = SmtpPost(read_server(server.url), timeout=TIMEOUT_SECONDS)
    mail = _mail()
    mail.replace_header("To", "b@example.com, c@example.com")

    with pytest.raises(ValueError, match="too many values"):
        post.send(mail, name="1")

    assert server.taken == []
