"""Deciding the arrival log of a resource again, in memory, with the same rule.

What arrived, what was let go, changed or closed meanwhile, and when each decision was made is in
the rows. Fed through the rule once more, in the order of the decision numbers, it must name the
same people. Pure: the log is handed in.

Two things cannot be asked again and are taken as they were: holds that were refused because their
person or address had too many open ones at the whole venue, and those that failed as `internal`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from booking.rule import Confirm, Hold, Policy, Reason, Refuse, SlotNow, Wanted, decide
from models import Status

NOT_ASKED = (Reason.TOO_MANY_HOLDS, Reason.INTERNAL)


@dataclass(frozen=True, slots=True)
class Decided:
    """A hold as it arrived, and what was decided of it."""

    booking_id: UUID
    reference: str
    at: datetime
    decision_no: int
    slot_ids: tuple[UUID, ...]
    units: int
    quantity: int
    hold_minutes: int | None
    is_bound: bool
    status: Status
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A booking that holds other places from a moment on: none when it ended."""

    booking_id: UUID
    at: datetime
    places: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlotChanged:
    """A slot that has another capacity, or is open or closed, from a moment on."""

    slot_id: UUID
    at: datetime
    capacity: int | None = None
    is_open: bool | None = None


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The policies that count from a moment on."""

    at: datetime
    policy: Policy


Step = Decided | Moved | SlotChanged | PolicyChanged


@dataclass(frozen=True, slots=True)
class Log:
    """All that has happened at a resource; slots and policy are as they were before any of it."""

    slots: Sequence[SlotNow]
    policy: Policy
    steps: Iterable[Step]


@dataclass(frozen=True, slots=True)
class Difference:
    """A hold that came out otherwise."""

    reference: str
    decision_no: int
    was: str
    again: str

    def __str__(self) -> str:
        return f"{self.reference}, decision {self.decision_no}: was {self.was}, again {self.again}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many holds were decided again, how many were not asked, and which came out otherwise."""

    decided: int
    not_asked: int
    differences: tuple[Difference, ...]


def replay(log: Log) -> Verdict:
    """Decide a log again."""
    books = _Books(log)
    for step in sorted(log.steps, key=_order):
        books.take(step)
    return Verdict(books.decided, books.not_asked, tuple(books.differences))


def _order(step: Step) -> tuple[datetime, int]:
    """By the clock that was read under the locks; what a batch freed comes before its decisions."""
    return step.at, step.decision_no if isinstance(step, Decided) else 0


class _Books:
    """Who has which places, step after step."""

    def __init__(self, log: Log) -> None:
        self.decided = self.not_asked = 0
        self.differences: list[Difference] = []
        self._slots = {slot.id: slot for slot in log.slots}
        self._capacity = {slot.id: slot.remaining for slot in log.slots}
        self._taken: Counter[UUID] = Counter()
        self._places: dict[UUID, Mapping[UUID, int]] = {}
        self._policy = log.policy

    def take(self, step: Step) -> None:
        match step:
            case Decided():
                self._decide(step)
            case Moved(booking_id, _, places):
                if booking_id in self._places:
                    self._move(booking_id, places)
            case SlotChanged(slot_id, _, capacity, is_open):
                self._change(slot_id, capacity, is_open)
            case PolicyChanged(_, policy):
                self._policy = policy

    def _decide(self, hold: Decided) -> None:
        if hold.reason in NOT_ASKED:
            self.not_asked += 1
            return
        self.decided += 1
        wanted = Wanted(
            slots=tuple(self._slot(slot_id) for slot_id in hold.slot_ids),
            units=hold.units,
            quantity=hold.quantity,
            # It was decided in time, or it would have no number.
            deadline=hold.at + timedelta(microseconds=1),
            hold_for=timedelta(minutes=hold.hold_minutes) if hold.hold_minutes else None,
        )
        outcome = decide(wanted, replace(self._policy, is_bound=hold.is_bound), hold.at)
        match outcome:
            case Confirm():
                again = str(Status.CONFIRMED)
            case Hold():
                again = str(Status.HELD)
            case Refuse(reason):
                again = f"{Status.REJECTED} ({reason})"
            case _:
                again = str(Status.EXPIRED)
        if isinstance(outcome, Confirm | Hold):
            self._move(hold.booking_id, dict.fromkeys(hold.slot_ids, hold.units))
        was = f"{hold.status} ({hold.reason})" if hold.reason else str(hold.status)
        if was != again:
            self.differences.append(Difference(hold.reference, hold.decision_no, was, again))

    def _slot(self, slot_id: UUID) -> SlotNow:
        remaining = self._capacity[slot_id] - self._taken[slot_id]
        return replace(self._slots[slot_id], remaining=remaining)

    def _move(self, booking_id: UUID, places: Mapping[UUID, int]) -> None:
        self._taken.subtract(self._places.get(booking_id, {}))
        self._taken.update(places)
        self._places[booking_id] = places

    def _change(self, slot_id: UUID, capacity: int | None, is_open: bool | None) -> None:
        if capacity is not None:
            self._capacity[slot_id] = capacity
        if is_open is not None:
            self._slots[slot_id] = replace(self._slots[slot_id], is_open=is_open)
