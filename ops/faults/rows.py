"""The rows of a run: what is broken, how, and what must be reached."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ops.faults.figures import Goals
from ops.faults.run import Run

Act = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. A control takes a protection out, and the referee must see it."""

    name: str
    what: str
    act: Act
    goals: Goals
    is_control: bool = False


ROWS: dict[str, Row] = {}


def row(
    name: str, what: str, goals: Goals | None = None, *, is_control: bool = False
) -> Callable[[Act], Act]:
    """Enter a function as the row of that name."""

    def enter(act: Act) -> Act:
        ROWS[name] = Row(name, what, act, goals or Goals(), is_control)
        return act

    return enter
