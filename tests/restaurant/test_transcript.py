"""What docs/restaurants.md shows is what the API does."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models import Slot
from tests.restaurant.asking import Asking

PAGE = Path(__file__).parents[2] / "docs" / "restaurants.md"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.usefixtures("decided_at_once")
def test_the_transcript_of_the_page_is_true(
    ask: Asking, lunch: Slot, dinner: Slot, day: date
) -> None:
    transcript = PAGE.read_text().split("```transcript\n")[1].split("```")[0]
    reference = "unknown"

    for step in transcript.replace("{day}", str(day)).strip().split("\n\n"):
        lines = step.replace("{reference}", reference).split("\n")
        at = next(number for number, line in enumerate(lines) if line.isdigit())
        method, path = lines[0].split(" ")
        form = lines[1] if at > 1 else None
        answer = ask(method, path, form, content_type=FORM if form else None)  # type: ignore[arg-type]

        assert answer.status_code == int(lines[at]), answer.text
        expected = json.loads("\n".join(lines[at + 1 :]))
        assert _holds(expected, answer.get_json()), (step, answer.text)
        if answer.get_json() and isinstance(answer.get_json(), dict):
            reference = answer.get_json().get("booking_reference", reference)


def _holds(expected: Any, found: Any) -> bool:
    """Whether all that the page shows is in the answer."""
    if isinstance(expected, dict):
        return all(_holds(value, found.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(_holds, expected, found))
    return bool(expected == found)
