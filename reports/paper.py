"""A report on paper: a PDF with its charts, in fonts that have the names of most scripts.

FiraGO has the Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Thai and Georgian ones, Noto
Sans CJK the Chinese, Japanese and Korean ones. Only the letters that occur go into the file.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import noto_cjk_sans_otc
import pymupdf_fonts
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextEmphasis
from fpdf.fonts import FontFace

from reports.charts import COLOURS, Chart
from reports.tables import Cell, Column, ReportType

_FONT, _EAST = "go", "cjk"
_CJK = Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc"
_GREY = 110
_CHART_HEIGHT = 52.0
_MOST_LABELS = 12


def write_paper(
    path: Path,
    kind: ReportType,
    about: str,
    rows: Iterable[Sequence[Any]],
    charts: Sequence[Chart],
    *,
    on_row: Callable[[], None],
) -> None:
    """Write it; `about` says whose it is, and of which days. Fonts are laid beside it."""
    paper = _Paper(path.parent)
    paper.head(kind.title, about)
    for chart in charts:
        if chart.labels:
            paper.chart(chart)
    paper.rows(kind.columns, rows, on_row)
    paper.output(str(path))


class _Paper(FPDF):
    """A4 across, with its page numbers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.set_auto_page_break(True, margin=14)
        for name, style in (("figo", ""), ("figbo", "B")):
            # The library reads a font from its file, again and again until the paper is written.
            file = folder / f"{name}.ttf"
            file.write_bytes(_font(name))
            self.add_font(_FONT, style, file)
        self.add_font(_EAST, "", _CJK)
        self.set_fallback_fonts([_EAST], exact_match=False)
        self.set_text_shaping(True)
        self.add_page()

    def footer(self) -> None:
        """Number the pages."""
        self.set_y(-10)
        self.set_font(_FONT, "", 7)
        self.set_text_color(_GREY)
        self.cell(0, 5, f"{self.page_no()}", align="R")

    def head(self, title: str, about: str) -> None:
        """Write what it is."""
        self.set_font(_FONT, "B", 16)
        self.cell(0, 9, title, new_x="LMARGIN", new_y="NEXT")
        self.set_font(_FONT, "", 9)
        self.set_text_color(_GREY)
        self.cell(0, 6, about, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(0)
        self.ln(2)

    def chart(self, chart: Chart) -> None:
        """Draw a chart in bars or lines, with a legend and a scale."""
        if self.will_page_break(_CHART_HEIGHT + 22):
            self.add_page()
        self.set_font(_FONT, "B", 10)
        self.cell(0, 6, chart.title, new_x="LMARGIN", new_y="NEXT")
        left, top, width = self.l_margin + 12, self.get_y() + 2, self.epw - 12
        most = _round_up(max((max(values) for values in chart.series.values()), default=0))
        self._scale(left, top, width, most)
        step = width / len(chart.labels)
        if chart.is_line:
            self._lines(chart, left, top, step, most)
        else:
            self._bars(chart, left, top, step, most)
        self._labels(chart, left, top + _CHART_HEIGHT, step)
        self._legend(chart, top + _CHART_HEIGHT + 6)

    def rows(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Any]], on_row: Callable[[], None]
    ) -> None:
        """Write the table, its head on each page."""
        self.set_font(_FONT, "", 8)
        # What a chart was drawn with last would fill the rows.
        self.set_fill_color(255)
        self.set_draw_color(200)
        self.set_line_width(0.1)
        head = FontFace(emphasis=TextEmphasis.B, fill_color=(233, 240, 240))
        with self.table(
            col_widths=tuple(column.width for column in columns),
            text_align=tuple("RIGHT" if column.is_number else "LEFT" for column in columns),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=head,
            line_height=4.4,
            padding=(0.6, 1.5),
        ) as table:
            table.row([column.title for column in columns])
            for row in rows:
                table.row([_written(each, col) for each, col in zip(row, columns, strict=True)])
                on_row()

    def _scale(self, left: float, top: float, width: float, most: float) -> None:
        self.set_font(_FONT, "", 7)
        self.set_draw_color(215)
        self.set_line_width(0.1)
        for part in range(5):
            y = top + _CHART_HEIGHT * (1 - part / 4)
            self.line(left, y, left + width, y)
            self.set_xy(left - 14, y - 2)
            self.cell(13, 4, f"{most * part / 4:,.10g}", align="R")

    def _bars(self, chart: Chart, left: float, top: float, step: float, most: float) -> None:
        wide = step * 0.8 / len(chart.series)
        for number, (values, colour) in enumerate(
            zip(chart.series.values(), COLOURS, strict=False)
        ):
            self.set_fill_color(colour)
            for place, value in enumerate(values):
                if not value:
                    continue
                high = _CHART_HEIGHT * value / most
                x = left + place * step + step * 0.1 + number * wide
                self.rect(x, top + _CHART_HEIGHT - high, wide, high, style="F")

    def _lines(self, chart: Chart, left: float, top: float, step: float, most: float) -> None:
        self.set_line_width(0.5)
        for values, colour in zip(chart.series.values(), COLOURS, strict=False):
            self.set_draw_color(colour)
            self.set_fill_color(colour)
            points = [
                (left + (place + 0.5) * step, top + _CHART_HEIGHT * (1 - value / most))
                for place, value in enumerate(values)
            ]
            self.polyline(points)
            for x, y in points:
                self.circle(x, y, 0.6, style="F")

    def _labels(self, chart: Chart, left: float, y: float, step: float) -> None:
        self.set_font(_FONT, "", 7)
        every = -(-len(chart.labels) // _MOST_LABELS)
        for place in range(0, len(chart.labels), every):
            self.set_xy(left + place * step - step * (every - 1) / 2, y + 0.5)
            self.cell(step * every, 4, chart.labels[place], align="C")

    def _legend(self, chart: Chart, y: float) -> None:
        self.set_xy(self.l_margin + 12, y)
        if len(chart.series) > 1:
            self.set_font(_FONT, "", 8)
            for name, colour in zip(chart.series, COLOURS, strict=False):
                self.set_fill_color(colour)
                self.rect(self.get_x(), y + 1, 3, 3, style="F")
                self.set_x(self.get_x() + 4)
                self.cell(self.get_string_width(name) + 6, 5, name)
        self.set_xy(self.l_margin, y + 8)


@cache
def _font(name: str) -> bytes:
    font: bytes = pymupdf_fonts.myfont(name)
    return font


def _written(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%a} {value.day} {value:%b %Y}"
    if column.cell is Cell.MONEY:
        return f"{value:,.2f}"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return str(value)


def _round_up(most: float) -> float:
    """Return the end of a scale in round numbers, above zero."""
    scale = 1.0
    while scale < most:
        scale *= 10
    return next((scale * part for part in (0.2, 0.4, 0.6, 0.8) if scale * part >= most), scale)
