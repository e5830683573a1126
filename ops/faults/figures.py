"""What one row of a run came to: counts, times, and whether its goals were reached."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.faults.load import Attempt

# A decision that took longer than this has felt the fault.
FELT_SECONDS = 1.0


@dataclass(slots=True)
class Fault:
    """One fault: when it began, when it was over, and from when on all was well again."""

    name: str
    at: float
    over_at: float


@dataclass(frozen=True, slots=True)
class Goals:
    """What a row has to reach besides no violation; None means that nothing is asked."""

    decided_p99: float | None = 5.0
    recovery: float | None = None
    accepted: float | None = None
    answered_p99: float | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One booking's times, as the database has them; `at` is None while it is pending."""

    created: float
    at: float | None


@dataclass(slots=True)
class Outcome:
    """Everything that is told of one row."""

    row: str
    what: str
    seed: int
    is_control: bool = False
    bookings: int = 0
    faults: int = 0
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Tell whether the row held, or for a control whether it was seen to break."""
        if self.is_control:
            return bool(self.violations) and not self.missed
        return not self.violations and not self.missed


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that `share` of them do not exceed, None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return the middle, the slow end and the worst."""
    named = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {name: percentile(values, share) for name, share in named.items()}
    return {name: None if each is None else round(each, 3) for name, each in found.items()}


def recoveries(
    faults: Sequence[Fault], decided: Sequence[Decided], attempts: Sequence[Attempt]
) -> list[float]:
    """Return for each fault the seconds from its end until the last one who felt it was served.

    Who felt it is a booking that was decided late, or an attempt that was not answered well.
    """
    found = []
    for number, fault in enumerate(faults):
        until = faults[number + 1].at if number + 1 < len(faults) else math.inf
        felt = [
            each.at
            for each in decided
            if each.at is not None
            and each.created < until
            and each.at > fault.at
            and each.at - each.created > FELT_SECONDS
        ]
        felt += [
            each.at + each.seconds
            for each in attempts
            if not each.is_good and fault.at <= each.at + each.seconds and each.at < until
        ]
        found.append(max(0.0, max(felt, default=fault.over_at) - fault.over_at))
    return found


def measure(
    faults: Sequence[Fault], decided: Sequence[Decided], attempts: Sequence[Attempt]
) -> dict[str, Any]:
    """Return the figures of a row."""
    delays = [each.at - each.created for each in decided if each.at is not None]
    outcomes = Counter(each.outcome for each in attempts)
    return {
        "attempts": dict(outcomes),
        "accepted": round(outcomes["accepted"] / max(1, len(attempts)), 4),
        "answered": spread([each.seconds for each in attempts if each.is_good]),
        "decided": spread(delays),
        "recovery": spread(recoveries(faults, decided, attempts)),
    }


def misses(goals: Goals, figures: dict[str, Any]) -> list[str]:
    """Return the goals that were not reached, in words."""
    asked = [
        ("decided p99", goals.decided_p99, figures["decided"]["p99"]),
        ("recovery", goals.recovery, figures["recovery"]["max"]),
        ("answered p99", goals.answered_p99, figures["answered"]["p99"]),
    ]
    found = [
        f"{name} {value:.2f} s, goal {goal:g} s"
        for name, goal, value in asked
        if goal is not None and value is not None and value > goal
    ]
    if goals.accepted is not None and figures["accepted"] < goals.accepted:
        found.append(f"accepted {figures['accepted']:.1%}, goal {goals.accepted:.0%}")
    return found
