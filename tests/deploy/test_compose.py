"""docker-compose.yml is one that Compose accepts, and every name in it exists."""

import json
import re
from importlib.resources import files
from typing import Any

import click
import pytest
import yaml
from flower.options import default_options  # type: ignore[import-untyped]
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from ops.__main__ import commands
from ops.deployment import make_secrets
from ops.environment import Facts
from ops.parts import NAMES, parts
from tests.deploy.compose import FILE, IN_SECRETS, ROOT, Missing, environment, part_of, read
from tests.test_docs import _defaults

COMPOSE = read()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("holdfast")}
PARTS = {name: part for name, each in SERVICES.items() if (part := part_of(each))}
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
FACTS = Facts(
    bind="127.0.0.1",
    data_dir="/data",
    decide_workers=2,
    other_workers=1,
    owner_email="owner@example.com",
    base_url="https://localhost",
    backs_up=False,
    secret_key="",
)
SIZE = re.compile(r"[0-9]+[mg]")


def test_the_file_is_as_the_compose_specification_wants_it() -> None:
    assert [error.message for error in _schema().iter_errors(COMPOSE)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"comand": "x"},
        {"depends_on": {"redis": {"condition": "up"}}},
        {"ports": {"80": 8000}},
        {"restart": ["always"]},
    ],
)
def test_what_the_specification_does_not_know_is_found(change: dict[str, Any]) -> None:
    broken = read()
    broken["services"]["web"] |= change

    assert list(_schema().iter_errors(broken))


@pytest.mark.parametrize("name", ["HOLDFAST_SECRETS", "HOLDFAST_BASE_URL"])
def test_without_what_has_no_default_it_says_what_to_do(name: str) -> None:
    given = {"HOLDFAST_SECRETS": "./secrets", "HOLDFAST_BASE_URL": "https://localhost"}
    del given[name]

    with pytest.raises(Missing, match=rf"^{name}: (make|give) .+"):
        read(given)


def test_every_secret_is_a_file_that_the_command_makes(tmp_path: Any) -> None:
    made = make_secrets(tmp_path / "secrets", host="localhost")
    files = {name: secret["file"] for name, secret in COMPOSE["secrets"].items()}

    assert files == {name: f"./secrets/{name}" for name in made}


def test_secrets_are_given_to_who_reads_them_and_to_nobody_else() -> None:
    for name, service in SERVICES.items():
        text = yaml.safe_dump([service.get("environment", {}), service.get("command", [])])
        text += NGINX if name == "proxy" else ""
        read_here = set(re.findall(rf"{IN_SECRETS}(\w+)", text))

        assert read_here == set(service.get("secrets", [])), name
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_only_migrations_know_the_owner_of_the_schema() -> None:
    owners = {"admin_database_url", "owner_database_url", "owner_password"}

    knowing = {name for name, service in SERVICES.items() if owners & set(service["secrets"])}

    assert knowing == {"migrate"}


def test_networks_volumes_and_dependencies_exist() -> None:
    for name, service in SERVICES.items():
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file(), volume
            else:
                assert source in COMPOSE["volumes"], volume
    used = {network for service in SERVICES.values() for network in service["networks"]}
    assert used == set(COMPOSE["networks"])


def test_whoever_is_waited_for_can_say_that_it_is_ready() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "test" in SERVICES[name]["healthcheck"], name
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert SERVICES[name]["restart"] == "no"


def test_everything_of_ours_waits_for_the_migrations() -> None:
    for name in OURS.keys() - {"migrate"}:
        wanted = OURS[name]["depends_on"]["migrate"]["condition"]
        assert wanted == "service_completed_successfully", name


def test_only_the_proxy_publishes_ports_and_web_can_be_many() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert not [name for name, service in SERVICES.items() if "container_name" in service]
    assert "hostname" not in SERVICES["web"]


def test_nobody_but_the_product_reaches_the_databases() -> None:
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert COMPOSE["networks"]["front"]["internal"] is True
    for store in ("postgres", "redis"):
        assert SERVICES[store]["networks"] == ["back"]
    assert SERVICES["proxy"]["networks"] == ["edge", "front"]
    assert {name for name in OURS if "outward" in OURS[name]["networks"]} == {"mail"}


