"""Slots made ahead from the owners' schedules, in the venue's own time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ARRAY, Boolean, Date, DateTime, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.types import TypeEngine

from booking.closures import closed_days
from booking.remembered import changed
from booking.transactions import retried, transaction
from models import Base, Resource, Schedule

logger = structlog.get_logger(__name__)

# Where the slots of one schedule differ from one another.
_APART: dict[str, TypeEngine[Any]] = {
    "starts_at": DateTime(timezone=True),
    "ends_at": DateTime(timezone=True),
    "sold_until": DateTime(timezone=True),
    "local_on": Date(),
    "is_open": Boolean(),
}


@dataclass(slots=True)
class Made:
    """What came of a schedule: the slots that are new, and the local times that do not exist."""

    slots: int = 0
    skipped: list[datetime] = field(default_factory=list)


def extend_schedules(*, days: int) -> int:
    """Make the slots of every active schedule up to `days` ahead; returns how many are new.

    Can be run at any time and any number of times: what exists is left as it is.
    """
    with transaction() as tx:
        ids = tx.scalars(
            select(Schedule.id)
            .join(Schedule.resource)
            .where(Schedule.is_active, Resource.retired_at.is_(None))
            .order_by(Schedule.id)
        ).all()
    return sum(extend_schedule(schedule_id=schedule_id, days=days).slots for schedule_id in ids)


@retried
def extend_schedule(*, schedule_id: int, days: int, days_back: int = 0) -> Made:
    """Make one schedule's slots from today (or `days_back` before) up to `days` ahead."""
    with transaction() as tx:
        schedule = tx.scalars(
            select(Schedule)
            .where(Schedule.id == schedule_id)
            .options(
                joinedload(Schedule.resource, innerjoin=True).joinedload(
                    Resource.venue, innerjoin=True
                )
            )
            # Whoever changes the pattern meanwhile comes before or behind, not in between.
            .with_for_update(of=Schedule, key_share=True)
        ).one()
        today = datetime.now(ZoneInfo(schedule.resource.venue.time_zone)).date()
        first = today - timedelta(days=days_back)
        if schedule.made_until is not None:
            first = max(first, schedule.made_until + timedelta(days=1))
        last = today + timedelta(days=days)
        made = make_slots_in(tx, schedule, first=first, last=last)
        schedule.made_until = max(last, schedule.made_until or last)
    if made.skipped:
        logger.warning(
            "slots_skipped",
            schedule_id=schedule_id,
            times=[local.isoformat() for local in made.skipped],
        )
    return made


def make_slots_in(tx: Session, schedule: Schedule, *, first: date, last: date) -> Made:
    """Make a schedule's slots from `first` to `last`, both included."""
    made = Made()
    made.slots = write_slots(tx, schedule, list(_rows(schedule, first, last, made)))
    changed(tx, [schedule.resource_id])
    return made


def write_slots(tx: Session, schedule: Schedule, rows: Sequence[dict[str, Any]]) -> int:
    """Write slots of a schedule, leave what exists, and return how many are new.

    They differ in few columns, so thousands of them are as many arrays and one statement.
    """
    if not rows:
        return 0
    closed = closed_days(tx, schedule.resource.venue_id)
    for row in rows:
        row["is_open"] = not any(begin <= row["local_on"] <= end for begin, end in closed)
    arrays = [cast([row[name] for row in rows], ARRAY(kind)) for name, kind in _APART.items()]
    apart = func.unnest(*arrays).table_valued(*_APART, name="apart").render_derived()
    alike = {name: value for name, value in rows[0].items() if name not in _APART}
    alike["schedule_id"] = schedule.id
    table = Base.metadata.tables["slots"]
    given = [literal(value, table.c[name].type) for name, value in alike.items()]
    written = tx.execute(
        insert(table)
        .from_select([*alike, *_APART], select(*given, *apart.c))
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    number: int = written.rowcount  # type: ignore[attr-defined]
    return number


def slots_of_pattern(
    schedule: Schedule, *, first: date, last: date
) -> tuple[list[dict[str, Any]], list[datetime]]:
    """Return the slots that a pattern asks for, as rows, and the local times that do not exist.

    Nothing is written, and the schedule need not be in the database yet.
    """
    made = Made()
    return list(_rows(schedule, first, last, made)), made.skipped


def to_instant(on: date, at: time, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a wall-clock time, or None for an hour that the clocks skip.

    Of an hour that they repeat it is the first.
    """
    local = datetime.combine(on, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    exists = instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
    return instant if exists else None


def end_of_slot(
    day: date, starts_at: datetime, zone: ZoneInfo, *, minutes: int | None, checkout: time | None
) -> tuple[datetime, datetime]:
    """Return when a slot ends and until when it is sold; a night is sold to the end of its day."""
    if checkout is None:
        return starts_at + timedelta(minutes=minutes or 0), starts_at
    tomorrow = day + timedelta(days=1)
    leaving = datetime.combine(tomorrow, checkout, tzinfo=zone).astimezone(UTC)
    midnight = datetime.combine(tomorrow, time(0), tzinfo=zone).astimezone(UTC)
    return leaving, max(starts_at, min(midnight, leaving))


def _rows(schedule: Schedule, first: date, last: date, made: Made) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(schedule.resource.venue.time_zone)
    for day in _days(schedule, first, last):
        for at in schedule.start_times:
            starts_at = to_instant(day, at, zone)
            if starts_at is None:
                made.skipped.append(datetime.combine(day, at))
                continue
            yield _row(schedule, day, starts_at, zone)


def _days(schedule: Schedule, first: date, last: date) -> Iterator[date]:
    first = max(first, schedule.valid_from or first)
    last = min(last, schedule.valid_until or last)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.isoweekday() in schedule.weekdays and day not in schedule.exceptions:
            yield day


def _row(schedule: Schedule, day: date, starts_at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    ends_at, sold_until = end_of_slot(
        day, starts_at, zone, minutes=schedule.duration_minutes, checkout=schedule.checkout_time
    )
    return {
        "resource_id": schedule.resource_id,
        "schedule_id": schedule.id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "sold_until": sold_until,
        "local_on": day,
        "is_night": schedule.checkout_time is not None,
        "capacity": schedule.capacity,
        "remaining": schedule.capacity,
        "max_quantity": schedule.max_quantity,
        "price": schedule.price,
        "currency": schedule.resource.venue.currency,
        "attributes": schedule.attributes,
    }
