"""The table at the end of a run, and every breach under it."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops import screen
from ops.faults.figures import Outcome

_SHOWN = 12
_WIDE = 118


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print one line a row, then what was broken and what was missed."""
    table = Table(title="Faults", title_justify="left")
    for name in ("row", "seed", "bookings", "faults", "violations", "accepted"):
        table.add_column(name, justify="left" if name == "row" else "right", no_wrap=True)
    table.add_column("decided\np50 / p99 / max s", justify="right", no_wrap=True)
    table.add_column("recovery\np50 / p99 / max s", justify="right", no_wrap=True)
    table.add_column("verdict")
    for each in outcomes:
        table.add_row(*_cells(each))
    # Whole, however narrow the terminal is.
    Console(width=max(screen.out.width, _WIDE), highlight=False).print(table)
    for each in outcomes:
        _explain(each)
    screen.out.print(_verdict(outcomes))


def _cells(outcome: Outcome) -> list[str]:
    figures = outcome.figures
    accepted = figures.get("accepted")
    return [
        outcome.row,
        str(outcome.seed),
        f"{outcome.bookings:,}",
        str(outcome.faults),
        str(len(outcome.violations)),
        "" if accepted is None else f"{accepted:.1%}",
        _times(figures.get("decided")),
        _times(figures.get("recovery")) if outcome.faults else "",
        _word(outcome),
    ]


def _times(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    return " / ".join("–" if value is None else f"{value:.2f}" for value in found.values())


def _word(outcome: Outcome) -> str:
    if outcome.is_control:
        return "[green]seen to break" if outcome.is_good else "[red]not seen"
    if outcome.violations:
        return "[red]broken"
    return "[yellow]goal missed" if outcome.missed else "[green]held"


def _explain(outcome: Outcome) -> None:
    colour = "dim" if outcome.is_control else "red"
    for line in outcome.violations[:_SHOWN]:
        screen.out.print(f"[{colour}]{outcome.row}: {escape(line)}[/]", soft_wrap=True)
    if (more := len(outcome.violations) - _SHOWN) > 0:
        screen.out.print(f"[{colour}]{outcome.row}: and {more} more[/]")
    for line in outcome.missed:
        screen.out.print(f"[yellow]{outcome.row}: missed: {escape(line)}[/]", soft_wrap=True)
    for line in outcome.notes:
        screen.out.print(f"[dim]{outcome.row}: {escape(line)}[/]", soft_wrap=True)


def _verdict(outcomes: Sequence[Outcome]) -> str:
    rows = [each for each in outcomes if not each.is_control]
    broken = sum(len(each.violations) for each in rows)
    missed = sum(len(each.missed) for each in outcomes)
    unseen = sum(each.is_control and not each.violations for each in outcomes)
    told = [
        f"{broken} violations" if broken else "no promise was broken",
        f"{missed} goals missed" if missed else "every goal was reached",
    ]
    if any(each.is_control for each in outcomes):
        told.append(f"{unseen} controls not seen" if unseen else "every control was seen to break")
    return f"{'; '.join(told)}."
