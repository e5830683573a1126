"""A venue's colour, made so that it can be read: by light and by dark."""

from dataclasses import dataclass

from booking.correspondence import Sender
from messages.rendering import look_of

# Relative luminance of the cards that text in the colour stands on.
_LIGHT_PAPER, _DARK_PAPER = 1.0, 0.018
_ENOUGH = 4.6


@dataclass(frozen=True, slots=True)
class Palette:
    """The colour itself, the ink on it, and the colour as ink on light and on dark paper."""

    colour: str
    ink: str
    on_light: str
    on_dark: str


def palette(sender: Sender | None) -> Palette:
    """Return the colours of a venue, or ours where no venue speaks."""
    look = look_of(sender)
    return Palette(
        look.colour,
        look.ink,
        _readable(look.colour, _LIGHT_PAPER, towards=0),
        _readable(look.colour, _DARK_PAPER, towards=255),
    )


def _readable(colour: str, paper: float, *, towards: int) -> str:
    """Mix black or white into a colour until it can be read on paper of that luminance."""
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    for step in range(21):
        mixed = [round(part + (towards - part) * step / 20) for part in parts]
        if _contrast(_luminance(mixed), paper) >= _ENOUGH:
            break
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(parts: list[int]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (part / 255 for part in parts)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
