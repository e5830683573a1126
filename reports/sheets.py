"""A report as a workbook: its table, and its charts on a sheet of their own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from reports.charts import Chart
from reports.tables import Cell, ReportType

_FORMS = {
    Cell.DAY: {"num_format": "yyyy-mm-dd", "align": "left"},
    Cell.MONEY: {"num_format": "#,##0.00"},
}


def write_workbook(
    path: Path,
    kind: ReportType,
    rows: Iterable[Sequence[Any]],
    charts: Sequence[Chart],
    *,
    on_row: Callable[[], None],
) -> None:
    """Write it. What looks like a formula or an address stays text."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("Report")
        bold = book.add_format({"bold": True, "bottom": 1})
        forms = [book.add_format(_FORMS.get(column.cell, {})) for column in kind.columns]
        for place, column in enumerate(kind.columns):
            sheet.set_column(place, place, column.width + 2, forms[place])
            sheet.write_string(0, place, column.title, bold)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                _write(sheet, number, place, value, forms[place])
            on_row()
        if charts:
            _add_charts(book, charts)


def _write(sheet: Any, row: int, place: int, value: Any, form: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, place, value, form)
    elif hasattr(value, "year"):
        sheet.write_datetime(row, place, value, form)
    else:
        sheet.write_number(row, place, value, form)


def _add_charts(book: Any, charts: Sequence[Chart]) -> None:
    """Write the charts with the figures that they show, one below the other."""
    sheet = book.add_worksheet("Charts")
    # Below the first row of a chart comes nothing that stands above it: memory stays constant.
    top = 0
    for chart in charts:
        for place, name in enumerate(chart.series, 1):
            sheet.write_string(top, place, name)
        for number, label in enumerate(chart.labels, 1):
            sheet.write_string(top + number, 0, label)
            for place, values in enumerate(chart.series.values(), 1):
                sheet.write_number(top + number, place, values[number - 1])
        drawn = book.add_chart({"type": "line" if chart.is_line else "column"})
        last = top + len(chart.labels)
        for place in range(1, len(chart.series) + 1):
            drawn.add_series(
                {
                    "name": ["Charts", top, place],
                    "categories": ["Charts", top + 1, 0, last, 0],
                    "values": ["Charts", top + 1, place, last, place],
                }
            )
        drawn.set_title({"name": chart.title})
        sheet.insert_chart(top, len(chart.series) + 2, drawn)
        top = max(last, top + 16) + 2
