"""`./holdfast embed` names the sites that may show a venue's form, and no others."""

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from ops.embed import main
from tests.factories import make_venue


def test_sites_are_named_and_taken_back(db: Session) -> None:
    venue = make_venue(slug="bistro")

    named = CliRunner().invoke(main, ["bistro", "https://bistro.example", "http://localhost:8080"])

    assert named.exit_code == 0
    assert '/embed/bistro.js"></script>' in named.stdout
    assert venue.embed_origins == ["https://bistro.example", "http://localhost:8080"]
    assert CliRunner().invoke(main, ["bistro"]).exit_code == 0
    assert venue.embed_origins == []


@pytest.mark.parametrize(
    "origin",
    ["bistro.example", "https://bistro.example/", "https://*", "https://a.example; script-src *"],
)
def test_what_is_no_origin_is_one_line(db: Session, origin: str) -> None:
    venue = make_venue(slug="bistro")

    refused = CliRunner().invoke(main, ["bistro", origin])

    assert refused.exit_code == 1
    assert refused.output.startswith(f"holdfast: {origin} is no origin")
    assert venue.embed_origins == []
    assert CliRunner().invoke(main, ["nowhere"]).exit_code == 1
