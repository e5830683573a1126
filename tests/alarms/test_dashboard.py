"""The dashboard for Grafana: panels that lie side by side, and ask only for what exists."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alarms.expressions import unknown_in
from tests.alarms.promtool import ROOT, needs_promtool, promtool
from tests.test_metrics import PROMISED

BOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "holdfast.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
ASKING = [panel for panel in PANELS if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in ASKING for target in panel["targets"]]
KINDS = {"row", "stat", "timeseries"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def test_the_board_is_one_that_grafana_can_import() -> None:
    assert BOARD["title"] == "Holdfast"
    assert BOARD["schemaVersion"] >= 36
    assert [each["name"] for each in BOARD["templating"]["list"]] == ["datasource"]
    assert "id" not in BOARD
    assert {panel["type"] for panel in PANELS} == KINDS
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("panel", ASKING, ids=lambda panel: panel["title"])
def test_a_panel_has_what_it_needs(panel: dict[str, Any]) -> None:
    letters = [target["refId"] for target in panel["targets"]]

    assert panel["title"]
    assert panel["description"]
    assert panel["datasource"] == SOURCE
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert letters == sorted(set(letters))
    assert all(target["datasource"] == SOURCE and target["expr"] for target in panel["targets"])


def test_no_panel_lies_on_another() -> None:
    for one, other in itertools.combinations([panel["gridPos"] for panel in PANELS], 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_a_panel_asks_exists(expression: str) -> None:
    assert "holdfast_" in expression
    assert unknown_in(expression) == set()


def test_every_metric_is_on_the_board() -> None:
    shown = re.findall(r"holdfast_\w+", " ".join(EXPRESSIONS))

    assert {re.sub(r"_(bucket|count)$", "", name) for name in shown} == PROMISED.keys()


@needs_promtool
def test_prometheus_understands_each_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", expression)}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    asked = {"groups": [{"name": "board", "rules": rules}]}
    (tmp_path / "board.yml").write_text(yaml.safe_dump(asked))

    is_good, said = promtool("check", "rules", "board.yml", folder=tmp_path)

    assert is_good, said
    assert f"{len(EXPRESSIONS)} rules found" in said
