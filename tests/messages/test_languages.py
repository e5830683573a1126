"""Every text there is stands in every catalogue, with the same values in it."""

import re
from itertools import product
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po

from messages.languages import LOCALES, _catalogue, languages, negotiate
from messages.letters import write_letter
from messages.samples import SHOWN
from models import Kind
from tests.messages.samples import make_owed

ROOT = Path(__file__).parents[2]
KEYWORDS = {"t": None, "n": (1, 2)}
VALUE = re.compile(r"%\(\w+\)s")


def test_there_are_four_languages() -> None:
    assert set(languages()) >= {"en", "de", "fr", "es"}


@pytest.mark.parametrize("language", [tag for tag in languages() if tag != "en"])
def test_a_catalogue_has_every_text_and_no_other(language: str) -> None:
    with (LOCALES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    translated = {message.id: message for message in catalogue if message.id}

    assert set(translated) == _texts()
    for message in translated.values():
        assert not message.fuzzy
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        for string in strings:
            assert string
            assert set(VALUE.findall(string)) == set(VALUE.findall(ids[-1])), message.id
            assert "%" not in VALUE.sub("", string)


@pytest.mark.parametrize("language", [tag for tag in languages() if tag != "en"])
def test_no_letter_falls_back_on_english(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_catalogue(language), "_fallback", _Missing())

    for kind, notice in product(Kind, SHOWN):
        write_letter(make_owed(notice, language=language, kind=kind))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("de", "en"), "de"),
        (("de-CH", "fr"), "de-CH"),
        (("pt", "fr"), "fr"),
        ((None, "es"), "es"),
        (("pt", None), "en"),
        ((), "en"),
        (("../../etc", "de"), "de"),
    ],
)
def test_the_first_language_that_there_is(wanted: tuple[str | None, ...], found: str) -> None:
    assert negotiate(wanted) == found


class _Missing:
    """Stands where English would: whoever asks has a text that the catalogue lacks."""

    def gettext(self, text: str) -> str:
        raise AssertionError(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        raise AssertionError(one)


def _texts() -> set[object]:
    """Return the texts of letters and of pages, in code and in templates."""
    found: set[object] = set()
    for page in (ROOT / "webapp").glob("*_*.py"):
        texts = extract_from_file("python", page, KEYWORDS)
        found |= {message for _, message, *_ in texts}
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    for folder in ("messages", "webapp/pages", "webapp/templates"):
        listed = extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
        found |= {message for _, _, message, *_ in listed}
    return found
