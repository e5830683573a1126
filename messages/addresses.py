"""Who a mail is from and to: one address each, and never a header's worth of somebody's text."""

from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from messages.facts import title
from settings import settings


class AddressInvalid(Exception):
    """This is not exactly one address that mail can be sent to."""


def _host() -> str:
    """Return the name under which this installation writes mail."""
    if settings.mail_from:
        return settings.mail_from.rpartition("@")[2]
    name = urlsplit(settings.base_url).hostname or "localhost"
    try:
        ip_address(name)
    except ValueError:
        return name
    return "localhost"


HOST = _host()


def sender_address() -> str:
    """Return the address that all mail comes from."""
    return settings.mail_from or f"bookings@{HOST}"


def sender_header(name: str) -> Address:
    """Return the sender with a venue's name beside it."""
    user, _, domain = sender_address().rpartition("@")
    return Address(title(name), user, domain)


def recipient(given: str) -> str:
    """Return the one address that was given, as SMTP wants it. Raises AddressInvalid.

    Faces that take any text as an address are no way to a second recipient or another header.
    """
    try:
        found = validate_email(given, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise AddressInvalid from None
    # Without a form in ASCII it would need a server that speaks SMTPUTF8 all the way.
    if found.ascii_email is None:
        raise AddressInvalid
    return found.ascii_email
