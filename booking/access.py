"""Access tokens: signed, versioned, and good for one booking only."""

from typing import Protocol
from uuid import UUID

from itsdangerous import BadSignature, Serializer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from settings import settings


class Opened(Protocol):
    """Any view of a booking that says which token opens it."""

    @property
    def id(self) -> UUID: ...

    @property
    def access_version(self) -> int: ...


class _Short(URLSafeSerializer):
    """Does not try whether so few bytes grow shorter when compressed: that costs more than all."""

    def dump_payload(self, obj: object) -> bytes:
        return base64_encode(Serializer.dump_payload(self, obj))


_serializer = _Short(settings.secret_key, salt="holdfast.booking-access")


def access_token(booking: Opened) -> str:
    """Return the token that opens this booking; a higher access version makes it void."""
    return str(_serializer.dumps([booking.id.hex, booking.access_version]))


def opens(token: str, booking: Opened) -> bool:
    """Whether a token opens this booking."""
    try:
        return bool(_serializer.loads(token) == [booking.id.hex, booking.access_version])
    except BadSignature:
        return False


def named_booking(token: str) -> UUID | None:
    """Return the id of the booking that a well-signed token names; whether it opens it is open."""
    try:
        return UUID(_serializer.loads(token)[0])
    except BadSignature:
        return None
