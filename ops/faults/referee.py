"""The referee: what clients were promised against what the tables say, with SQL of its own.

Nothing here knows the product's code. Each question is asked of one venue, so that what one row of
the run has damaged on purpose is not held against the next one.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ops.faults.journal import Line

# The states that take places, and the moves that a booking may make.
_TAKES = "('held', 'confirmed', 'checked_in', 'completed', 'no_show')"
_MOVES = """(VALUES ('pending', 'held'), ('pending', 'confirmed'), ('pending', 'rejected'),
    ('pending', 'expired'), ('pending', 'cancelled'), ('held', 'confirmed'), ('held', 'expired'),
    ('held', 'cancelled'), ('confirmed', 'checked_in'), ('confirmed', 'no_show'),
    ('confirmed', 'cancelled'), ('checked_in', 'completed'))"""

_TAKEN = f"""
    SELECT s.id, s.capacity, s.remaining, coalesce(sum(l.units) FILTER (
               WHERE l.released_at IS NULL AND b.status IN {_TAKES}), 0) AS taken
      FROM slots s JOIN resources r ON r.id = s.resource_id
      LEFT JOIN booking_slots l ON l.slot_id = s.id LEFT JOIN bookings b ON b.id = l.booking_id
     WHERE r.venue_id = %(venue)s GROUP BY s.id
"""

OVERBOOKED = f"SELECT id FROM ({_TAKEN}) AS t WHERE taken > capacity"
UNBALANCED = f"""
    SELECT id FROM ({_TAKEN}) AS t
     WHERE capacity - remaining <> taken OR remaining < 0 OR remaining > capacity
"""

QUESTIONS = {
    "overbooked: slot": OVERBOOKED,
    "places do not add up: slot": UNBALANCED,
    "decided out of order: booking": """
        SELECT reference FROM (
            SELECT reference, decision_no, lag(decision_no) OVER (
                       PARTITION BY resource_id ORDER BY seq) AS before
              FROM bookings WHERE venue_id = %(venue)s AND decision_no IS NOT NULL) AS d
         WHERE decision_no <= before
    """,
    "one key, several bookings:": """
        SELECT idempotency_key FROM bookings
         WHERE venue_id = %(venue)s AND idempotency_key IS NOT NULL
         GROUP BY idempotency_key HAVING count(*) > 1
    """,
    "the last event tells of another status: booking": """
        SELECT b.reference FROM bookings b
         WHERE b.venue_id = %(venue)s AND b.status IS DISTINCT FROM (
                   SELECT e.status FROM booking_events e WHERE e.booking_id = b.id
                    ORDER BY e.id DESC LIMIT 1)
    """,
    "an illegal move, or one told twice: booking": f"""
        SELECT reference FROM (
            SELECT b.reference, e.kind, e.status, lag(e.status) OVER (
                       PARTITION BY e.booking_id ORDER BY e.id) AS before
              FROM booking_events e JOIN bookings b ON b.id = e.booking_id
             WHERE b.venue_id = %(venue)s) AS m
         WHERE CASE WHEN before IS NULL THEN kind <> 'placed' OR status <> 'pending'
                    WHEN kind IN ('changed', 'extended') THEN before <> status
                    ELSE (before, status) NOT IN {_MOVES} END
    """,
    "changes and events differ: booking": """
        SELECT b.reference FROM bookings b WHERE b.venue_id = %(venue)s AND b.revision - 1 <>
            (SELECT count(*) FROM booking_events e
              WHERE e.booking_id = b.id AND e.kind = 'changed')
    """,
    "a message is owed twice: booking": """
        SELECT b.reference FROM notifications n JOIN bookings b ON b.id = n.booking_id
         WHERE b.venue_id = %(venue)s GROUP BY b.reference, n.kind, n.version HAVING count(*) > 1
    """,
    "a message is not owed: booking": """
        SELECT reference FROM bookings b, LATERAL (VALUES
                 ('held', b.held_at IS NOT NULL), ('confirmed', b.confirmed_at IS NOT NULL),
                 ('rejected', b.status = 'rejected'),
                 ('cancelled', b.cancelled_at IS NOT NULL AND b.confirmed_at IS NOT NULL)
             ) AS owed (kind, is_owed)
         WHERE b.venue_id = %(venue)s AND is_owed AND NOT b.is_waited_for AND NOT EXISTS (
                   SELECT FROM notifications n WHERE n.booking_id = b.id AND n.kind = owed.kind)
    """,
    "let go undecided: booking": """
        SELECT reference FROM bookings WHERE venue_id = %(venue)s AND reason = 'not_decided'
    """,
    "still pending: booking": """
        SELECT reference FROM bookings WHERE venue_id = %(venue)s AND status = 'pending'
    """,
}


@dataclass(slots=True)
class Promises:
    """What the journal says, by key and by reference."""

    asked: set[str] = field(default_factory=set)
    accepted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    told: dict[str, str] = field(default_factory=dict)
    may_be: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def judge(connection: psycopg.Connection[Any], venue: int, journal: list[Line]) -> list[str]:
    """Return every breach, one line each; the tables are read as of one instant."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = [
            f"{name} {row[0]}"
            for name, question in QUESTIONS.items()
            for row in connection.execute(question, {"venue": venue})
        ]
        rows = connection.execute(
            "SELECT reference, status, idempotency_key FROM bookings WHERE venue_id = %s", [venue]
        ).fetchall()
    return [*found, *_broken_promises(_read(journal), rows)]


def _read(journal: list[Line]) -> Promises:
    found = Promises()
    for line in journal:
        match line["kind"]:
            case "asked":
                found.asked.add(line["key"])
            case "accepted":
                found.accepted[line["key"]].add(line["reference"])
            case "told":
                found.told[line["reference"]] = line["status"]
            case "may be":
                found.may_be[line["reference"]].add(line["status"])
    return found


def _broken_promises(promised: Promises, rows: list[Any]) -> Iterator[str]:
    statuses = {reference: status for reference, status, _ in rows}
    by_key = {key: reference for reference, _, key in rows if key is not None}
    for key, references in promised.accepted.items():
        if len(references) > 1:
            yield f"one key, several answers: {key}"
        for reference in references - statuses.keys():
            yield f"accepted and lost: booking {reference}"
        if by_key.get(key) not in references:
            yield f"the key of an accepted booking names another one: {key}"
    for reference, told in promised.told.items():
        status = statuses.get(reference, "lost")
        if told != "pending" and status != told and status not in promised.may_be[reference]:
            yield f"told {told}, but it is {status}: booking {reference}"
    for key in by_key.keys() - promised.asked:
        yield f"nobody asked for it: booking {by_key[key]}"


class Watch:
    """Looks every quarter of a second, as of one instant each, whether places add up."""

    def __init__(self, url: str, venue: int) -> None:
        self._url, self._venue = url, venue
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks = 0
        self.seen: set[str] = set()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # While the server is away there is nothing to see.
            with suppress(psycopg.Error):
                self._look_on()
            self._stopped.wait(0.25)

    def _look_on(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
            while not self._stopped.wait(0.25):
                for name, question in (("overbooked", OVERBOOKED), ("unbalanced", UNBALANCED)):
                    for row in connection.execute(question, {"venue": self._venue}):
                        self.seen.add(f"{name} for a moment: slot {row[0]}")
                self.looks += 1
