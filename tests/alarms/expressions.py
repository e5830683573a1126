"""What an expression of PromQL names, as far as our own metrics are concerned."""

import re

from metrics import registry
from tests.test_metrics import PROMISED

_PART = re.compile(r"_(bucket|sum|count)$")
_HISTOGRAMS = {family.name for family in registry.collect() if family.type == "histogram"}
_NAME = re.compile(r"\b(holdfast_\w+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def unknown_in(expression: str) -> set[str]:
    """Return the metrics and labels that an expression names and that do not exist."""
    unknown: set[str] = set()
    labels: set[str] = set()
    for name, matchers in _NAME.findall(expression):
        known = _PART.sub("", name)
        if known not in _HISTOGRAMS:
            known = name
        if known not in PROMISED:
            unknown.add(name)
            continue
        labels |= PROMISED[known] | ({"le"} if name.endswith("_bucket") else set())
        asked = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", matchers))
        unknown |= {f"{name}.{label}" for label in asked - PROMISED[known]}
    grouped = {
        label.strip() for names in _GROUPED.findall(expression) for label in names.split(",")
    }
    return unknown | (grouped - labels)
