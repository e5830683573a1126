"""Under `up` public clients run against the samples at once, and nowhere else."""

from pathlib import Path

import pytest

from models import Kind
from ops.environment import PUBLIC_BEARER, common
from ops.folder import DataFolder
from ops.samples import VENUES
from settings import SettingsError, load
from webapp.restaurant.access import SAMPLE_MARK

OWN = "HOLDFAST_CONSUMER_TOKENS"
SAMPLES = "HOLDFAST_SAMPLE_TOKENS"


def test_the_first_sample_is_the_one_that_clients_know() -> None:
    restaurants = [venue for venue in VENUES if venue.kind == Kind.RESTAURANT]

    assert VENUES[0].slug == "TheHungryUnicorn"
    assert [venue.slug for venue in restaurants if venue.public_consumer_calls] == ["PizzaPalace"]
    assert all(venue.attributes[SAMPLE_MARK] is True for venue in restaurants)


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ({}, PUBLIC_BEARER),
        ({OWN: "own"}, None),
        ({f"{OWN}_FILE": "/run/secrets/tokens"}, None),
        ({SAMPLES: "another"}, "another"),
    ],
)
def test_up_lets_the_public_token_in_unless_tokens_are_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], accepted: str | None
) -> None:
    for name in (OWN, f"{OWN}_FILE", SAMPLES):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    folder = DataFolder(tmp_path)
    folder.make()

    environment = common(folder, folder.secrets(), port=8000, embedded=False)

    assert environment.get(SAMPLES) == accepted
    assert environment.get(OWN) == given.get(OWN)


def test_tokens_and_origins_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN, "one, two,,")
    monkeypatch.setenv("HOLDFAST_CONSUMER_ORIGINS", "http://localhost:5173,https://tables.example")

    found = load()

    assert found.consumer_tokens == ("one", "two")
    assert found.consumer_origins == ("http://localhost:5173", "https://tables.example")


@pytest.mark.parametrize("origin", ["*", "localhost:5173", "https://a.example/", "ftp://a.example"])
def test_what_is_no_origin_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("HOLDFAST_CONSUMER_ORIGINS", origin)

    with pytest.raises(SettingsError, match="HOLDFAST_CONSUMER_ORIGINS"):
        load()
