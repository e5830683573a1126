"""How a venue writes and is written to: its own words in messages, its language, its addresses."""

import re
from collections.abc import Mapping

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from booking.errors import CatalogueInvalid, VenueNotFound
from booking.transactions import reading, retried, transaction
from models import MessageText, Notice, Told, Venue

LONGEST_WORDS = 2000
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})?")
_BOUNDS = {
    "reminder_hours": (1, 336, True),
    "hold_warning_minutes": (1, 1440, False),
    "digest_hour": (0, 23, False),
    "fullness_percent": (1, 100, True),
}


def read_words(venue_id: int, kind: Notice, language: str) -> str | None:
    """Return the venue's own words for a kind of message in a language, None without any."""
    with reading() as tx:
        return tx.scalar(
            select(MessageText.words).where(
                MessageText.venue_id == venue_id,
                MessageText.kind == kind,
                MessageText.language == language,
            )
        )


@retried
def set_words(*, venue_id: int, kind: Notice, language: str, words: str) -> None:
    """Keep a venue's words for a kind of message; empty ones go. Raises CatalogueInvalid."""
    words = words.replace("\r\n", "\n").strip()
    if len(words) > LONGEST_WORDS:
        raise CatalogueInvalid("words", f"At most {LONGEST_WORDS} characters.")
    if not all(letter == "\n" or letter.isprintable() for letter in words):
        raise CatalogueInvalid("words", "Only letters, signs and line breaks.")
    key = {"venue_id": venue_id, "kind": str(kind), "language": language}
    with transaction() as tx:
        if not words:
            tx.execute(delete(MessageText).filter_by(**key))
            return
        changed = {"words": words, "updated_at": func.clock_timestamp()}
        tx.execute(
            insert(MessageText)
            .values(**key | changed)
            .on_conflict_do_update(index_elements=["venue_id", "kind", "language"], set_=changed)
        )


@retried
def change_correspondence(*, venue_id: int, values: Mapping[str, object]) -> None:
    """Change how a venue writes and hears. Raises VenueNotFound or CatalogueInvalid."""
    checked = {name: _checked(name, value) for name, value in values.items()}
    with transaction() as tx:
        change_correspondence_in(tx, venue_id=venue_id, values=checked)


def change_correspondence_in(tx: Session, *, venue_id: int, values: Mapping[str, object]) -> None:
    """Change how a venue writes and hears inside the open transaction; values are checked."""
    venue = tx.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound
    for name, value in values.items():
        setattr(venue, name, value)
    tx.flush()


def _checked(name: str, value: object) -> object:
    """Return a value as it is kept. Raises CatalogueInvalid, which names the field."""
    if name in _BOUNDS:
        least, most, may_lack = _BOUNDS[name]
        if value is None and may_lack:
            return None
        if not isinstance(value, int) or not least <= value <= most:
            raise CatalogueInvalid(name, f"A number from {least} to {most}.")
        return value
    text = str(value or "").strip()
    match name:
        case "contact_email":
            return _address(text) if text else None
        case "colour" if _COLOUR.fullmatch(text.lower()):
            return text.lower()
        case "language" if _LANGUAGE.fullmatch(text):
            return text
        case "told_of_bookings" if text in list(Told):
            return text
    raise CatalogueInvalid(name, "This cannot be chosen.")


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise CatalogueInvalid("contact_email", "This is no e-mail address.") from None
