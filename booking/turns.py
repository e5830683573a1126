"""The resources whose turn it is to be decided: settled, locked, and left with what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Double,
    Integer,
    Update,
    Uuid,
    bindparam,
    cast,
    column,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from booking.expiry import WILL_BE_OVERDUE
from booking.offers import arrival_lock
from booking.rule import Policy
from booking.transactions import retried, single_statements
from metrics import waiting_for_locks
from models import Base, Booking, Status

_TELLING_BATCH = 20
_SPEED_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Settled:
    """Up to which arrival number every hold is committed, by resource, where any is pending.

    `attempts` is the most attempts that any of the resources has had with this one.
    """

    upto: dict[UUID, int]
    attempts: int


@dataclass(slots=True)
class Turn:
    """A locked resource: what its decisions go by, and what they change of it."""

    id: UUID
    venue_id: int
    max_quantity: int
    last_decision_no: int
    decisions_per_second: float

    def note_speed(self, count: int, seconds: float) -> None:
        """Keep a moving average from batches that are large enough to tell something."""
        if count >= _TELLING_BATCH:
            speed = count / max(seconds, 0.001)
            self.decisions_per_second += _SPEED_WEIGHT * (speed - self.decisions_per_second)


@retried
def settle(resource_ids: Sequence[UUID]) -> Settled:
    """Learn up to where all holds are committed, and count the attempt to decide them.

    Whoever accepts a hold holds the arrival lock from before its number is drawn until its commit.
    So who had drawn a lower number than one that is seen held the lock then; having it alone for
    an instant, after that, proves that all have ended.

    The attempt is counted before it is made, so that one that ends with the process counts too;
    not where another decider is at work on the resource, whom it would have to wait for.
    """
    with single_statements() as tx, waiting_for_locks():
        rows = tx.connection().execute(_SETTLE, {"ids": list(resource_ids)}).all()
    attempts = max((row.attempts for row in rows), default=0)
    return Settled({row.resource_id: row.upto for row in rows}, attempts)


@retried
def begin_attempt(resource_ids: Iterable[UUID]) -> int:
    """Count one more attempt; returns the most that any of the resources has had."""
    with single_statements() as tx:
        rows = tx.connection().execute(_BEGIN_ATTEMPT, {"ids": list(resource_ids)})
        return max((row.decision_attempts for row in rows), default=0)


def lock_turns(tx: Session, resource_ids: Iterable[UUID]) -> dict[UUID, Turn]:
    """Lock resources in the order of their ids and read them as they are now."""
    with waiting_for_locks():
        rows = tx.connection().execute(_LOCK, {"ids": list(resource_ids)})
        return {row.id: Turn(*row) for row in rows}


def read_policies(tx: Session, turns: Mapping[UUID, Turn]) -> tuple[dict[UUID, Policy], bool]:
    """Return what each locked resource goes by, and whether held places of any are overdue."""
    given = {"ids": list(turns), "venue_ids": list({turn.venue_id for turn in turns.values()})}
    venues = {row.id: row for row in tx.connection().execute(_POLICIES, given)}
    policies = {}
    for turn in turns.values():
        venue = venues[turn.venue_id]
        policies[turn.id] = Policy(
            notice=timedelta(minutes=venue.notice_minutes),
            cutoff=timedelta(minutes=venue.cutoff_minutes),
            horizon=timedelta(days=venue.horizon_days),
            max_quantity=turn.max_quantity,
            max_holds_per_person=venue.max_holds_per_person,
            max_holds_per_address=venue.max_holds_per_address,
        )
    return policies, any(venue.has_overdue for venue in venues.values())


def end_turns(tx: Session, turns: Iterable[Turn]) -> None:
    """Write what has come of the turns; the attempts at them have not failed."""
    turns = list(turns)
    given = {
        "ids": [turn.id for turn in turns],
        "numbers": [turn.last_decision_no for turn in turns],
        "speeds": [turn.decisions_per_second for turn in turns],
    }
    tx.connection().execute(_END, given)


_resources = Base.metadata.tables["resources"]
_venues = Base.metadata.tables["venues"]
_bookings = Base.metadata.tables["bookings"]
_IDS = bindparam("ids", type_=ARRAY(Uuid))

_SEEN = (
    select(_bookings.c.resource_id, func.max(_bookings.c.seq).label("upto"))
    .where(_bookings.c.resource_id == func.any(_IDS), _bookings.c.status == Status.PENDING)
    .group_by(_bookings.c.resource_id)
    .subquery("seen")
)
# In one order, as whoever takes several of these locks does.
_ALONE = (
    select(
        func.pg_advisory_xact_lock(arrival_lock(_SEEN.c.resource_id)).label("granted"),
        _SEEN.c.resource_id,
        _SEEN.c.upto,
    )
    .order_by(_SEEN.c.resource_id)
    .cte("alone")
)


def _attempt(ids: Any, *, waits: bool) -> Update:
    """Count an attempt at resources; in one order, as whoever locks several of them does."""
    in_order = (
        select(_resources.c.id)
        .where(_resources.c.id == func.any(ids))
        .order_by(_resources.c.id)
        .with_for_update(key_share=True, skip_locked=not waits)
        .cte("in_order")
    )
    return (
        update(_resources)
        .where(_resources.c.id == in_order.c.id)
        .values(decision_attempts=_resources.c.decision_attempts + 1)
        .returning(
            _resources.c.id,
            _resources.c.decision_attempts,
            # It need not survive the server, only this process: no wait for the disk.
            func.set_config("synchronous_commit", "off", True).label("committed"),
        )
    )


# The array is complete before the first row is looked at: whoever has all arrival locks to itself
# takes rows, and waits for none of them meanwhile.
_SETTLED_IDS = func.array(select(_ALONE.c.resource_id).scalar_subquery(), type_=ARRAY(Uuid))
_TRIED = _attempt(_SETTLED_IDS, waits=False).cte("tried")
_SETTLE = select(
    _ALONE.c.resource_id,
    _ALONE.c.upto,
    func.coalesce(_TRIED.c.decision_attempts, 0).label("attempts"),
).join_from(_ALONE, _TRIED, _TRIED.c.id == _ALONE.c.resource_id, isouter=True)
_BEGIN_ATTEMPT = _attempt(_IDS, waits=True)

_LOCK = (
    select(
        _resources.c.id,
        _resources.c.venue_id,
        _resources.c.max_quantity,
        _resources.c.last_decision_no,
        _resources.c.decisions_per_second,
    )
    .where(_resources.c.id == func.any(_IDS))
    .order_by(_resources.c.id)
    .with_for_update(key_share=True)
)
_POLICIES = select(
    _venues.c.id,
    _venues.c.notice_minutes,
    _venues.c.cutoff_minutes,
    _venues.c.horizon_days,
    _venues.c.max_holds_per_person,
    _venues.c.max_holds_per_address,
    exists().where(Booking.resource_id == func.any(_IDS), WILL_BE_OVERDUE).label("has_overdue"),
).where(_venues.c.id == func.any(bindparam("venue_ids", type_=ARRAY(Integer))))

_ENDED = (
    func.unnest(
        cast(bindparam("ids"), ARRAY(Uuid)),
        cast(bindparam("numbers"), ARRAY(BigInteger)),
        cast(bindparam("speeds"), ARRAY(Double)),
    )
    .table_valued(
        column("id", Uuid), column("number", BigInteger), column("speed", Double), name="ended"
    )
    .render_derived()
)
_END = (
    update(_resources)
    .where(_resources.c.id == _ENDED.c.id)
    .values(
        last_decision_no=_ENDED.c.number,
        decisions_per_second=_ENDED.c.speed,
        decision_attempts=0,
    )
)
