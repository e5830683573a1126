"""A letter in its two forms: text, and HTML in the venue's look."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from booking.correspondence import Sender
from messages.facts import title
from messages.letters import Letter

OUR_NAME, OUR_COLOUR = "Holdfast", "#14505c"
_DARK_INK, _LIGHT_INK = "#1b2a2e", "#ffffff"


@dataclass(frozen=True, slots=True)
class Look:
    """What a letter shows of its sender: the name, the colour, and what can be read on it."""

    name: str
    colour: str
    ink: str


def look_of(sender: Sender | None) -> Look:
    """Return the look of a venue, or ours where no venue speaks."""
    name, colour = (title(sender.name), sender.colour) if sender else (OUR_NAME, OUR_COLOUR)
    return Look(name, colour, _DARK_INK if _luminance(colour) > 0.36 else _LIGHT_INK)


def render_text(letter: Letter) -> str:
    """Return a letter as plain text."""
    return _templates().get_template("mail.txt").render(letter=letter)


def render_html(letter: Letter, look: Look) -> str:
    """Return a letter as HTML; whatever somebody has written is text in it."""
    return _templates().get_template("mail.html").render(letter=letter, look=look)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, from 0 (black) to 1 (white)."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
