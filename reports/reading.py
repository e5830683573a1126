"""A report's rows out of the database: streamed by COPY, or fetched bit by bit.

Nothing of it passes through the pool, nor under the short limits of a request.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from models import Booking, FileFormat
from models.database import connect_raw
from reports.tables import Asked, Cell, Column, ReportType

BLOCK = 256 * 1024
_AT_ONCE = 2000
_SECONDS = 25
# What a spreadsheet takes for the beginning of a formula, in ASCII and in full width. A comparison
# of the first letter's number costs a fraction of a regular expression, which long lists feel.
FORMULA = tuple(ord(letter) for letter in "=+-@\t\r\n＝＋－＠")

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def reader() -> Iterator[Connection]:
    """Open a connection for one report: it sees one state of the database, and writes nothing."""
    with connect_raw(autocommit=False) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(f"SET LOCAL statement_timeout = '{_SECONDS}s'")
        yield connection


def copy(
    connection: Connection, kind: ReportType, question: Select[*tuple[Any, ...]], form: FileFormat
) -> Iterator[bytes]:
    """Yield the rows in blocks of whole lines: of cells for CSV, of objects for JSON."""
    inner = question.subquery("answer")
    if form is FileFormat.CSV:
        outer = select(*(_safe(inner.c[column.name], column) for column in kind.columns))
        options = "FORMAT csv"
    else:
        cells = select(*(_plain(inner.c[column.name], column) for column in kind.columns))
        outer = select(func.row_to_json(literal_column("line"))).select_from(cells.subquery("line"))
        # In JSON no control character stands by itself, so nothing is ever quoted or escaped.
        options = "FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01'"
    with connection.cursor().copy(f"COPY ({_sql(outer)}) TO STDOUT ({options})") as lines:
        block: list[bytes] = []
        size = 0
        for line in lines:
            block.append(bytes(line))
            size += len(line)
            if size >= BLOCK:
                yield b"".join(block)
                block, size = [], 0
        if block:
            yield b"".join(block)


def rows(
    connection: Connection,
    kind: ReportType,
    question: Select[*tuple[Any, ...]],
    *,
    most: int | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows one by one, in the order of the columns."""
    inner = question.subquery("answer")
    outer = select(*(inner.c[column.name] for column in kind.columns)).limit(most)
    with connection.cursor(name="report") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_sql(outer))
        yield from cursor


def count(connection: Connection, question: Select[*tuple[Any, ...]]) -> int:
    """Return how many rows there are."""
    inner = question.order_by(None).subquery()
    return _number(connection, select(func.count()).select_from(inner))


def count_bookings(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], upto: int
) -> int:
    """Return how many bookings a list has: counting its rows would read their slots as well."""
    query = select(func.count()).select_from(Booking).where(*conditions, within(0, upto))
    return _number(connection, query)


def newest_booking(connection: Connection, asked: Asked) -> int:
    """Return the arrival number up to which a list of bookings goes."""
    query = select(func.coalesce(func.max(Booking.seq), 0))
    return _number(connection, query.where(Booking.venue_id == asked.venue_id))


def end_of_part(
    connection: Connection,
    conditions: Sequence[ColumnElement[bool]],
    between: tuple[int, int],
    most: int,
) -> tuple[int, int]:
    """Return the last arrival number of the next part of a list, and how many are in it."""
    after, upto = between
    part = (
        select(Booking.seq)
        .where(*conditions, within(after, upto))
        .order_by(Booking.seq)
        .limit(most)
        .subquery()
    )
    query = select(func.coalesce(func.max(part.c.seq), upto), func.count())
    ((last, number),) = connection.execute(_sql(query)).fetchall()
    return (last, number) if number == most else (upto, number)


def within(after: int, upto: int) -> ColumnElement[bool]:
    """Keep a list of bookings to those behind one arrival number and up to another."""
    return and_(true(), Booking.seq > after, Booking.seq <= upto)


def _number(connection: Connection, query: Select[*tuple[Any, ...]]) -> int:
    ((number,),) = connection.execute(_sql(query)).fetchall()
    return int(number)


def _safe(value: Any, column: Column) -> ColumnElement[Any]:
    """Keep a spreadsheet from taking a stranger's text for a formula: an apostrophe before it."""
    if column.cell is not Cell.TEXT:
        found: ColumnElement[Any] = value
        return found
    return case((func.ascii(value).in_(FORMULA), func.concat("'", value)), else_=value)


def _plain(value: Any, column: Column) -> ColumnElement[Any]:
    """Write money as a decimal string, and leave everything else to the database."""
    if column.cell is Cell.MONEY:
        return cast(value, String).label(column.name)
    labelled: ColumnElement[Any] = value.label(column.name)
    return labelled


def _sql(query: Select[*tuple[Any, ...]]) -> str:
    """Write a query as text with its values: COPY takes no parameters."""
    dialect = postgresql.dialect(paramstyle="named")
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
