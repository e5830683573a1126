"""Lists as files: bounded, streamed, and safe to be opened with a spreadsheet."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import IO, Any

import xlsxwriter
from flask import Response, abort, stream_with_context
from flask_admin import expose
from flask_security import current_user
from markupsafe import escape

from admin.database import give_back_connection
from admin.tenancy import Realm, current_realm
from booking.actors import staff
from booking.exporting import note_export
from models import Post

MOST_ROWS = 50_000
PORTION = 1000
_PIECE = 64 * 1024
_FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Filters into which people type names are not written down with the export.
_PRIVATE = ("name",)

Value = str | int | Decimal | datetime | None
Column = tuple[str, Callable[[Any], Value]]


class Exporting:
    """The file of a list, for those who run the venues in it; it has what the filters leave.

    It has the columns of the screen, as they read there, so what a screen masks stays masked. A
    screen may name others, with their own types, in `columns_of_file`.
    """

    columns_of_file: tuple[Column, ...] = ()

    def portion(self: Any, realm: Realm, filters: Any, after: Any, skipped: int) -> Sequence[Any]:
        """Return the next rows, at most PORTION: those behind `after`, or behind so many."""
        query = self.get_query().filter(self.within(realm))
        ordered = self.narrow(query, filters).order_by(*self.ordering)
        found: Sequence[Any] = ordered.offset(skipped).limit(PORTION).all()
        return found

    def may_export(self) -> bool:
        """Whether whoever is signed in may take the list away."""
        return not _owned().is_empty

    @expose("/export/<export_type>/")
    def export(self: Any, export_type: str) -> Response:
        """Send the list as a file; who took it, and with which filters, is written down."""
        owned = _owned()
        if export_type not in _FORMS:
            abort(404)
        if owned.is_empty:
            abort(403)
        filters = self.read_filters()
        venues = sorted(owned.posts)
        if (chosen_venue := filters.data.get("venue")) and int(chosen_venue) not in owned.posts:
            abort(403)
        note_export(
            listed=self.name.lower(),
            form=export_type,
            venue_ids=[int(chosen_venue)] if chosen_venue else venues,
            chosen=_said(filters),
            by=staff(current_user.id),
        )
        give_back_connection()
        rows = _rows(self, owned, filters)
        heads = [head for head, _ in _columns(self)]
        make = _csv if export_type == "csv" else _xlsx
        name = f"{self.name.lower()}-{datetime.now(UTC):%Y%m%d-%H%M}.{export_type}"
        return Response(
            stream_with_context(make(heads, rows)),
            content_type=_FORMS[export_type],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def harmless(value: Value) -> str | int | Decimal:
    """Return a cell of a CSV file that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _owned() -> Realm:
    """Return the part of the realm that they run: staff and operators take no lists away."""
    posts = {
        venue_id: post for venue_id, post in current_realm().posts.items() if post is Post.OWNER
    }
    return Realm(is_operator=False, posts=posts)


def _said(filters: Any) -> dict[str, str]:
    return {
        name: "(a name)" if name in _PRIVATE else str(value)
        for name, value in filters.data.items()
        if value
    }


def _columns(view: Any) -> Sequence[Column]:
    """Return the columns of the file: those that the screen names, or its own as they read."""
    if view.columns_of_file:
        columns: Sequence[Column] = view.columns_of_file
        return columns
    return [(str(label), partial(_as_shown, view, name)) for name, label in view._list_columns]


def _as_shown(view: Any, name: str, row: Any) -> Value:
    """Return a number as it is, and anything else as it reads on the screen."""
    raw = getattr(row, name, None)
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        return raw
    shown = view.get_list_value(None, row, name)
    return " ".join(escape(shown).striptags().split()) if shown is not None else None


def _rows(view: Any, realm: Realm, filters: Any) -> Iterator[list[Value]]:
    """Read portion after portion, and give the connection back while one is sent."""
    columns = _columns(view)
    after, count = None, 0
    while count < MOST_ROWS:
        found = view.portion(realm, filters, after, count)
        portion = [[value(row) for _, value in columns] for row in found[: MOST_ROWS - count]]
        give_back_connection()
        yield from portion
        count += len(found)
        if len(found) < PORTION:
            return
        after = found[-1]
    yield [f"Only the first {MOST_ROWS:,} rows; narrow the list for the others."]


def _csv(heads: list[str], rows: Iterator[list[Value]]) -> Iterator[str]:
    # With it, spreadsheets read the letters of other languages rightly.
    yield "\ufeff"
    yield _line(heads)
    for each in rows:
        yield _line([harmless(value) for value in each])


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _xlsx(heads: list[str], rows: Iterator[list[Value]]) -> Iterator[bytes]:
    """Write a sheet row by row into a file on disk, then send that. Text stays text."""
    with tempfile.TemporaryFile() as place:
        _write_sheet(place, heads, rows)
        place.seek(0)
        while piece := place.read(_PIECE):
            yield piece


def _write_sheet(place: IO[bytes], heads: list[str], rows: Iterator[list[Value]]) -> None:
    book = xlsxwriter.Workbook(
        place,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    clock = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, datetime):
                sheet.write_datetime(number, column, value, clock)
            elif isinstance(value, int | Decimal):
                sheet.write_number(number, column, value)
            elif value:
                sheet.write_string(number, column, value)
    book.close()
