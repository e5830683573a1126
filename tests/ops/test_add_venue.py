"""A venue is made out of the file that the documentation shows, whole or not at all."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Membership, Schedule, Slot, Venue
from ops.add_venue import main

PAGE = Path(__file__).parents[2] / "docs" / "venues.md"


@pytest.fixture
def example() -> dict:
    """The description on the page."""
    return json.loads(PAGE.read_text().split("```json\n")[1].split("```")[0])


def add(folder: Path, described: object, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command on a description."""
    file = folder / "venue.json"
    file.write_text(json.dumps(described))
    monkeypatch.setattr("sys.argv", ["add-venue", str(file)])
    return main()


def test_the_example_of_the_page_makes_a_venue_with_slots(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: dict
) -> None:
    assert add(tmp_path, example, monkeypatch) == 0

    venue = db.scalars(select(Venue).where(Venue.slug == "bistro-verde")).one()
    assert db.scalar(select(Membership.post).where(Membership.venue_id == venue.id)) == "owner"
    assert (db.scalar(select(func.count()).select_from(Slot)) or 0) > 400


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "inn"}, "kind"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"currency": "euro"}, "currency"),
        ({"resources": [{"name": "x"}]}, "resources.0.counted_in"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    db: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    example: dict,
    change: dict,
    named: str,
) -> None:
    assert add(tmp_path, example | change, monkeypatch) == 1

    assert named in capsys.readouterr().err
    assert db.scalar(select(func.count()).select_from(Venue)) == 0


def test_a_bad_pattern_leaves_no_half_of_a_venue(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: dict
) -> None:
    example["resources"][0]["schedules"][0]["weekdays"] = [8]

    assert add(tmp_path, example, monkeypatch) == 1

    assert db.scalar(select(func.count()).select_from(Venue)) == 0
    assert db.scalar(select(func.count()).select_from(Schedule)) == 0
