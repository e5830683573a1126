"""What the calendar shows of a resource: days summed up, or each slot of some days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from admin.database import db
from models import Slot

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_MOST_SLOTS = 1000


class Span(StrEnum):
    """How much of the calendar is looked at."""

    MONTH = "month"
    WEEK = "week"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class DaySum:
    """The slots of one day taken together; `left` are places that are sold."""

    on: date
    slots: int
    closed: int
    capacity: int
    taken: int
    left: int

    @property
    def percent(self) -> int:
        """How much is taken."""
        return round(100 * self.taken / self.capacity) if self.capacity else 0


@dataclass(frozen=True, slots=True)
class Frame:
    """The days from `first` to `last`, and what lies before and behind them."""

    span: Span
    on: date
    first: date
    last: date
    before: date
    after: date

    def days(self) -> Iterator[date]:
        """Yield the days."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=offset)


def frame_of(span: Span, on: date) -> Frame:
    """Return the whole weeks of the month around a day, its week, or the day alone."""
    match span:
        case Span.DAY:
            return Frame(span, on, on, on, on - _DAY, on + _DAY)
        case Span.WEEK:
            first = on - timedelta(days=on.weekday())
            return Frame(span, on, first, first + _WEEK - _DAY, on - _WEEK, on + _WEEK)
        case Span.MONTH:
            begins = on.replace(day=1)
            follows = (begins + timedelta(days=31)).replace(day=1)
            first = begins - timedelta(days=begins.weekday())
            ends = follows - _DAY
            last = ends + timedelta(days=6 - ends.weekday())
            before = (begins - _DAY).replace(day=1)
            return Frame(span, on, first, last, before, follows)


def read_sums(resource_id: UUID, frame: Frame) -> dict[date, DaySum]:
    """Return each day that has slots, summed up."""
    rows = db.session.execute(
        select(
            Slot.local_on,
            func.count(),
            func.count().filter(~Slot.is_open),
            func.sum(Slot.capacity),
            func.sum(Slot.capacity - Slot.remaining),
            func.coalesce(func.sum(Slot.remaining).filter(Slot.is_open), 0),
        )
        .where(Slot.resource_id == resource_id, Slot.local_on.between(frame.first, frame.last))
        .group_by(Slot.local_on)
    )
    return {row[0]: DaySum(*row) for row in rows}


def read_slots(resource_id: UUID, frame: Frame) -> dict[date, list[Slot]]:
    """Return the slots of each day, by time."""
    found: dict[date, list[Slot]] = {}
    query = (
        select(Slot)
        .where(Slot.resource_id == resource_id, Slot.local_on.between(frame.first, frame.last))
        .order_by(Slot.starts_at)
        .limit(_MOST_SLOTS)
    )
    for slot in db.session.scalars(query):
        found.setdefault(slot.local_on, []).append(slot)
    return found
