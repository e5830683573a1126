"""The texts, as they are read. They are kept in expected/; TEST_REWRITE=1 writes them anew."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from messages.languages import languages
from messages.letters import write_letter
from messages.rendering import look_of, render_html, render_text
from messages.samples import SHOWN, WORDED
from models import Kind, Notice
from tests.messages.samples import make_owed, make_sender

EXPECTED = Path(__file__).parent / "expected"
SCRIPT = "<script>alert('x')</script>"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", Kind)
def test_the_texts_are_those_that_were_looked_at(language: str, kind: Kind) -> None:
    texts = []
    for notice in SHOWN:
        letter = write_letter(make_owed(notice, language=language, kind=kind), links_work=False)
        texts.append(f"Subject: {letter.subject}\n\n{render_text(letter)}")

    assert_as_expected(f"{kind}.{language}.txt", f"\n{'=' * 72}\n".join(texts))


def test_the_html_is_that_which_was_looked_at() -> None:
    owed = make_owed()

    html = render_html(write_letter(owed, links_work=False), look_of(owed.sender))

    assert_as_expected("confirmed.html", html)


def test_whatever_a_customer_writes_is_text_in_html_and_never_in_the_subject() -> None:
    owed = make_owed(
        Notice.VENUE_NEW,
        full_name=f'"{SCRIPT}',
        special_requests=f"<img onerror=x>\n{SCRIPT}",
        phone="<b>1</b>",
        email="ada@example.com",
    )

    letter = write_letter(owed)
    html = render_html(letter, look_of(owed.sender))

    assert "script" not in letter.subject
    for live in (SCRIPT, "<img", "<b>1"):
        assert live not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("kind", WORDED)
def test_free_text_of_a_form_is_not_mailed_to_its_address(kind: Notice) -> None:
    owed = make_owed(kind, special_requests="Win at casino.example", full_name="A\r\nB" + "c" * 150)

    text = render_text(write_letter(owed))

    assert "casino" not in text
    assert "A B" in text
    assert "c" * 60 not in text


def test_times_are_the_venue_s_in_summer_and_in_winter() -> None:
    lord_howe = write_letter(make_owed(time_zone="Australia/Lord_Howe"))

    assert "Monday, 26 October 2026, 19:30" in render_text(write_letter(make_owed()))
    assert "Monday, 26 October 2026, 19:30" in render_text(lord_howe)
    assert "Lord Howe" in render_text(lord_howe)


def test_a_tag_with_a_country_is_written_in_its_language_and_manner() -> None:
    american, austrian, unknown = (
        render_text(write_letter(make_owed(language=tag))) for tag in ("en-US", "de-AT", "xx")
    )

    assert "Monday, October 26, 2026, 7:30" in american
    assert "Ihre Buchung ist bestätigt" in austrian
    assert "Your booking is confirmed" in unknown


def test_own_words_stand_at_the_head_and_reach_no_further() -> None:
    words = "Dear {name},\nsee you at {venue}! {reference} {0} {name.__class__} {x} 100 %"

    letter = write_letter(replace(make_owed(), words={"en": words, "de": "x"}))

    assert letter.lead == (
        "Dear Ada Moreau,\nsee you at Café Bistro! K7RM2QX {0} {name.__class__} {x} 100 %"
    )
    assert letter.subject == "Your booking is confirmed – Café Bistro, K7RM2QX"


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ("#ffffff", "#1b2a2e"),
        ("#f5d020", "#1b2a2e"),
        ("#000000", "#ffffff"),
        ("#7a1f3d", "#ffffff"),
    ],
)
def test_what_stands_on_the_venue_s_colour_can_be_read(colour: str, ink: str) -> None:
    assert look_of(make_sender(colour=colour)).ink == ink


def assert_as_expected(name: str, text: str) -> None:
    file = EXPECTED / name
    if os.environ.get("TEST_REWRITE"):
        file.write_text(text)
    assert text == file.read_text()
