"""What docs/accounts.md shows is what the API does."""

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"


def test_the_transcript_of_the_page_is_true(db: Session, client: FlaskClient) -> None:
    transcript = PAGE.read_text().split("```transcript\n")[1].split("```")[0]
    headers: dict[str, str] = {}

    for step in transcript.strip().split("\n\n"):
        lines = step.split("\n")
        method, path = lines[0].split(" ")
        at = next(number for number, line in enumerate(lines) if line.isdigit())
        body = json.loads("\n".join(lines[1:at])) if at > 1 else None
        answer = client.open(path, method=method, json=body, headers=headers)

        found: dict[str, Any] = answer.get_json()
        assert answer.status_code == int(lines[at]), answer.text
        expected = json.loads("\n".join(lines[at + 1 :]))
        assert {name: found[name] for name in expected} == expected
        if "access_token" in found:
            headers = {"Authorization": f"Bearer {found['access_token']}"}
