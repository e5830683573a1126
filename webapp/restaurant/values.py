"""The values of a form field, read as leniently as clients of this API are used to, no more."""

import re
from datetime import UTC, date, datetime, time, timedelta

LARGEST = 2_147_483_647
LONGEST_NUMBER = 40
# Beyond it a number of seconds is one of milliseconds.
_SECONDS_END = 20_000_000_000

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_CLOCK = r"(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|z|[+-]\d{2}(?::?\d{2})?)?"
_TIME = re.compile(_CLOCK, re.ASCII)
_MIDNIGHT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt_ ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:Z|z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_FRACTION = re.compile(r"\.(\d+)", re.ASCII)
_INTEGER = re.compile(r"([+-]?\d+(?:_\d+)*)(?:\.0+)?", re.ASCII)
_UNIX = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})


class BadValue(Exception):
    """A text that is no such value; carries the kind that clients know and a sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_date(text: str) -> date:
    """Read YYYY-MM-DD, the same with a midnight, or whole days in Unix seconds."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _bad_date() from None
    if _UNIX.fullmatch(text):
        return _unix_day(int(text))
    if (found := _MIDNIGHT.fullmatch(text)) is None:
        raise _bad_date()
    try:
        day, clock = date.fromisoformat(found[1]), read_time(found[2])
    except (ValueError, BadValue):
        raise _bad_date() from None
    if clock != time():
        raise _inexact_date()
    return day


def read_time(text: str) -> time:
    """Read HH:MM or HH:MM:SS, the restaurant's clock; a zone behind it changes nothing."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise _bad_time()
    fraction = _FRACTION.search(text)
    microseconds = int(fraction[1][:6].ljust(6, "0")) if fraction else 0
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0), microseconds)
    except ValueError:
        raise _bad_time() from None


def read_integer(text: str) -> int:
    """Read digits; a sign, leading zeros, `_` between digits and `.0` do no harm."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise BadValue("int_parsing", message)
    if len(text) > LONGEST_NUMBER or abs(number := int(found[1])) > LARGEST:
        raise BadValue("int_parsing_size", "Input should be a smaller integer")
    return number


def read_boolean(text: str) -> bool:
    """Read a yes or a no, in any of the words for it."""
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    message = "Input should be a valid boolean, unable to interpret input"
    raise BadValue("bool_parsing", message)


def read_text(text: str) -> str:
    """Keep a text as it is, unless it cannot be kept at all."""
    if "\0" in text:
        raise BadValue("string_type", "Input should be text without null characters")
    return text


def read_email(text: str) -> str:
    """Keep an address as it is; only one that is longer than any address can be is refused."""
    if len(text) > 320:
        raise BadValue("string_too_long", "String should have at most 320 characters")
    return read_text(text)


def _unix_day(number: int) -> date:
    seconds = number if abs(number) <= _SECONDS_END else number / 1000
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise _bad_date() from None
    if at.time() != time():
        raise _inexact_date()
    return at.date()


def _bad_date() -> BadValue:
    return BadValue("date_from_datetime_parsing", "Input should be a valid date, as YYYY-MM-DD")


def _inexact_date() -> BadValue:
    message = "Datetimes provided to dates should have zero time - e.g. be exact dates"
    return BadValue("date_from_datetime_inexact", message)


def _bad_time() -> BadValue:
    return BadValue("time_parsing", "Input should be a valid time, as HH:MM or HH:MM:SS")
