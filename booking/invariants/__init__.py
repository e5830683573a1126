"""The promises of the engine as questions to the database; every row that comes back is a breach.

Each question is one statement that reads in sets and is fetched in portions, so memory stays
bounded however large the database is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, column, func, select, table, text

from booking.invariants import chain, decisions, places, records

_PORTION = 500


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach: which promise, what is wrong, and the id of the row it was seen on."""

    invariant: int
    name: str
    subject: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.name}: {self.subject}"


def check_all(connection: Connection) -> Iterator[Violation]:
    """Yield every violation, all as of one instant. The connection is left with nothing open."""
    with connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        # A long read is what this is; names that the server does not know are left out.
        for name in ("statement_timeout", "transaction_timeout"):
            connection.execute(
                select(func.set_config(column("name"), "0", True))
                .select_from(table("pg_settings", column("name")))
                .where(column("name") == name)
            )
        for invariant, name, question in QUESTIONS:
            rows = connection.execution_options(yield_per=_PORTION).execute(question())
            for (subject,) in rows:
                yield Violation(invariant, name, str(subject))


QUESTIONS: list[tuple[int, str, Callable[[], Select[Any]]]] = [
    (1, "remaining is out of bounds at slot", places.remaining_out_of_bounds),
    (1, "places do not add up at slot", places.places_do_not_add_up),
    (1, "units differ from the quantity of booking", places.units_differ_from_quantity),
    (1, "no place is occupied by booking", places.occupies_nothing),
    (1, "slot of another resource in booking", places.foreign_slot),
    (1, "places given back without an event: booking", places.released_without_event),
    (1, "nights do not follow one another: booking", places.stay_with_a_gap),
    (1, "total is not what the lines cost: booking", places.total_differs_from_lines),
    (1, "a guard of the tables is missing:", places.guard_missing),
    (2, "idempotency key is used twice: booking", decisions.key_used_twice),
    (2, "neither decided nor expired: booking", decisions.undecided),
    (2, "held past its deadline: booking", decisions.overdue),
    (3, "decided out of order: booking", decisions.out_of_order),
    (3, "decision numbers have gaps at resource", decisions.decision_numbers_have_gaps),
    (4, "status is not that of the last event: booking", records.status_without_event),
    (4, "illegal transition in event", records.illegal_transition),
    (4, "event of a transition is lost: booking", records.event_lost),
    (4, "changes differ from the revision of booking", records.changes_differ_from_revision),
    (4, "seal does not fit:", chain.seal_broken),
    (4, "seals are missing:", chain.seal_missing),
    (4, "event was slipped in:", chain.event_slipped_in),
    (5, "message is not owed: booking", records.message_lost),
    (5, "message is not true: notification", records.message_untrue),
    (6, "two venues are mixed in booking", records.tenants_mixed),
]
