"""One batch of pending holds: how it is read, and how the rule is asked of each in turn."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Select,
    Uuid,
    all_,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from booking.events import Decision
from booking.rule import (
    Confirm,
    Expire,
    Hold,
    Outcome,
    Policy,
    Refuse,
    SlotNow,
    Wanted,
    decide,
)
from booking.slots import read_clock
from booking.turns import Turn
from models import Base, Booking, BookingSlot, Resource, Slot, Status
from settings import settings


class TakesSlots(Protocol):
    """Anything that names the slots of a booking."""

    @property
    def slot_ids(self) -> Sequence[UUID]: ...


class Waiting(NamedTuple):
    """A pending hold, with what the rule needs to know of it."""

    id: UUID
    resource_id: UUID
    customer_id: int
    address_hash: bytes | None
    quantity: int
    hold_minutes: int | None
    is_bound: bool
    is_waited_for: bool
    expires_at: datetime
    units: int
    slot_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """How many holds wait to be confirmed, by person and by address, over the whole venue."""

    of_person: Counter[int] = field(default_factory=Counter)
    of_address: Counter[bytes] = field(default_factory=Counter)


class Batch:
    """The locked slots of a batch, and what its holds have taken of them so far."""

    def __init__(
        self,
        turn: Turn,
        policy: Policy,
        slots: Mapping[UUID, Slot],
        now: datetime,
        open_holds: OpenHolds,
    ) -> None:
        self._turn = turn
        self._now = now
        self._policies = {bound: replace(policy, is_bound=bound) for bound in (True, False)}
        self._slots = {
            slot_id: slot_now(slot)
            for slot_id, slot in slots.items()
            if slot.resource_id == turn.id
        }
        self._found = dict(self._slots)
        self._open_holds = open_holds

    def decide(self, hold: Waiting) -> Decision:
        """Ask the rule of one hold and take its places, so that the next one finds them gone."""
        outcome = decide(self._wanted(hold), self._policies[hold.is_bound], self._now)
        if isinstance(outcome, Confirm | Hold):
            self._take(hold)
        return self._decision(hold, outcome)

    def taken(self) -> dict[UUID, int]:
        """Return how many places have been taken, by slot."""
        return {
            slot_id: slot.remaining - self._slots[slot_id].remaining
            for slot_id, slot in self._found.items()
        }

    def _wanted(self, hold: Waiting) -> Wanted:
        minutes = hold.hold_minutes
        return Wanted(
            slots=tuple([self._slots[slot_id] for slot_id in hold.slot_ids]),
            units=hold.units,
            quantity=hold.quantity,
            deadline=hold.expires_at,
            hold_for=None if minutes is None else timedelta(minutes=minutes),
            holds_of_person=self._open_holds.of_person.get(hold.customer_id, 0),
            holds_of_address=self._open_holds.of_address.get(hold.address_hash or b"", 0),
        )

    def _take(self, hold: Waiting) -> None:
        for slot_id in hold.slot_ids:
            self._slots[slot_id] = self._slots[slot_id].less(hold.units)
        if hold.hold_minutes is not None:
            self._open_holds.of_person[hold.customer_id] += 1
            if hold.address_hash:
                self._open_holds.of_address[hold.address_hash] += 1

    def _decision(self, hold: Waiting, outcome: Outcome) -> Decision:
        if isinstance(outcome, Expire):
            return Decision(hold.id, Status.EXPIRED, reason=outcome.reason)
        self._turn.last_decision_no += 1
        number = self._turn.last_decision_no
        match outcome:
            case Confirm():
                return Decision(hold.id, Status.CONFIRMED, number)
            case Hold(until):
                return Decision(hold.id, Status.HELD, number, expires_at=until)
            case Refuse(reason, remaining):
                return Decision(hold.id, Status.REJECTED, number, reason, remaining)


def policy_of(resource: Resource) -> Policy:
    """Return the venue's policies as the rule wants them."""
    venue = resource.venue
    return Policy(
        notice=timedelta(minutes=venue.notice_minutes),
        cutoff=timedelta(minutes=venue.cutoff_minutes),
        horizon=timedelta(days=venue.horizon_days),
        max_quantity=resource.max_quantity,
        max_holds_per_person=venue.max_holds_per_person,
        max_holds_per_address=venue.max_holds_per_address,
    )


def slot_now(slot: Slot) -> SlotNow:
    """Return a locked slot as the rule wants it."""
    return SlotNow(
        id=slot.id,
        starts_at=slot.starts_at,
        sold_until=slot.sold_until,
        remaining=slot.remaining,
        is_open=slot.is_open,
        max_quantity=slot.max_quantity,
    )


def slot_ids_of(bookings: Iterable[TakesSlots]) -> Iterable[UUID]:
    """Return the slots of many bookings."""
    return (slot_id for booking in bookings for slot_id in booking.slot_ids)


