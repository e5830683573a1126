"""The languages that messages are written in. A new one is one more file in `locale/`.

English stands in the code. The other catalogues are read from their .po files at first use, so
there is no step of building and nothing compiled that could be older than its source.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_skeleton,
    format_time,
    get_day_names,
    get_timezone_location,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency
from babel.support import NullTranslations, Translations

SOURCE = "en"
LOCALES = Path(__file__).parent / "locale"

# A language without a country has to be written somewhere.
_AT_HOME = {"en": "en_GB"}


@cache
def languages() -> tuple[str, ...]:
    """Return the languages there are, English first."""
    return (SOURCE, *sorted(file.stem for file in LOCALES.glob("*.po")))


def negotiate(wanted: Iterable[str | None]) -> str:
    """Return the first tag (`de-CH`) whose language there is; English when there is none."""
    for tag in wanted:
        if tag and _base(tag) in languages():
            return tag
    return SOURCE


@dataclass(frozen=True, slots=True)
class Voice:
    """How one reader is spoken to: words, dates and money as their language has them."""

    tag: str

    @property
    def language(self) -> str:
        """The language without its country, as it is written in HTML and kept with own words."""
        return _base(self.tag)

    def t(self, text: str, /, **values: object) -> str:
        """Translate a text and put the values in."""
        return _catalogue(self.language).gettext(text) % values

    def n(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Translate a text with a number, in the right plural."""
        translated = _catalogue(self.language).ngettext(one, many, count)
        return translated % (values | {"count": count})

    def day(self, day: date) -> str:
        """Write a day in full: `Friday, 20 November 2026`."""
        return format_date(day, format="full", locale=_locale(self.tag))

    def month(self, first: date) -> str:
        """Write a month with its year: `November 2026`."""
        return format_skeleton("yMMMM", first, locale=_locale(self.tag))

    def weekdays(self) -> list[tuple[str, str]]:
        """Return the days of the week from Monday, each in full and in short."""
        wide, short = (
            get_day_names(width, context="stand-alone", locale=_locale(self.tag))
            for width in ("wide", "abbreviated")
        )
        return [(wide[number], short[number]) for number in range(7)]

    def moment(self, at: datetime, zone: str) -> str:
        """Write an instant as the clock in a zone shows it: `Friday, 20 November 2026, 20:00`."""
        local = at.astimezone(ZoneInfo(zone))
        return f"{self.day(local.date())}, {self.clock(at, zone)}"

    def clock(self, at: datetime, zone: str) -> str:
        """Write only the time of day in a zone."""
        return format_time(at.astimezone(ZoneInfo(zone)), format="short", locale=_locale(self.tag))

    def place(self, zone: str) -> str:
        """Write where a zone is: `London`, `Lissabon`."""
        return str(get_timezone_location(zone, locale=_locale(self.tag), return_city=True))

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount with its currency."""
        return format_currency(amount, currency, locale=_locale(self.tag))


def _base(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (LOCALES / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)


@cache
def _locale(tag: str) -> Locale:
    """Return where to look up dates and money; an unknown country is left out."""
    base = _base(tag)
    wanted = tag.replace("-", "_")
    for name in (_AT_HOME.get(wanted, wanted), _AT_HOME.get(base, base)):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en_GB")
