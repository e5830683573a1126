"""A letter as the mail that goes out: headers, text, HTML and, for a booking, its calendar file."""

import hashlib
import hmac
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from email.message import EmailMessage, MIMEPart
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
    mail["Content-Language"] = letter.language
    mail["MIME-Version"] = "1.0"
    texts = [
        _text_part("plain", render_text(letter)),
        _text_part("html", render_html(letter, look_of(owed.sender))),
    ]
    if calendar := _calendar_part(owed, letter):
        _combine(mail, "mixed", [_combine(MIMEPart(policy=SMTP), "alternative", texts), calendar])
    else:
        _combine(mail, "alternative", texts)
    return mail


def message_id(notification_id: int) -> str:
    """Return the Message-ID of a notification, the same at each attempt to send it."""
    digest = hmac.digest(
        settings.secret_key.encode(), b"message-id:%d" % notification_id, hashlib.sha256
    )
    return f"<{notification_id}.{digest.hex()[:16]}@{HOST}>"


def _calendar_part(owed: Owed, letter: Letter) -> MIMEPart | None:
    """Make the calendar file. What fails in making it must never keep the message back."""
    if owed.kind not in _WITH_CALENDAR or owed.booking is None or owed.sender is None:
        return None
    try:
        method, content = invitation(
            Voice(negotiate((letter.language, SOURCE))), owed.sender, owed.booking
        )
    except Exception:
        logger.exception("calendar_failed", notification_id=owed.id)
        return None
    kind = f'text/calendar; charset="utf-8"; method="{method}"'
    part = _part(kind, "base64", encodebytes(content))
    part["Content-Disposition"] = 'attachment; filename="booking.ics"'
    return part


def _text_part(subtype: str, text: str) -> MIMEPart:
    return _part(f'text/{subtype}; charset="utf-8"', "quoted-printable", b2a_qp(text.encode()))


def _part(kind: str, encoding: str, encoded: bytes) -> MIMEPart:
    """Make a part out of what is encoded already.

    The library's own way writes and reads each header several times, and a mail would cost a
    third more.
    """
    part = MIMEPart(policy=SMTP)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(encoded.decode("ascii"))
    return part


def _combine(whole: MIMEPart, how: str, parts: Sequence[MIMEPart]) -> MIMEPart:
    whole["Content-Type"] = f"multipart/{how}"
    for part in parts:
        whole.attach(part)
    return whole
