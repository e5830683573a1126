"""A letter as the mail that goes out: headers, text, HTML and, for a booking, its calendar file."""

import hashlib
import hmac
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

import structlog

from booking.correspondence import Owed
from messages.addresses import HOST, recipient, sender_header
from messages.calendars import invitation
from messages.languages import SOURCE, Voice, negotiate
from messages.letters import Letter, write_letter
from messages.rendering import OUR_NAME, look_of, render_html, render_text
from models import Notice
from settings import settings

logger = structlog.get_logger(__name__)

_WITH_CALENDAR = (Notice.CONFIRMED, Notice.CHANGED, Notice.CANCELLED, Notice.REMINDER)


def write_mail(owed: Owed) -> EmailMessage:
    """Write the mail of an owed message to its one recipient. Raises AddressInvalid."""
    letter = write_letter(owed)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender_header(owed.sender.name if owed.sender else OUR_NAME)
    mail["To"] = recipient(owed.recipient or "")
    mail["Subject"] = letter.subject
    mail["Date"] = localtime()
    mail["Message-ID"] = message_id(owed.id)
    mail["Auto-Submitted"] = "auto-generated"
    if owed.sender and owed.sender.email and not owed.is_for_venue:
        mail["Reply-To"] = recipient(owed.sender.email)
    mail.set_content(render_text(letter), cte="quoted-printable")
    mail.add_alternative(
        render_html(letter, look_of(owed.sender)), subtype="html", cte="quoted-printable"
    )
    _add_calendar(mail, owed, letter)
    # Set last: what is made into several parts takes the earlier ones with it.
    mail["Content-Language"] = letter.language
    return mail


def message_id(notification_id: int) -> str:
    """Return the Message-ID of a notification, the same at each attempt to send it."""
    digest = hmac.digest(
        settings.secret_key.encode(), b"message-id:%d" % notification_id, hashlib.sha256
    )
    return f"<{notification_id}.{digest.hex()[:16]}@{HOST}>"


def _add_calendar(mail: EmailMessage, owed: Owed, letter: Letter) -> None:
    """Add the calendar file. What fails in making it must never keep the message back."""
    if owed.kind not in _WITH_CALENDAR or owed.booking is None or owed.sender is None:
        return
    try:
        method, content = invitation(
            Voice(negotiate((letter.language, SOURCE))), owed.sender, owed.booking
        )
    except Exception:
        logger.exception("calendar_failed", notification_id=owed.id)
        return
    mail.add_attachment(
        content,
        maintype="text",
        subtype="calendar",
        filename="booking.ics",
        params={"method": method, "charset": "utf-8"},
    )