def read_waiting(
    tx: Session, upto: Mapping[UUID, int], but: Collection[UUID] = ()
) -> list[Waiting]:
    """Read the next batch up to a number for each resource, without locks.

    Within a resource they come in the order of arrival; the holds in `but` stay out.
    """
    given = {
        "resource_ids": list(upto),
        "numbers": list(upto.values()),
        "but": list(but),
        "most": settings.decide_batch,
    }
    return [Waiting._make(row) for row in tx.connection().execute(_WAITING, given)]


def is_full(count: int) -> bool:
    """Whether a batch of so many may have left others behind."""
    return count >= settings.decide_batch


def lock_waiting(tx: Session, waiting: list[Waiting]) -> tuple[list[Waiting], datetime]:
    """Lock the holds in order; return those that are still pending, and the clock after that."""
    rows = tx.connection().execute(_LOCK_WAITING, {"ids": [hold.id for hold in waiting]}).all()
    # Each row is read when it has been locked, the last one when all are.
    now = max((row.now for row in rows), default=None) or read_clock(tx)
    if len(rows) < len(waiting):
        pending = {row.id for row in rows}
        waiting = [hold for hold in waiting if hold.id in pending]
    return waiting, now


def is_still_pending(tx: Session, booking_id: UUID) -> bool:
    """Lock one hold and say whether it is still pending."""
    locked = select(Booking.status).where(Booking.id == booking_id).with_for_update(key_share=True)
    return tx.scalar(locked) == Status.PENDING


def count_holds(
    tx: Session, turns: Mapping[UUID, Turn], waiting: Iterable[Waiting], now: datetime
) -> dict[int, OpenHolds]:
    """Count by venue the open holds of those in the batch who ask for another one."""
    asking: defaultdict[int, list[Waiting]] = defaultdict(list)
    for hold in waiting:
        if hold.hold_minutes is not None and hold.is_bound:
            asking[turns[hold.resource_id].venue_id].append(hold)
    return {
        turn.venue_id: _count_holds(tx, turn.venue_id, asking[turn.venue_id], now)
        for turn in turns.values()
        if turn.venue_id in asking
    }


def _count_holds(tx: Session, venue_id: int, asking: list[Waiting], now: datetime) -> OpenHolds:
    is_open = (
        Booking.venue_id == venue_id,
        Booking.status == Status.HELD,
        Booking.expires_at > now,
    )
    by_person = (
        select(Booking.customer_id, func.count())
        .where(*is_open, Booking.customer_id.in_({hold.customer_id for hold in asking}))
        .group_by(Booking.customer_id)
    )
    by_address = (
        select(Booking.address_hash, func.count())
        .where(
            *is_open, Booking.address_hash.in_({h.address_hash for h in asking if h.address_hash})
        )
        .group_by(Booking.address_hash)
    )
    return OpenHolds(
        Counter(dict(tx.execute(by_person).all())),
        Counter({key: count for key, count in tx.execute(by_address) if key}),
    )


_bookings = Base.metadata.tables["bookings"]


def _waiting() -> Select[*tuple[Any, ...]]:
    asked = (
        func.unnest(
            cast(bindparam("resource_ids"), ARRAY(Uuid)),
            cast(bindparam("numbers"), ARRAY(BigInteger)),
        )
        .table_valued(column("resource_id", Uuid), column("upto", BigInteger), name="asked")
        .render_derived()
    )
    lines = (
        select(
            func.max(BookingSlot.units).label("units"),
            func.array_agg(BookingSlot.slot_id).label("slot_ids"),
        )
        .where(BookingSlot.booking_id == Booking.id)
        .lateral("lines")
    )
    return (
        select(
            Booking.id,
            Booking.resource_id,
            Booking.customer_id,
            Booking.address_hash,
            Booking.quantity,
            Booking.hold_minutes,
            Booking.is_bound,
            Booking.is_waited_for,
            Booking.expires_at,
            lines.c.units,
            lines.c.slot_ids,
        )
        .join_from(asked, Booking, Booking.resource_id == asked.c.resource_id)
        .join(lines, true())
        .where(
            Booking.status == Status.PENDING,
            Booking.seq <= asked.c.upto,
            Booking.id != all_(bindparam("but", type_=ARRAY(Uuid))),
        )
        .order_by(Booking.resource_id, Booking.seq)
        .limit(bindparam("most"))
    )


_WAITING = _waiting()
_LOCK_WAITING = (
    select(_bookings.c.id, func.clock_timestamp().label("now"))
    .where(
        _bookings.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))),
        _bookings.c.status == Status.PENDING,
    )
    .order_by(_bookings.c.seq)
    .with_for_update(key_share=True)
)