def test_the_proxy_is_the_one_that_is_trusted() -> None:
    [front] = COMPOSE["networks"]["front"]["ipam"]["config"]

    assert environment(SERVICES["web"])["HOLDFAST_TRUSTED_PROXIES"] == front["subnet"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_exists(name: str) -> None:
    known = set(_defaults()) | {"HOLDFAST_ADMIN_DATABASE_URL", "FLOWER_BASIC_AUTH"}

    for variable in OURS[name]["environment"]:
        if variable.startswith("FLOWER_") and not variable.endswith("_FILE"):
            assert variable.removeprefix("FLOWER_").lower() in default_options, variable
        else:
            assert variable.removesuffix("_FILE") in known, variable


# Addresses that people open; they hold no password.
OPEN = ("HOLDFAST_BASE_URL", "HOLDFAST_FLOWER_URL")


def test_no_secret_is_written_into_the_file() -> None:
    secret = re.compile(r"(PASSWORD|BASIC_AUTH|SECRET_KEY|_URL|TOKEN)$")
    for service in SERVICES.values():
        for variable, value in environment(service).items():
            if secret.search(variable.removesuffix("_FILE")) and variable not in OPEN:
                assert variable.endswith("_FILE"), variable
                assert value.startswith(IN_SECRETS), variable


def test_every_part_of_the_product_runs_once() -> None:
    assert sorted(PARTS.values()) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_are_those_of_the_command_line(name: str) -> None:
    word, *rest = OURS[name]["command"]
    command = commands.commands[word]

    parsed = command.make_context(word, list(rest), resilient_parsing=False)

    assert isinstance(parsed, click.Context)


@pytest.mark.parametrize(("name", "part"), sorted(PARTS.items()))
def test_health_is_asked_of_the_part_that_runs(name: str, part: str) -> None:
    asked = SERVICES[name]["healthcheck"]["test"]

    assert asked == ["CMD", "python", "-m", "ops.healthy", part]


@pytest.mark.parametrize(("name", "part"), sorted(PARTS.items()))
def test_parts_are_ended_as_up_ends_them(name: str, part: str) -> None:
    [known] = [
        each
        for each in parts(FACTS, flower_address="127.0.0.1", flower_port=5555)
        if each.name == part
    ]

    assert SERVICES[name]["stop_signal"] == f"SIG{known.stop_signal}"
    assert _seconds(SERVICES[name]["stop_grace_period"]) > known.stop_seconds


def test_ports_of_the_proxy_are_those_that_it_listens_on() -> None:
    inside = {port.rsplit(":", 1)[1] for port in SERVICES["proxy"]["ports"]}
    listening = set(re.findall(r"listen (\d+)[ ;]", NGINX))

    assert inside == listening


def test_the_proxy_hands_on_to_what_exists() -> None:
    ports = {"web": "8000", "flower": "5555", "mail-catcher": "8025"}
    named = dict(re.findall(r"set \$\w+ ([a-z-]+):(\d+);", NGINX))

    assert named == ports
    assert _defaults()["HOLDFAST_PORT"] == ports["web"]
    for name in named:
        assert "front" in SERVICES[name]["networks"], name
    assert environment(SERVICES["flower"])["FLOWER_URL_PREFIX"] == "flower"
    assert environment(SERVICES["mail-catcher"])["MP_WEBROOT"] == "/mail-catcher/"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_kept_small(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert SIZE.fullmatch(service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert "healthcheck" in service
    assert name in OURS or service["user"] not in ("root", "0", "0:0")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_images_of_others_have_a_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")

    assert re.match(r"v?\d+", tag), image
    if name == "postgres":
        assert int(tag) >= 17


def _schema() -> Validator:
    """Return the official schema, as check-jsonschema carries it."""
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    return validator_for(schema)(schema)


def _seconds(period: str) -> int:
    assert period.endswith("s")
    return int(period.removesuffix("s"))


def test_the_file_says_itself_how_it_is_used() -> None:
    lines = FILE.read_text().splitlines()

    [made] = [line for line in lines[:8] if "./holdfast secrets" in line]
    assert "--host" in made
