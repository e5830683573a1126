"""Charts out of a report's rows, in plain lists, for a page and for paper alike."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reports.tables import ChartOf, Column

MOST_SERIES = 8
MOST_LABELS = 92
OTHERS = "others"
COLOURS = (
    "#2f6f6a",
    "#d08b3c",
    "#5a76b8",
    "#a8556b",
    "#7d8f45",
    "#8566a8",
    "#4d9fb5",
    "#8a7560",
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart to be drawn: labels along it, and the values of each series by name."""

    title: str
    labels: list[str]
    series: dict[str, list[float]]
    is_line: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the page's script reads it."""
        return {
            "title": self.title,
            "labels": self.labels,
            "series": [
                {"name": name, "values": values, "colour": colour}
                for (name, values), colour in zip(self.series.items(), COLOURS, strict=False)
            ],
            "is_line": self.is_line,
        }


def draw(wanted: ChartOf, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Chart:
    """Add the rows up along a column; of many series the largest, the rest together."""
    place = {column.name: number for number, column in enumerate(columns)}
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    whole: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    labels: dict[str, None] = {}
    for row in rows:
        label = str(row[place[wanted.along]])
        name = str(row[place[wanted.by]]) if wanted.by else wanted.title
        labels.setdefault(label)
        value = Decimal(row[place[wanted.value]] or 0)
        sums[name, label] += value
        totals[name] += value
        if wanted.over:
            whole[name, label] += Decimal(row[place[wanted.over]] or 0)
    shown = sorted(labels)[:MOST_LABELS] if wanted.along == "day" else list(labels)[:MOST_LABELS]
    largest = sorted(totals, key=lambda name: (-totals[name], name))
    series = {
        name: [_share(sums[name, label], whole[name, label], wanted) for label in shown]
        for name in largest[: MOST_SERIES - (len(largest) > MOST_SERIES)]
    }
    rest = largest[len(series) :]
    if rest:
        series[OTHERS] = [
            _share(
                sum((sums[name, label] for name in rest), Decimal()),
                sum((whole[name, label] for name in rest), Decimal()),
                wanted,
            )
            for label in shown
        ]
    return Chart(wanted.title, shown, series, wanted.is_line)


def _share(part: Decimal, whole: Decimal, wanted: ChartOf) -> float:
    if not wanted.over:
        return float(part)
    return round(float(100 * part / whole), 1) if whole else 0.0
