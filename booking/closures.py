"""Closures: days on which a venue sells nothing, whatever its schedules say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, NotFound
from booking.slots import set_open_many_in
from booking.transactions import reading, retried, transaction
from models import OCCUPYING, Act, Booking, BookingSlot, Closure, Resource, Slot, Status

MOST_DAYS = 366
MOST_SLOTS = 5_000


@dataclass(frozen=True, slots=True)
class Affected:
    """What a closure would meet: slots that are open, and the bookings that stand in its days."""

    slots: int
    bookings: int


def preview_closure(*, venue_id: int, first_on: date, last_on: date) -> Affected:
    """Say what a closure would meet, without closing anything. Raises CatalogueInvalid."""
    _check_days(first_on, last_on)
    with reading() as tx:
        slots = tx.scalar(
            select(func.count()).select_from(
                _slots_of(venue_id, first_on, last_on).where(Slot.is_open).subquery()
            )
        )
        bookings = tx.scalar(
            select(func.count(Booking.id.distinct()))
            .join(BookingSlot, BookingSlot.booking_id == Booking.id)
            .where(
                BookingSlot.slot_id.in_(_slots_of(venue_id, first_on, last_on)),
                BookingSlot.released_at.is_(None),
                Booking.status.in_([Status.PENDING, *OCCUPYING]),
            )
        )
        return Affected(slots or 0, bookings or 0)


@retried
def close_days(*, venue_id: int, first_on: date, last_on: date, reason: str, by: Actor) -> Affected:
    """Close a venue's days: what is held or confirmed stays, what is pending is rejected.

    Slots that are made for these days later are made closed. Raises CatalogueInvalid.
    """
    met = preview_closure(venue_id=venue_id, first_on=first_on, last_on=last_on)
    if met.slots > MOST_SLOTS:
        raise CatalogueInvalid("last_on", f"More than {MOST_SLOTS:,} slots: close fewer days.")
    with transaction() as tx:
        closed = tx.scalars(_slots_of(venue_id, first_on, last_on).where(Slot.is_open)).all()
        set_open_many_in(tx, slot_ids=closed, is_open=False, by=by, reason=reason or None)
        closure = Closure(
            venue_id=venue_id,
            first_on=first_on,
            last_on=last_on,
            reason=reason,
            slot_ids=list(closed),
        )
        tx.add(closure)
        tx.flush()
        _note(tx, Act.CLOSURE_MADE, closure, by, len(closed))
        return Affected(len(closed), met.bookings)


@retried
def end_closure(*, closure_id: int, venue_id: int, by: Actor) -> int:
    """Open again what a closure closed, but for days of another one; returns how many slots.

    What was closed before it stays closed. Raises NotFound.
    """
    with transaction() as tx:
        closure = tx.scalar(
            select(Closure)
            .where(Closure.id == closure_id, Closure.venue_id == venue_id)
            .with_for_update()
        )
        if closure is None:
            raise NotFound
        opened = tx.scalars(_slots_to_open(tx, closure)).all()
        set_open_many_in(tx, slot_ids=opened, is_open=True, by=by, reason=None)
        _note(tx, Act.CLOSURE_ENDED, closure, by, len(opened))
        tx.delete(closure)
        return len(opened)


def list_closures(venue_id: int, today: date) -> list[Closure]:
    """Return the closures that are not over, the next one first."""
    with reading() as tx:
        return list(
            tx.scalars(
                select(Closure)
                .where(Closure.venue_id == venue_id, Closure.last_on >= today)
                .order_by(Closure.first_on, Closure.id)
                .limit(200)
            )
        )


def closed_days(tx: Session, venue_id: int) -> Sequence[tuple[date, date]]:
    """Return the spans of days on which a venue is closed, for whoever makes slots."""
    rows = tx.execute(select(Closure.first_on, Closure.last_on).where(Closure.venue_id == venue_id))
    return [(first, last) for first, last in rows]


def _slots_of(venue_id: int, first_on: date, last_on: date) -> Select[UUID]:
    return (
        select(Slot.id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(Resource.venue_id == venue_id, Slot.local_on.between(first_on, last_on))
    )


def _slots_to_open(tx: Session, closure: Closure) -> Select[UUID]:
    """Select what a closure closed, and what was made closed because of it."""
    others = [
        not_(Slot.local_on.between(first, last))
        for first, last in tx.execute(
            select(Closure.first_on, Closure.last_on).where(
                Closure.venue_id == closure.venue_id, Closure.id != closure.id
            )
        )
    ]
    return _slots_of(closure.venue_id, closure.first_on, closure.last_on).where(
        not_(Slot.is_open),
        or_(Slot.id.in_(closure.slot_ids), Slot.created_at > closure.created_at),
        and_(True, *others),
    )


def _note(tx: Session, act: Act, closure: Closure, by: Actor, slots: int) -> None:
    details: dict[str, Any] = {
        "first_on": closure.first_on.isoformat(),
        "last_on": closure.last_on.isoformat(),
        "slots": slots,
    }
    note_act(
        tx,
        act,
        venue_id=closure.venue_id,
        subject=f"closure:{closure.id}",
        by=by,
        reason=closure.reason or None,
        **details,
    )


def _check_days(first_on: date, last_on: date) -> None:
    if last_on < first_on:
        raise CatalogueInvalid("last_on", "It ends before it begins.")
    if (last_on - first_on).days > MOST_DAYS:
        raise CatalogueInvalid("last_on", "A year at most.")
