"""How a mail leaves the house: over SMTP, or as a file where there is no mail server.

Connections are kept for the next mail and shared by the couriers of a process, each in turn. Every
step has its timeout. What the server says is turned into three answers: taken, not wanted (for
good), or not now.
"""

import os
import queue
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from settings import settings

_IDLE_SECONDS = 20
# Younger than this it is not asked first whether it is still there.
_FRESH_SECONDS = 2
_PORTS = {"smtp": 25, "smtps": 465}
_WAY_OUT_CLOSED = (421, 454, 530, 534, 535, 538)


class NotTaken(Exception):
    """The mail was not taken. `error` says why in words without any person or address."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Refused(NotTaken):
    """The server does not want this mail, now or later."""


class NotNow(NotTaken):
    """The server does not want this mail at the moment."""


class Unreachable(NotTaken):
    """The server could not be spoken to, or nobody knows whether it has taken the mail."""


class Post(Protocol):
    """A way out for mails."""

    def send(self, mail: EmailMessage, *, name: str) -> None:
        """Hand a mail over. Raises a NotTaken. `name` is the same at each attempt."""


@dataclass(frozen=True, slots=True)
class Server:
    """What SMTP_URL says: `smtp://user:password@host:port?starttls=auto|required|off`."""

    host: str
    port: int
    is_tls: bool
    starttls: str
    user: str | None
    password: str | None


def read_server(url: str) -> Server:
    """Read SMTP_URL, which the settings have checked."""
    parts = urlsplit(url)
    starttls = parse_qs(parts.query).get("starttls", ["auto"])[0]
    return Server(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        starttls=starttls,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class SmtpPost:
    """Sends over SMTP, with connections that are kept for a while."""

    def __init__(self, server: Server, *, timeout: float) -> None:
        self._server = server
        self._timeout = timeout
        self._kept: queue.LifoQueue[tuple[smtplib.SMTP, float]] = queue.LifoQueue()

    def send(self, mail: EmailMessage, *, name: str) -> None:
        """Hand a mail over to the server, to exactly the one address in its To."""
        connection = self._connected()
        try:
            _hand_over(connection, mail, timeout=self._timeout)
        except (Refused, NotNow):
            self._keep(connection)
            raise
        except (OSError, smtplib.SMTPException) as error:
            # Also ssl.SSLError and timeouts. After DATA nobody knows: the same id goes again.
            connection.close()
            raise Unreachable(_words(error)) from None
        except Unreachable:
            connection.close()
            raise
        self._keep(connection)

    def _connected(self) -> smtplib.SMTP:
        while True:
            try:
                connection, kept_at = self._kept.get_nowait()
            except queue.Empty:
                return self._connect()
            idle = time.monotonic() - kept_at
            if idle < _FRESH_SECONDS or (idle < _IDLE_SECONDS and _is_alive(connection)):
                return connection
            connection.close()

    def _keep(self, connection: smtplib.SMTP) -> None:
        self._kept.put((connection, time.monotonic()))

    def _connect(self) -> smtplib.SMTP:
        """Open a connection and sign in. Raises Unreachable: none of it is a mail's fault."""
        server = self._server
        connection: smtplib.SMTP | None = None
        try:
            if server.is_tls:
                connection = smtplib.SMTP_SSL(
                    server.host,
                    server.port,
                    timeout=self._timeout,
                    context=ssl.create_default_context(),
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
            connection.ehlo_or_helo_if_needed()
            self._begin_tls(connection)
            if server.user is not None:
                connection.login(server.user, server.password or "")
        except (OSError, smtplib.SMTPException) as error:
            if connection is not None:
                connection.close()
            raise Unreachable(_words(error)) from None
        return connection

    def _begin_tls(self, connection: smtplib.SMTP) -> None:
        server = self._server
        if server.is_tls or server.starttls == "off":
            return
        if connection.has_extn("starttls"):
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        elif server.starttls == "required" or server.user is not None:
            # Who takes the offer away on the wire would otherwise be given the password.
            raise smtplib.SMTPNotSupportedError("starttls")


class FilePost:
    """Writes each mail as a file, for an installation without a mail server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: EmailMessage, *, name: str) -> None:
        """Write the mail; a second time it replaces the first."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{name}.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(mail.as_bytes(policy=SMTP))
        fresh.replace(self._folder / f"{name}.eml")


def make_post() -> Post:
    """Return the way out that the settings name."""
    if settings.smtp_url is None:
        return FilePost(settings.data_dir / "mail")
    return SmtpPost(read_server(settings.smtp_url), timeout=settings.smtp_timeout_seconds)


def _hand_over(connection: smtplib.SMTP, mail: EmailMessage, *, timeout: float) -> None:
    """Run one SMTP transaction. Raises a NotTaken, or what the library raises."""
    sender = mail["From"].addresses[0].addr_spec
    (to,) = mail["To"].addresses
    code, _ = connection.mail(sender)
    if code != 250:
        # No mail would pass with this sender: that is the way out, not the mail.
        connection.rset()
        raise Unreachable(f"MAIL FROM was answered with {code}")
    code, _ = connection.rcpt(to.addr_spec)
    _judge(connection, code, "RCPT TO", good=(250, 251))
    if connection.sock is not None:
        # Giving up here can mean a second delivery, so the answer to the whole has more time.
        connection.sock.settimeout(2 * timeout)
    code, _ = connection.data(mail.as_bytes(policy=SMTP))
    _judge(connection, code, "DATA", good=(250,))
    if connection.sock is not None:
        connection.sock.settimeout(timeout)


def _judge(connection: smtplib.SMTP, code: int, step: str, *, good: tuple[int, ...]) -> None:
    if code in good:
        return
    error = f"{step} was answered with {code}"
    if code in _WAY_OUT_CLOSED or code < 400:
        raise Unreachable(error)
    connection.rset()
    raise (Refused if code >= 500 else NotNow)(error)


def _is_alive(connection: smtplib.SMTP) -> bool:
    try:
        return bool(connection.noop()[0] == 250)
    except (OSError, smtplib.SMTPException):
        return False


def _words(error: Exception) -> str:
    """Say what went wrong; what a server wrote is left out, for it may quote an address."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
