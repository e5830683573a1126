"""Fields that take exactly what they say: no coercion, no text that the database cannot hold."""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from marshmallow import ValidationError, fields

LARGEST_INTEGER = 2_147_483_647

ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+ -]\d{2}:\d{2})", re.I)
_DIGITS = re.compile(r"-?[0-9]{1,10}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LOCAL_PHONE = re.compile(r"[0-9][0-9 ()./-]{4,39}")
_YEARS = range(2000, 2201)
# NUL and lone surrogates cannot be stored; other control characters belong in no name.
_NOT_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# An address is judged by its form alone: `.test` and `.local` are somebody's in their own network.
SPECIAL_USE_DOMAIN_NAMES.clear()


class Text(fields.String):
    """One line of text; `lines=True` lets it have several. Refuses what is blank."""

    def __init__(
        self, *, longest: int, lines: bool = False, may_be_empty: bool = False, **kwargs: Any
    ) -> None:
        metadata = {"maxLength": longest} | kwargs.pop("metadata", {})
        if not may_be_empty:
            metadata |= {"minLength": 1}
        super().__init__(metadata=metadata, **kwargs)
        self.longest = longest
        self.lines = lines
        self.may_be_empty = may_be_empty

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs)).strip()
        if (_NOT_TEXT if self.lines else _NOT_A_LINE).search(text):
            raise ValidationError("Contains characters that are not text.")
        if len(text) > self.longest:
            raise ValidationError(f"At most {self.longest} characters.")
        if not text and not self.may_be_empty:
            raise ValidationError("May not be empty.")
        return text


class Word(Text):
    """A short name of letters, digits, dots, dashes and underscores."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        word = super()._deserialize(value, *args, **kwargs)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", word):
            raise ValidationError("Letters, digits, dots, dashes and underscores only.")
        return word


class LanguageTag(Text):
    """A language as BCP 47 names it: `de`, `fr-CH`, `zh-Hant-TW`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=35, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        tag = super()._deserialize(value, *args, **kwargs)
        if not _LANGUAGE.fullmatch(tag):
            raise ValidationError("Not a valid language tag: write it as de or fr-CH.")
        return tag


class Whole(fields.Integer):
    """A JSON integer within bounds; neither true nor "1" nor 1.0 is one."""

    def __init__(self, *, least: int = 1, most: int = LARGEST_INTEGER, **kwargs: Any) -> None:
        metadata = {"minimum": least, "maximum": most} | kwargs.pop("metadata", {})
        super().__init__(strict=True, metadata=metadata, **kwargs)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        number = super()._deserialize(value, *args, **kwargs)
        if not self.least <= number <= self.most:
            raise ValidationError(f"Must be from {self.least} to {self.most}.")
        return number


class QueryWhole(Whole):
    """The same out of a query, where all is text: plain decimal digits only."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(int(value), *args, **kwargs)


class Id(fields.UUID):
    """A UUID in its usual form of 36 characters."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> UUID:
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValidationError("Not a valid UUID.")
        return UUID(value)


class Email(Text):
    """An e-mail address by its form; whether it exists shows when we write to it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=320, metadata={"format": "email"}, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValidationError("Not a valid e-mail address.") from None


class Phone(Text):
    """A telephone number: international ones are kept as E.164, local ones as they were given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=40, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if text.startswith("+"):
            return _e164(text)
        if not _LOCAL_PHONE.fullmatch(text):
            raise ValidationError("Not a valid telephone number.")
        return text


class Day(fields.Date):
    """A calendar date, `2026-12-31`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValidationError("Not a valid date: write it as 2026-12-31.")
        return _parsed(value).date()


class InstantOrDay(fields.Field[datetime | date]):
    """An RFC 3339 instant, or a plain date in the venue's zone."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime | date:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return _parsed(value).date()
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ValidationError("Not a valid instant: write it as 2026-12-31T18:00:00Z.")
        # A plus sign that was not encoded arrives as a space.
        return _parsed(value.upper().replace(" ", "+")).astimezone(UTC)


class Instant(fields.DateTime):
    """An instant in UTC, as RFC 3339 with Z."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else instant(value)


def instant(value: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with microseconds if it has any."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _e164(text: str) -> str:
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        raise ValidationError("Not a valid telephone number.") from None
    if not phonenumbers.is_possible_number(number):
        raise ValidationError("Not a valid telephone number.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _parsed(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationError("There is no such day or time.") from None
    if found.year not in _YEARS:
        raise ValidationError(f"Must be from the years {_YEARS[0]} to {_YEARS[-1]}.")
    return found
