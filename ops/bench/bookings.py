"""`bench bookings`: bookings a second, over HTTP, against the reference.

The reference and ours are asked in turn, for one hot slot and for a thousand slots of twenty
resources. There are places for all: every booking is confirmed by both. Of ours the time counts
until the last booking was decided, not only accepted.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ops import screen
from ops.bench.generator import CONNECTIONS, Load, ask, generator
from ops.bench.report import Goal, load, middle, show_goals, spread, write
from ops.bench.stage import HOT, RESOURCES, SLOTS, Server, Stage, stage
from ops.errors import OpsError

HOT_GOAL, SPREAD_GOAL, HOT_OF_SPREAD = 4.0, 2.0, 0.7
PARTS = ("web", "decide", "postgres")


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that is measured in each round."""

    name: str
    is_ours: bool
    is_hot: bool
    waits: bool = False


TURNS = (
    Turn("reference, hot", is_ours=False, is_hot=True),
    Turn("hot, 202", is_ours=True, is_hot=True),
    Turn("hot, waited for", is_ours=True, is_hot=True, waits=True),
    Turn("reference, spread", is_ours=False, is_hot=False),
    Turn("spread, 202", is_ours=True, is_hot=False),
    Turn("spread, waited for", is_ours=True, is_hot=False, waits=True),
)


def bench_bookings(*, rounds: int, seconds: float, folder: Path) -> int:
    """Measure bookings a second; 0 when the goals are reached."""
    with stage() as found:
        return bookings_on(found, rounds=rounds, seconds=seconds, folder=folder)


def bookings_on(found: Stage, *, rounds: int, seconds: float, folder: Path) -> int:
    """Measure on servers that run already."""
    measured: dict[str, list[dict[str, Any]]] = {turn.name: [] for turn in TURNS}
    _warm_up(found)
    with screen.step("booking") as show:
        for number in range(1, rounds + 1):
            for turn in TURNS:
                show(f"round {number} of {rounds}: {turn.name}")
                measured[turn.name].append(_measure(found, turn, f"{number}", seconds))
    found.verify()
    rates = {
        name: middle([each["per_second"] for each in rounds]) for name, rounds in measured.items()
    }
    goals = _goals({name: rate["median"] for name, rate in rates.items()})
    screen.out.print(_table(rates, measured))
    show_goals(goals)
    write(
        "bookings",
        folder,
        goals,
        generator=generator(),
        connections=CONNECTIONS,
        seconds_a_round=seconds,
        slots=SLOTS,
        resources=RESOURCES,
        bookings_per_second=rates,
        rounds=measured,
    )
    return 0 if all(goal.is_reached for goal in goals) else 1


def _warm_up(found: Stage) -> None:
    with screen.step("warming up"):
        for turn in TURNS:
            _measure(found, turn, "warm", 1)


def _measure(found: Stage, turn: Turn, mark: str, seconds: float) -> dict[str, Any]:
    """Measure one turn, and check that all of it was decided and nothing taken twice."""
    server = found.ours if turn.is_ours else found.reference
    first, slots = (HOT, 1) if turn.is_hot else (HOT + 1, SLOTS)
    mark = f"{mark}{'h' if turn.is_hot else 's'}{'w' if turn.waits else ''}"
    bookings, used, begun = server.count_bookings(), server.usage.seconds(), time.monotonic()
    answers = ask(server.url, Load(mark, first, slots, seconds, turn.waits))
    server.settle()
    took = time.monotonic() - begun
    used = {name: end - used[name] for name, end in server.usage.seconds().items()}
    bookings = server.count_bookings() - bookings
    _check(server, answers.answers, bookings)
    if turn.is_ours:
        found.forget_mail()
    return {
        "per_second": round(bookings / max(answers.seconds, took - _START_SECONDS), 1),
        "bookings": bookings,
        "decided_after_seconds": round(took, 3),
        "processor_ms_a_booking": {name: 1000 * each / bookings for name, each in used.items()},
        "load": load(),
        **asdict(answers),
    }


# What starting the generator takes, at most: not the servers' time.
_START_SECONDS = 0.1


def _check(server: Server, answered: int, written: int) -> None:
    if written < answered:
        raise OpsError(f"{server.name} has answered {answered} bookings and written {written}")
    if not server.is_right():
        raise OpsError(f"{server.name}: the places that are taken are not those of its bookings")


def _goals(rate: dict[str, float]) -> list[Goal]:
    goals = [
        Goal(f"{kind}, {how}: times the reference", rate[f"{kind}, {how}"] / reference, least=goal)
        for kind, goal in (("hot", HOT_GOAL), ("spread", SPREAD_GOAL))
        for reference in [rate[f"reference, {kind}"]]
        for how in ("202", "waited for")
    ]
    return goals + [
        Goal(f"hot of spread, {how}", rate[f"hot, {how}"] / rate[f"spread, {how}"], HOT_OF_SPREAD)
        for how in ("202", "waited for")
    ]


def _table(rates: dict[str, dict[str, float]], measured: dict[str, list[dict[str, Any]]]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for head in ("", "bookings/s", "p50 ms", "p95", "CPU ms each", "web", "decide", "postgres"):
        table.add_column(head, no_wrap=True, justify="left" if head == "" else "right")
    for name, rate in rates.items():
        rounds = measured[name]
        cuts = [middle([each[cut] for each in rounds])["median"] for cut in ("p50_ms", "p95_ms")]
        used = [each["processor_ms_a_booking"] for each in rounds]
        each = [sum(groups.values()) for groups in used]
        parts = [[groups.get(part, 0) for groups in used] for part in PARTS]
        processors = [middle(values)["median"] for values in (each, *parts)]
        table.add_row(
            name, spread(rate), *(f"{cut:.0f}" for cut in cuts), *(f"{ms:.2f}" for ms in processors)
        )
    return table
