"""What docs/boats.md shows is what the API does."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from models import Slot

PAGE = Path(__file__).parents[2] / "docs" / "boats.md"


@pytest.mark.usefixtures("_decided_at_once")
def test_the_transcript_of_the_page_is_true(client: FlaskClient, departure: Slot) -> None:
    transcript = PAGE.read_text().split("```transcript\n")[1].split("```")[0]

    for step in transcript.replace("{departure}", str(departure.id)).split("\n\n"):
        request, status, expected = _parts(step.strip())
        method, path, body = request
        answer = client.open(path, method=method, json=body)
        assert answer.status_code == status, answer.text
        assert _holds(expected, answer.get_json()), answer.text


def _parts(step: str) -> tuple[tuple[str, str, object], int, object]:
    lines = step.split("\n")
    method, path = lines[0].split(" ", 1)
    at = next(number for number, line in enumerate(lines) if line.isdigit())
    body = json.loads("\n".join(lines[1:at])) if at > 1 else None
    return (method, path, body), int(lines[at]), json.loads("\n".join(lines[at + 1 :]))


def _holds(expected: object, found: object) -> bool:
    """Whether all that the page shows is in the answer."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(_holds(value, found.get(name)) for name, value in expected.items())
    return expected == found
