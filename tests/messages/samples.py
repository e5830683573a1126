"""Messages about a booking that is always the same, for texts that are compared with files."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booking.correspondence import Owed, Sender
from messages.samples import sample
from models import Kind, Notice

NOW = datetime(2026, 10, 19, 9, 30, tzinfo=UTC)


def make_sender(**given: Any) -> Sender:
    """Return a restaurant in Lisbon."""
    values: dict[str, Any] = {
        "id": 1,
        "slug": "cafe-bistro",
        "name": "Café Bistro",
        "kind": Kind.RESTAURANT,
        "time_zone": "Europe/Lisbon",
        "language": "en",
        "colour": "#7a1f3d",
        "email": "host@cafe.example",
        "fullness_percent": 80,
    }
    return Sender(**values | given)


def make_owed(notice: Notice = Notice.CONFIRMED, *, language: str = "en", **given: Any) -> Owed:
    """Return a message in a language; `given` are the sender's or the booking's values."""
    names = set(Sender.__dataclass_fields__)
    sender = make_sender(
        language=language,
        **{name: value for name, value in given.items() if name in names - {"email"}},
    )
    owed = sample(notice, sender, language, NOW)
    about = {name: value for name, value in given.items() if name not in names or name == "email"}
    if about and owed.booking is not None:
        owed = replace(owed, booking=replace(owed.booking, **about))
    return owed
