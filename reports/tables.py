"""What a report is made of: columns, charts, and the question that gives its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select

from models import Kind, Post, ReportKind


class Cell(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the query and in JSON, its title on paper, its relative width."""

    name: str
    title: str
    cell: Cell = Cell.TEXT
    width: int = 10

    @property
    def is_number(self) -> bool:
        """Whether it is aligned and written as a number."""
        return self.cell in (Cell.NUMBER, Cell.MONEY, Cell.PERCENT)


@dataclass(frozen=True, slots=True)
class ChartOf:
    """A chart: the column `value`, added up along one column, a series for each value of `by`.

    With `over`, a share: the sums of `value` in percent of the sums of `over`.
    """

    title: str
    along: str
    value: str
    by: str | None = None
    over: str | None = None
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what venue and which days a report is, the first and the last of them included."""

    venue_id: int
    time_zone: str
    first_on: date
    last_on: date
    resource_id: UUID | None = None

    @property
    def begins_at(self) -> datetime:
        """The instant at which the first day begins at the venue."""
        return self._midnight(self.first_on)

    @property
    def ends_at(self) -> datetime:
        """The instant at which the last day is over there."""
        return self._midnight(self.last_on + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.time_zone)).astimezone(UTC)


Question = Callable[[Asked], Select[*tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class ReportType:
    """A kind of report. Those that name people are for one kind of venue, or for owners alone."""

    kind: ReportKind
    title: str
    help: str
    columns: tuple[Column, ...]
    question: Question
    charts: tuple[ChartOf, ...] = ()
    names_people: bool = False
    staff_may: bool = False
    only_for: Kind | None = None

    def is_for(self, post: Post) -> bool:
        """Whether somebody with this post at the venue may have it."""
        return self.staff_may or post is Post.OWNER

    def suits(self, venue_kind: str) -> bool:
        """Whether a venue of this trade has use for it."""
        return self.only_for is None or self.only_for == venue_kind

    @property
    def looks_ahead(self) -> bool:
        """Whether it is about the day at hand; all others are about days that are over."""
        return self.staff_may
