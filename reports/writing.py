"""Writing the files of the reports that are claimed, in the time that there is."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog

from models import FileFormat
from reports import reading
from reports.charts import Chart, draw
from reports.figures import placed_at
from reports.making import (
    TOO_LONG,
    Claim,
    NotOurs,
    TooLong,
    claim_next,
    fail,
    finish,
    go_on_later,
    let_go,
    note_part,
    note_progress,
    out_of_time,
)
from storage import files

logger = structlog.get_logger(__name__)

PART_ROWS = 100_000
SHOWN_ROWS = 200
MOST_FIGURES = 20_000
_PROGRESS_SECONDS = 1.0
_READ = 1024 * 1024
MOST_ROWS = {FileFormat.XLSX: 20_000, FileFormat.PDF: 1500}


def make_reports(until: float) -> int:
    """Make the reports that wait, the oldest first, until that moment of time.monotonic().

    Returns how many were taken up.
    """
    count = 0
    while not out_of_time(until) and (claim := claim_next()) is not None:
        count += 1
        try:
            _make(claim, until)
        except NotOurs:
            let_go(claim)
        except TooLong:
            fail(claim, TOO_LONG, for_good=True)
        except Exception as error:
            logger.exception("report_broken", report_id=claim.id)
            fail(claim, type(error).__name__, for_good=False)
    return count


def _make(claim: Claim, until: float) -> None:
    if claim.is_in_parts:
        _make_parts(claim, until)
    else:
        _make_whole(claim)


def _make_parts(claim: Claim, until: float) -> None:
    """Write a list of bookings part by part; it goes on in another turn when this one is over."""
    with reading.reader() as connection:
        question = claim.type.question(claim.asked)
        conditions = placed_at(claim.asked)
        after, upto, part = claim.after_seq, claim.to_seq, claim.parts
        if upto is None:
            upto = reading.newest_booking(connection, claim.asked)
            total = reading.count_bookings(connection, conditions, upto)
            note_progress(claim, to_seq=upto, rows_total=total)
        while after < upto or part == 0:
            last, number = reading.end_of_part(connection, conditions, (after, upto), PART_ROWS)
            name = claim.name(part)
            lines = reading.copy(
                connection, claim.type, question.where(reading.within(after, last)), claim.format
            )
            size = _store(name, _framed(claim, lines, is_first=part == 0, is_last=last >= upto))
            note_part(claim, name=name, size=size, rows=number, after_seq=last)
            after, part = last, part + 1
            if after < upto and out_of_time(until):
                go_on_later(claim)
                return
    finish(claim)


def _make_whole(claim: Claim) -> None:
    """Write what goes into one file, and the figures that a page shows of it."""
    kind, question, name = claim.type, claim.type.question(claim.asked), claim.name(0)
    with reading.reader() as connection:
        total = reading.count(connection, question)
        if total > MOST_ROWS.get(claim.format, total):
            raise TooLong
        note_progress(claim, rows_total=total, rows_done=0)
        shown, charts = _look(connection, claim)
        if claim.format in (FileFormat.CSV, FileFormat.JSON):
            lines = reading.copy(connection, kind, question, claim.format)
            size = _store(name, _framed(claim, lines, is_first=True, is_last=True))
        else:
            # Few enough to be held, so that no transaction stays open while they are written.
            rows = list(reading.rows(connection, kind, question))
    if claim.format not in (FileFormat.CSV, FileFormat.JSON):
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "report"
            _write(path, claim, rows, charts)
            size = _store(name, _read(path))
    figures = {"charts": [each.as_json() for each in charts], "rows": shown}
    finish(claim, files=[name], bytes=size, rows_done=total, figures=figures)


def _store(name: str, content: Iterable[bytes]) -> int:
    """Store a file; return how many bytes it has."""
    counted = _Counted(content)
    files().put(name, counted)
    return counted.bytes


def _look(connection: reading.Connection, claim: Claim) -> tuple[list[list[Any]], list[Chart]]:
    """Return the first rows and the charts; nothing of a report that names people is kept."""
    kind = claim.type
    if kind.names_people:
        return [], []
    found = list(reading.rows(connection, kind, kind.question(claim.asked), most=MOST_FIGURES))
    shown = [
        [each if isinstance(each, int | None) else str(each) for each in row]
        for row in found[:SHOWN_ROWS]
    ]
    return shown, [draw(chart, kind.columns, found) for chart in kind.charts]


def _write(
    path: Path, claim: Claim, rows: Iterable[Sequence[Any]], charts: Sequence[Chart]
) -> None:
    # They cost every process that loads them a second and thirty megabytes, and few ever write.
    from reports import paper, sheets

    on_row = _progress(claim)
    if claim.format is FileFormat.XLSX:
        sheets.write_workbook(path, claim.type, rows, charts, on_row=on_row)
    else:
        paper.write_paper(path, claim.type, claim.about, rows, charts, on_row=on_row)


def _progress(claim: Claim) -> Callable[[], None]:
    """Return what is called for each row, and tells of it once a second. Raises NotOurs."""
    done, told = 0, time.monotonic()

    def on_row() -> None:
        nonlocal done, told
        done += 1
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            note_progress(claim, rows_done=done)

    return on_row


def _framed(
    claim: Claim, lines: Iterator[bytes], *, is_first: bool, is_last: bool
) -> Iterator[bytes]:
    """Make one file out of blocks of lines: a head for CSV, brackets and commas for JSON."""
    if claim.format is FileFormat.CSV:
        if is_first:
            yield (",".join(column.name for column in claim.type.columns) + "\r\n").encode()
        yield from lines
        return
    if is_first:
        yield b"["
    is_next = not is_first
    for block in lines:
        yield (b",\n" if is_next else b"\n") + block[:-1].replace(b"\n", b",\n")
        is_next = True
    if is_last:
        yield b"\n]\n"


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_READ):
            yield chunk


class _Counted:
    """A stream that knows how many bytes have gone by."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk
