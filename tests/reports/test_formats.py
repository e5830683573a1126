"""The files: no cell begins a formula, figures are figures, names are of any script."""

import csv
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from models import CountedIn, FileFormat, ReportKind, Venue
from reports import reading, writing
from reports.asking import read_report
from reports.charts import draw
from reports.kinds import TYPES
from reports.paper import _Paper
from reports.tables import ChartOf
from tests.factories import make_booking, make_resource, make_slot, make_venue
from tests.reports.conftest import ask, made, make_all

EVIL = ('=HYPERLINK("http://x")', "+1+1", "-1", "@SUM(A1)", "\t=1", "＝1")
NAMES = (
    "Ada Żółć",
    "Ελένη",
    "Дмитрий",
    "محمد علي",
    "שלום",
    "王小明",
    "佐藤さくら",
    "김민수",
    "สมชาย",
)


def booked(venue: Venue, names: tuple[str, ...]) -> None:
    slot = make_slot(make_resource(venue, name="Hall"), capacity=50)
    for name in names:
        make_booking(slot, quantity=1, full_name=name)


def test_no_cell_of_csv_begins_a_formula(venue: Venue) -> None:
    booked(venue, EVIL)

    _, content = made(venue, ReportKind.BOOKINGS)

    found = [line["name"] for line in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    assert found == [f"'{name}" for name in EVIL]


def test_without_the_apostrophe_one_would(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_safe", lambda value, column: value)
    booked(venue, EVIL[:1])

    _, content = made(venue, ReportKind.BOOKINGS)

    (line,) = csv.DictReader(io.StringIO(content.decode()))
    assert line["name"] == EVIL[0]


def test_json_has_texts_as_they_are_and_money_as_a_string(venue: Venue) -> None:
    names = (*EVIL, 'a "quote"', "back\\slash, comma", "two\nlines", *NAMES)
    booked(venue, names)

    _, content = made(venue, ReportKind.BOOKINGS, FileFormat.JSON)

    found = json.loads(content)
    assert [each["name"] for each in found] == list(names)
    assert {each["total"] for each in found} == {"12.50"}
    assert {each["quantity"] for each in found} == {1}


def test_a_workbook_holds_text_as_text_and_figures_as_figures(venue: Venue) -> None:
    booked(venue, EVIL)

    _, content = made(venue, ReportKind.BOOKINGS, FileFormat.XLSX)

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "HYPERLINK" in sheet
    assert "<v>12.50</v>" in sheet


def test_a_workbook_of_figures_has_their_charts(venue: Venue) -> None:
    booked(venue, ("Ada",))

    report, content = made(venue, ReportKind.OCCUPANCY, FileFormat.XLSX)

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        charts = [name for name in book.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 2
    assert [chart["title"] for chart in report.figures["charts"]] == ["Taken, %", "People"]
    assert report.figures["charts"][0]["series"][0]["values"] == [2.0]


def test_paper_has_the_letters_of_many_scripts(venue: Venue, tmp_path: Path) -> None:
    booked(venue, NAMES)

    report, content = made(venue, ReportKind.RUN_SHEET, FileFormat.PDF)

    assert report.state == "done", report.error
    assert content.startswith(b"%PDF-")
    assert b"FiraGO" in content
    assert b"NotoSansCJK" in content
    assert missing_letters("".join(NAMES), tmp_path) == []


def test_a_letter_that_no_font_has_is_seen(tmp_path: Path) -> None:
    """The twin of the one above: cuneiform is not among them."""
    assert missing_letters("A\U00012000", tmp_path) == [0x12000]


def missing_letters(text: str, folder: Path) -> list[int]:
    """Return the letters of a text that none of the fonts has: they would be empty boxes."""
    fonts = _Paper(folder).fonts.values()
    return [ord(each) for each in text if not any(ord(each) in font.cmap for font in fonts)]


def test_charts_on_paper_are_drawn_for_each_kind_of_figure() -> None:
    venue = make_venue()
    slot = make_slot(make_resource(venue, counted_in=CountedIn.PARTIES), capacity=50)
    make_booking(slot, quantity=2)
    for kind in (ReportKind.OCCUPANCY, ReportKind.SOURCES):
        report, content = made(venue, kind, FileFormat.PDF)

        assert (report.state, content[:5]) == ("done", b"%PDF-")


def test_nothing_that_names_people_is_kept_in_the_row(venue: Venue) -> None:
    booked(venue, ("Ada Lovelace",))

    for kind in (ReportKind.RUN_SHEET, ReportKind.BOOKINGS):
        report, _ = made(venue, kind)

        assert "Ada" not in json.dumps(report.figures)


@pytest.mark.parametrize("form", [FileFormat.XLSX, FileFormat.PDF])
def test_more_rows_than_a_format_takes_are_refused_at_once(
    venue: Venue, form: FileFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(writing.MOST_ROWS, form, 1)
    booked(venue, ("Ada", "Bo"))
    key = ask(venue, ReportKind.BOOKINGS, form)

    make_all()

    report = read_report(key=key)
    assert (report.state, report.error, report.run) == ("failed", "too_long", 1)


def test_a_chart_adds_up_and_puts_the_small_ones_together() -> None:
    columns = TYPES[ReportKind.REFUSALS].columns
    rows = [("2026-01-01", "12:00", f"R{n}", f"reason {n}", n, 1, 9, 0) for n in range(12)]

    chart = draw(ChartOf("Refused", "day", "refused", by="reason"), columns, rows)

    assert len(chart.series) == 8
    assert chart.series["others"] == [float(sum(range(5)))]
    assert sum(values[0] for values in chart.series.values()) == float(sum(range(12)))


def test_a_share_is_of_the_sums_and_not_the_mean_of_shares() -> None:
    columns = TYPES[ReportKind.OCCUPANCY].columns
    rows = [
        ("2026-01-01", "A", 1, 1, 1, Decimal(100), 1, 1),
        ("2026-01-01", "B", 1, 99, 0, Decimal(0), 0, 0),
    ]

    chart = draw(ChartOf("Taken", "day", "taken", over="capacity"), columns, rows)

    assert chart.series == {"Taken": [1.0]}
