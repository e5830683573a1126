"""The alarms ring when they should and not when they should not; what they name exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alarms.expressions import unknown_in
from tests.alarms.promtool import PROMETHEUS, ROOT, needs_promtool, promtool
from tests.test_docs import _anchors as anchors_of

RUNBOOK = ROOT / "docs" / "operations.md"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]


def test_all_that_is_promised_has_an_alarm() -> None:
    assert set(NAMES) == {
        "HighLatency",
        "ErrorRate",
        "Overbooked",
        "LockWait",
        "PendingTooOld",
        "MailTooOld",
        "NoDecider",
        "QueueDeep",
        "BackupTooOld",
        "PersonalDataOverdue",
    }


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_what_an_alarm_asks_exists(rule: dict[str, Any]) -> None:
    assert "holdfast_" in rule["expr"]
    assert unknown_in(rule["expr"]) == set()


@pytest.mark.parametrize(
    "expression",
    [
        "holdfast_nothing > 1",
        'holdfast_queue_depth{colour="red"}',
        "sum by (colour) (holdfast_queue_depth)",
        "holdfast_queue_depth_bucket",
    ],
)
def test_what_does_not_exist_would_be_seen(expression: str) -> None:
    """The twin of the one above."""
    assert unknown_in(expression)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alarm_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")

    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert (page, anchor) == ("docs/operations.md", rule["alert"].lower())


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_has_a_heading_for_it(name: str) -> None:
    assert name.lower() in anchors_of(RUNBOOK)


def test_each_alarm_is_listed_for_readers() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()

    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) >= set(NAMES)


@needs_promtool
def test_the_rules_are_well_formed() -> None:
    is_good, said = promtool("check", "rules", "alerts.yml", folder=PROMETHEUS)

    assert is_good, said


@needs_promtool
def test_each_alarm_rings_when_it_should_and_not_when_it_should_not() -> None:
    is_good, said = promtool("test", "rules", "alerts.test.yml", folder=PROMETHEUS)

    assert is_good, said


@needs_promtool
@pytest.mark.parametrize("broken", ["vector(1)", "vector(1) > 2"], ids=["always", "never"])
@pytest.mark.parametrize("name", NAMES)
def test_an_alarm_that_is_broken_is_seen(name: str, broken: str, tmp_path: Path) -> None:
    """The twin: with its expression replaced, the series that ring or do not are not content."""
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        if rule["alert"] == name:
            rule["expr"] = broken
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
    (tmp_path / "alerts.test.yml").write_text((PROMETHEUS / "alerts.test.yml").read_text())

    is_good, said = promtool("test", "rules", "alerts.test.yml", folder=tmp_path)

    assert not is_good
    assert f"alertname: {name}," in said
