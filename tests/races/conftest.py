"""Taking protections out, one at a time, in the database of this process alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, text

from tests.engine.conftest import logged
from tests.races.meeting import rewritten

__all__ = ["logged"]

Drop = Callable[[str, str], None]

_ALONE = "SELECT pg_advisory_xact_lock("


@pytest.fixture
def drop(owner_engine: Engine) -> Iterator[Drop]:
    """Drop a constraint or a unique index of a table; it is made again when the rows are gone.

    A test names this fixture before `committed_db`, so that it ends after it.
    """
    undo: list[str] = []

    def run(statement: str) -> str | None:
        with owner_engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None

    def drop_it(table: str, name: str) -> None:
        definition = run(
            f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{name}'"
        )
        if definition is not None:
            undo.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
            run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        else:
            undo.append(run(f"SELECT indexdef FROM pg_indexes WHERE indexname = '{name}'") or "")
            run(f"DROP INDEX {name}")

    yield drop_it
    for statement in undo:
        run(statement)


@pytest.fixture
def locks_out() -> Iterator[Callable[[], None]]:
    """Take every row lock out of the statements from now on."""
    with ExitStack() as stack:

        def take_out() -> None:
            stack.enter_context(rewritten(" SKIP LOCKED", ""))
            stack.enter_context(rewritten(" FOR NO KEY UPDATE", ""))

        yield take_out


@pytest.fixture
def arrival_lock_out() -> Iterator[Callable[[], None]]:
    """Let deciders no longer wait for holds that have a number and are not committed yet."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            rewritten("SELECT pg_advisory_xact_lock(", "SELECT hashint8(")
        )
