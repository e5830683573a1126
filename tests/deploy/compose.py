"""docker-compose.yml as Compose reads it: variables filled in, anchors followed."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
GIVEN = {"HOLDFAST_SECRETS": "./secrets", "HOLDFAST_BASE_URL": "https://localhost"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}")
IN_SECRETS = "/run/secrets/"


class Missing(Exception):
    """A variable without a default is not given; says what the file says of it."""


def read(given: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the whole file. Raises Missing."""
    variables = GIVEN if given is None else given
    text = "\n".join(line for line in FILE.read_text().splitlines() if line.lstrip()[:1] != "#")

    def fill(match: re.Match[str]) -> str:
        if value := variables.get(match["name"]):
            return value
        if match["sign"] == "-":
            return match["rest"]
        raise Missing(f"{match['name']}: {match['rest']}")

    return dict(yaml.safe_load(VARIABLE.sub(fill, text)))


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Return what a container has in its environment, without what nobody has given."""
    given = service.get("environment", {})
    return {name: value for name, value in given.items() if value is not None}


def part_of(service: dict[str, Any]) -> str | None:
    """Return which part of the product a container becomes, None where it is none."""
    command = service.get("command", [])
    return str(command[1]) if command[:1] == ["run"] else None
