"""What docs/rooms.md shows is what the API does."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models import User, Venue
from tests.hotel.conftest import Call

PAGE = Path(__file__).parents[2] / "docs" / "rooms.md"


@pytest.mark.usefixtures("_decided_at_once")
def test_the_transcript_of_the_page_is_true(
    call: Call, manager: User, guest: User, hotel: Venue
) -> None:
    transcript = PAGE.read_text().split("```transcript\n")[1].split("```")[0]
    first = datetime.now(ZoneInfo(hotel.time_zone)).date() + timedelta(days=7)
    values = {"first": str(first), "last": str(first + timedelta(days=2))}
    people = {"{manager}": manager, "{guest}": guest}

    for step in transcript.strip().split("\n\n"):
        lines = _filled(step, values).split("\n")
        address, _, who = lines[0].partition(" as ")
        method, path = address.split(" ")
        at = next(number for number, line in enumerate(lines) if line.isdigit())
        body = json.loads("\n".join(lines[1:at])) if at > 1 else None
        answer = call(method, path, as_=people.get(who), json=body)

        assert answer.status_code == int(lines[at]), answer.text
        found = answer.get_json()
        assert _holds(json.loads("\n".join(lines[at + 1 :])), found), answer.text
        if "total_inventory" in found:
            values["room"] = found["id"]
        if "booking" in found:
            values["booking"] = found["booking"]["id"]


def _filled(step: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], name[0]), step)


def _holds(expected: Any, found: Any) -> bool:
    """Whether all that the page shows is in the answer."""
    if isinstance(expected, dict):
        return all(_holds(value, found.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(_holds, expected, found))
    return bool(expected == found)
