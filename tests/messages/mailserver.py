"""A mail server on loopback that can be told to misbehave."""

import asyncio
import socket
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Behaviour:
    """What the server answers: codes at steps, seconds of thought, or a hang-up."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    greeting_seconds: float = 0
    data_seconds: float = 0
    hangs_up_after_data: bool = False
    drops: bool = False


@dataclass
class Delivery:
    """One mail as the server got it."""

    sender: str
    recipients: list[str]
    mail: EmailMessage
    is_encrypted: bool = False
    login: str | None = None


@dataclass
class Hooks:
    """aiosmtpd's hooks: they answer as they are told, and keep what they took."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    taken: list[Delivery] = field(default_factory=list)
    connections: int = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: Any
    ) -> Any:
        self.connections += 1
        if self.behaviour.drops and server.transport is not None:
            server.transport.abort()
        await asyncio.sleep(self.behaviour.greeting_seconds)
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.behaviour.mail.startswith("250"):
            envelope.mail_from = address
        return self.behaviour.mail

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.behaviour.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.behaviour.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.behaviour.data.startswith("250"):
            content = envelope.content or b""
            mail = message_from_bytes(
                content if isinstance(content, bytes) else content.encode(), policy=default
            )
            assert isinstance(mail, EmailMessage)
            self.taken.append(
                Delivery(
                    envelope.mail_from or "",
                    list(envelope.rcpt_tos),
                    mail,
                    is_encrypted=_is_encrypted(server),
                    login=session.auth_data,
                )
            )
        await asyncio.sleep(self.behaviour.data_seconds)
        if self.behaviour.hangs_up_after_data and server.transport is not None:
            server.transport.abort()
        return self.behaviour.data


class MailServer:
    """The server, with what it took. `stop()` and `start()` keep its port.

    `given` are aiosmtpd's: `ssl_context` for TLS from the start, `tls_context` for STARTTLS.
    """

    def __init__(self, **given: Any) -> None:
        self.hooks = Hooks()
        self._given = given
        self.port = 0

    def start(self) -> None:
        self._controller = Controller(
            self.hooks, hostname="127.0.0.1", port=self.port, **self._given
        )
        if self.port == 0:
            # The controller speaks to its own port once to see that it is there.
            self._controller.port = self.port = _free_port()
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def behave(self, **given: Any) -> None:
        """Answer like this from now on; without arguments as one should."""
        self.hooks.behaviour = Behaviour(**given)

    @property
    def taken(self) -> list[Delivery]:
        return self.hooks.taken

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?starttls=off"


def _is_encrypted(server: SMTP) -> bool:
    return server.transport is not None and bool(server.transport.get_extra_info("ssl_object"))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
