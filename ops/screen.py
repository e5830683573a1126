"""What the commands show: their steps, one error line, a table at the end."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def step(text: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, then how long it took; yields what shows where it has come to."""
    begun = time.monotonic()
    with out.status(text) as status:

        def show(detail: str) -> None:
            status.update(f"{text}: {escape(detail)}")
            if not out.is_terminal:
                out.print(f"  {detail}", markup=False)

        yield show
    out.print(f"[green]✓[/] {text} [dim]{time.monotonic() - begun:.1f} s[/]")


def note(text: str) -> None:
    """Say something worth knowing that is no error."""
    out.print("[yellow]•[/]", end=" ")
    out.print(text, markup=False, soft_wrap=True)


def failure(text: str) -> None:
    """Say in one line what is wrong."""
    err.print("[bold red]holdfast:[/]", end=" ")
    err.print(text, markup=False, soft_wrap=True)


def table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Show names and values side by side."""
    grid = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, escape(value))
    out.print(grid)
