"""The only place that sets a status. Each transition writes its event in the same transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Select,
    String,
    TableValuedAlias,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.remembered import changed
from booking.states import may_become
from booking.tally import note_decisions, note_status
from booking.trail import Step, note_steps
from models import Base, Booking, BookingEvent, EventKind, Status

# Told at the commit: `booking:ID` of one that changed, or `resource:ID:N` when up to arrival
# number N all is decided there.
CHANNEL = "holdfast_bookings"

STAMPS = {
    Status.HELD: "held_at",
    Status.CONFIRMED: "confirmed_at",
    Status.EXPIRED: "expired_at",
    Status.CANCELLED: "cancelled_at",
    Status.CHECKED_IN: "checked_in_at",
    Status.COMPLETED: "completed_at",
    Status.NO_SHOW: "no_show_at",
}


class Decision(NamedTuple):
    """What becomes of one open hold; `decision_no` is None when it expires."""

    booking_id: UUID
    status: Status
    decision_no: int | None = None
    reason: str | None = None
    remaining: int | None = None
    expires_at: datetime | None = None


def record(
    tx: Session,
    booking: Booking,
    status: Status,
    *,
    by: Actor,
    at: datetime,
    reason: str | None = None,
    expires_at: datetime | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Move a locked booking to `status`, write its event, and tell those who watch it."""
    if not may_become(booking.status, status):
        raise ValueError(f"a booking cannot go from {booking.status} to {status}")
    booking.status = status
    booking.reason = reason
    booking.expires_at = expires_at
    booking.updated_at = at
    setattr(booking, STAMPS[status], at)
    changed(tx, [booking.resource_id])
    note(tx, booking, EventKind(status), by=by, at=at, reason=reason, details=details)
    note_status(tx, status)


def note(
    tx: Session,
    booking: Booking,
    kind: EventKind,
    *,
    by: Actor,
    at: datetime,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write an event of a locked booking whose status stays, and tell those who watch it."""
    tx.add(
        BookingEvent(
            booking_id=booking.id,
            venue_id=booking.venue_id,
            kind=kind,
            status=booking.status,
            reason=reason,
            actor=str(by),
            details=details or {},
            at=at,
        )
    )
    tx.flush()
    tx.execute(select(func.pg_notify(CHANNEL, f"booking:{booking.id}")))


def record_many(tx: Session, decisions: Sequence[Decision], *, by: Actor, at: datetime) -> None:
    """Write decisions and their events as sets, and tell all who wait at once.

    The rows are locked, and pending or held; the caller has seen to that.
    """
    if not decisions:
        return
    given = _parameters(decisions) | {"at": at, "actor": str(by)}
    tx.flush()
    moved = tx.connection().execute(_RECORD, given).all()
    upto: dict[UUID, int] = {}
    for row in moved:
        upto[row.resource_id] = max(row.seq, upto.get(row.resource_id, 0))
    changed(tx, upto)
    steps: dict[UUID, list[Step]] = {}
    for row in moved:
        steps.setdefault(row.resource_id, []).append(
            Step(row.id, row.status, row.reason, row.request_id, row.traceparent, row.created_at)
        )
    for resource_id, taken in steps.items():
        note_steps(tx, resource_id, taken, by=by, at=at)
    note_decisions(
        tx,
        ((row.status, row.reason) for row in moved),
        ((at - row.created_at).total_seconds() for row in moved if row.decided_at == at),
    )


def _parameters(decisions: Sequence[Decision]) -> dict[str, Any]:
    return {
        "ids": [decision.booking_id for decision in decisions],
        "statuses": [str(decision.status) for decision in decisions],
        "numbers": [decision.decision_no for decision in decisions],
        "reasons": [decision.reason for decision in decisions],
        "remainders": [decision.remaining for decision in decisions],
        "deadlines": [decision.expires_at for decision in decisions],
    }


def _rows() -> TableValuedAlias:
    """The decisions as a table, out of six arrays: few parameters, however many rows."""
    return (
        func.unnest(
            cast(bindparam("ids"), ARRAY(Uuid)),
            cast(bindparam("statuses"), ARRAY(String)),
            cast(bindparam("numbers"), ARRAY(BigInteger)),
            cast(bindparam("reasons"), ARRAY(String)),
            cast(bindparam("remainders"), ARRAY(Integer)),
            cast(bindparam("deadlines"), ARRAY(DateTime(timezone=True))),
        )
        .table_valued(
            column("id", Uuid),
            column("status", String),
            column("decision_no", BigInteger),
            column("reason", String),
            column("remaining", Integer),
            column("expires_at", DateTime(timezone=True)),
            name="decision",
        )
        .render_derived(with_types=False)
    )


_DECIDED = _rows()
_AT = cast(bindparam("at"), DateTime(timezone=True))


def _at_when(status: Status) -> Any:
    return case((_DECIDED.c.status == status, _AT))


_UPDATE = (
    update(Booking)
    .where(
        Booking.id == _DECIDED.c.id,
        Booking.status.in_([Status.PENDING, Status.HELD]),
    )
    .values(
        status=_DECIDED.c.status,
        reason=_DECIDED.c.reason,
        remaining=_DECIDED.c.remaining,
        expires_at=_DECIDED.c.expires_at,
        decision_no=func.coalesce(_DECIDED.c.decision_no, Booking.decision_no),
        decided_at=case((_DECIDED.c.decision_no.is_not(None), _AT), else_=Booking.decided_at),
        held_at=case((_DECIDED.c.status == Status.HELD, _AT), else_=Booking.held_at),
        confirmed_at=_at_when(Status.CONFIRMED),
        expired_at=_at_when(Status.EXPIRED),
        updated_at=_AT,
        # Who was never answered may come again with the same key.
        idempotency_key=case(
            (and_(_DECIDED.c.status == Status.EXPIRED, Booking.status == Status.PENDING), None),
            else_=Booking.idempotency_key,
        ),
    )
    .returning(
        Booking.id,
        Booking.venue_id,
        Booking.resource_id,
        Booking.seq,
        Booking.status,
        Booking.reason,
        Booking.created_at,
        Booking.decided_at,
        Booking.request_id,
        Booking.traceparent,
    )
)


def _record() -> Select[*tuple[Any, ...]]:
    """Move the bookings, write their events and tell who waits, in one statement.

    Gives what was moved.
    """
    moved = _UPDATE.cte("moved")
    events = insert(Base.metadata.tables["booking_events"]).from_select(
        ["booking_id", "venue_id", "kind", "status", "reason", "actor", "at"],
        select(
            moved.c.id,
            moved.c.venue_id,
            moved.c.status,
            moved.c.status,
            moved.c.reason,
            cast(bindparam("actor"), String),
            _AT,
        ).order_by(moved.c.seq),
    )
    topic = func.concat("resource:", moved.c.resource_id, ":", func.max(moved.c.seq))
    told = select(func.pg_notify(CHANNEL, topic)).group_by(moved.c.resource_id).subquery("told")
    count = select(func.count()).select_from(told).scalar_subquery()
    return select(moved, count.label("told")).add_cte(events.cte("events"))


_RECORD = _record()
