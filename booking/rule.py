"""The rule that decides. Pure: a hold, the slots as they are now and the clock give the outcome.

It knows no database; what it needs is handed in, and what it says is written by others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why a hold was refused or ended."""

    FULL = "full"
    CLOSED = "closed"
    NOTICE = "notice"
    HORIZON = "horizon"
    TOO_LARGE = "too_large"
    TOO_MANY_HOLDS = "too_many_holds"
    NOT_DECIDED = "not_decided"
    NOT_CONFIRMED = "not_confirmed"
    WITHDRAWN = "withdrawn"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Policy:
    """The venue's policies and the resource's largest quantity.

    A caller who `is_bound` is held to notice, cut-off, horizon, largest quantity and caps; the
    owner's own people are not. Places are never conjured up for anybody.
    """

    notice: timedelta
    cutoff: timedelta
    horizon: timedelta
    max_quantity: int
    max_holds_per_person: int
    max_holds_per_address: int
    is_bound: bool = True


@dataclass(frozen=True, slots=True)
class SlotNow:
    """A slot as the decision finds it, under its lock."""

    id: UUID
    starts_at: datetime
    sold_until: datetime
    remaining: int
    is_open: bool
    max_quantity: int | None = None

    def less(self, units: int) -> "SlotNow":
        """Return the slot with so many places fewer; `replace` takes three times as long."""
        left = self.remaining - units
        return SlotNow(
            self.id, self.starts_at, self.sold_until, left, self.is_open, self.max_quantity
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hold asks for. `units` are what each slot must give beyond what the hold has."""

    slots: tuple[SlotNow, ...]
    units: int
    quantity: int
    deadline: datetime
    hold_for: timedelta | None = None
    holds_of_person: int = 0
    holds_of_address: int = 0


@dataclass(frozen=True, slots=True)
class Confirm:
    """The places are taken for good."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The places are taken until the deadline."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is taken; `remaining` is what the tightest slot had."""

    reason: Reason
    remaining: int | None = None
    slot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Expire:
    """Nobody decided in time."""

    reason: Reason = Reason.NOT_DECIDED


Outcome = Confirm | Hold | Refuse | Expire


def decide(wanted: Wanted, policy: Policy, now: datetime) -> Outcome:
    """Say what becomes of a hold: all of its slots or none of them.

    The order of the checks is part of the promise: what the hold itself is (late, too large,
    at the wrong time) comes before what others took, so that `full` means full.
    """
    if now >= wanted.deadline:
        return Expire()
    for slot in wanted.slots:
        if (refusal := _refuse_slot(slot, wanted.quantity, policy, now)) is not None:
            return refusal
    if policy.is_bound and wanted.hold_for is not None and _hoards(wanted, policy):
        return Refuse(Reason.TOO_MANY_HOLDS)
    tightest = min(wanted.slots, key=lambda slot: slot.remaining)
    if tightest.remaining < wanted.units:
        return Refuse(Reason.FULL, tightest.remaining, tightest.id)
    if wanted.hold_for is not None:
        return Hold(until=now + wanted.hold_for)
    return Confirm()


def _refuse_slot(slot: SlotNow, quantity: int, policy: Policy, now: datetime) -> Refuse | None:
    if not slot.is_open:
        return Refuse(Reason.CLOSED, slot_id=slot.id)
    if not policy.is_bound:
        return None
    if now >= slot.sold_until - policy.cutoff:
        return Refuse(Reason.CLOSED, slot_id=slot.id)
    if policy.notice and now > slot.starts_at - policy.notice:
        return Refuse(Reason.NOTICE, slot_id=slot.id)
    if slot.starts_at > now + policy.horizon:
        return Refuse(Reason.HORIZON, slot_id=slot.id)
    if quantity > min(policy.max_quantity, slot.max_quantity or policy.max_quantity):
        return Refuse(Reason.TOO_LARGE, slot_id=slot.id)
    return None


def _hoards(wanted: Wanted, policy: Policy) -> bool:
    return (
        wanted.holds_of_person >= policy.max_holds_per_person
        or wanted.holds_of_address >= policy.max_holds_per_address
    )
