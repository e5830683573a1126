"""`bench purge`: how many people are forgotten in a second, and what booking feels of it meanwhile.

Each person has a booking, a customer's row and two messages. Booking is measured twice on the same
servers: by itself, and beside the purge.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from ops import screen
from ops.bench.report import Goal, show_goals, write
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

LEAST_PER_SECOND = 10_000
MOST_TIMES_SLOWER = 1.5
NAME = "purge"


def bench_purge(*, people: int, rate: int, folder: Path) -> int:
    """Purge so many people beside `rate` bookings a second; 0 when the goals are reached."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place), is_durable=True) as found,
    ):
        make_migrated_database(found, NAME)
        with psycopg.connect(found.cluster.url(NAME), autocommit=True) as database:
            for half, turn in (("alone", 1), ("beside", 2)):
                with screen.step(f"making {people:,} people, {half}"):
                    for statement in _PEOPLE:
                        database.execute(statement, {"people": people, "turn": turn})
                if turn == 1:
                    with screen.step("purging by itself"):
                        alone = _run(found, "purge")
                    _check(database)
        with screen.step("booking by itself"):
            calm = _run(found, "book", f"--rate={rate}", "--seconds=6")
        with screen.step("booking beside the purge"):
            beside = _beside(found, rate, Path(place) / "through")
        with psycopg.connect(found.cluster.url(NAME), autocommit=True) as database:
            _check(database)
    p99 = {name: _p99(found_["ms"]) for name, found_ in (("alone", calm), ("beside", beside))}
    goals = [
        Goal("people a second", alone["people"] / alone["seconds"], least=LEAST_PER_SECOND),
        Goal("booking p99, times", p99["beside"] / p99["alone"], most=MOST_TIMES_SLOWER),
    ]
    show_goals(goals)
    write(
        "purge",
        folder,
        goals,
        people=people,
        bookings_a_second=rate,
        seconds=round(alone["seconds"], 2),
        seconds_beside_booking=round(beside["purge"]["seconds"], 2),
        booking_p99_ms=p99,
    )
    return 0 if all(goal.is_reached for goal in goals) else 1


def _beside(found: Servers, rate: int, through: Path) -> dict[str, Any]:
    """Book for as long as a purge lasts; return the times of both."""
    with _start(found, "purge", "--after=1.5", f"--through={through}") as purge:
        booked = _run(found, "book", f"--rate={rate}", f"--through={through}")
        return booked | {"purge": _answer(purge)}


def _run(found: Servers, *arguments: str) -> dict[str, Any]:
    with _start(found, *arguments) as process:
        return _answer(process)


def _start(found: Servers, *arguments: str) -> "subprocess.Popen[str]":
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    return subprocess.Popen(
        leashed([sys.executable, "-m", "ops.bench.purging", *arguments]),
        cwd=ROOT,
        env=kept
        | {
            "DATABASE_URL": found.runtime_url(NAME),
            "REDIS_URL": found.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return what a process found. Raises OpsError."""
    told, errors = process.communicate()
    if process.returncode != 0:
        raise OpsError(f"the bench failed: {(errors.strip().splitlines() or ['?'])[-1]}")
    # Lines of the log may come before it.
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def _check(database: psycopg.Connection) -> None:
    """See that nobody is left, and that all bookings are."""
    row = database.execute(_LEFT).fetchone()
    if row != (0, 0, 0):
        raise OpsError(f"after the purge there were left: bookings, customers, messages: {row}")


def _p99(milliseconds: list[float]) -> float:
    return round(statistics.quantiles(milliseconds, n=100)[98], 2)


_PEOPLE = (
    """
INSERT INTO venues (slug, name, kind, time_zone, currency)
VALUES ('bench', 'Bench', 'boats', 'UTC', 'EUR') ON CONFLICT DO NOTHING
""",
    """
INSERT INTO resources (venue_id, name, counted_in, max_quantity)
SELECT venues.id, boat, 'seats', 10
FROM venues, unnest(ARRAY['Old boat', 'New boat']) AS boat ON CONFLICT DO NOTHING
""",
    """
INSERT INTO slots (resource_id, starts_at, ends_at, sold_until, local_on, capacity, remaining,
                   price, currency)
SELECT id, starts_at, starts_at + interval '1 hour', starts_at, starts_at::date,
       100000000, 100000000, 25, 'EUR'
FROM resources, (SELECT now() + CASE %(turn)s::int WHEN 1 THEN interval '2 days'
                                     ELSE interval '3 days' END AS starts_at) AS times
WHERE name = 'New boat'
""",
    """
WITH customer AS (
    INSERT INTO customers (venue_id, email, full_name, phone)
    SELECT venues.id, format('guest-%%s-%%s@example.com', %(turn)s::int, n), 'A guest', '+44 20'
    FROM venues, generate_series(1, %(people)s) AS n RETURNING id, venue_id, email
), booking AS (
    INSERT INTO bookings (reference, venue_id, resource_id, customer_id, quantity, contact_email,
                          contact_name, contact_phone, special_requests, channel, total, currency,
                          status, reason, decided_at, decision_no, over_at)
    SELECT lpad(upper(to_hex(customer.id)), 7, '0'), customer.venue_id, resources.id, customer.id,
           1, email, 'A guest', '+44 20', 'A chair', 'bench', 25, 'EUR', 'rejected', 'full',
           now() - interval '500 days', customer.id, now() - interval '400 days'
    FROM customer JOIN resources ON resources.name = 'Old boat' RETURNING id, venue_id
)
INSERT INTO notifications (venue_id, booking_id, kind, state, address_hash, due_at, created_at)
SELECT venue_id, id, kind, 'dropped', '\\x01', now(), now() - interval '400 days'
FROM booking, unnest(ARRAY['received', 'rejected']) AS kind
""",
    "ANALYZE bookings, customers, notifications",
)

_LEFT = """
SELECT (SELECT count(*) FROM bookings WHERE channel = 'bench' AND num_nonnulls(contact_email,
            contact_name, contact_phone, special_requests) > 0),
       (SELECT count(*) FROM customers WHERE email LIKE 'guest-%'),
       (SELECT count(*) FROM notifications WHERE address_hash IS NOT NULL)
"""
