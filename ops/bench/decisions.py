"""`bench decisions`: how many holds on one slot are decided in a second, and nothing besides.

Each decision writes its event and its message. Beside it pgbench runs what a booking is without
batches: one transaction that locks the slot, takes the place and writes booking, event and message.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from rich.table import Table

from ops import screen
from ops.bench.report import Goal, middle, show_goals, spread, write
from ops.binaries import postgres_binaries
from ops.environment import OURS, ROOT
from ops.errors import OpsError
from ops.identity import leashed
from ops.template import make_migrated_database
from ops.throwaway import Servers, servers

LEAST_PER_SECOND = 12_000
CLIENTS = 8
NAME = "decisions"


def bench_decisions(*, holds: int, rounds: int, folder: Path) -> int:
    """Decide so many holds a round; 0 when the goal is reached."""
    ours, theirs = [], []
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as place,
        servers(Path(place), is_durable=True) as found,
    ):
        make_migrated_database(found, NAME)
        with psycopg.connect(found.cluster.url(NAME), autocommit=True) as database:
            database.execute(_ONE_BY_ONE)
            database.execute(_SLOT)
            with screen.step("deciding") as show:
                for number in range(1, rounds + 1):
                    show(f"round {number} of {rounds}")
                    theirs.append(_one_by_one(found, seconds=max(1, holds // 6000)))
                    database.execute(_HOLDS, {"holds": holds, "round": number})
                    ours.append(_decide(found, holds))
            _check(database, holds * rounds)
    rates = {"holdfast": middle(ours), "pgbench, one by one": middle(theirs)}
    goals = [Goal("decisions a second", rates["holdfast"]["median"], least=LEAST_PER_SECOND)]
    ratio = rates["holdfast"]["median"] / rates["pgbench, one by one"]["median"]
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name, rate in rates.items():
        table.add_row(name, f"{spread(rate)} a second")
    table.add_row("ratio", f"{ratio:.1f}")
    screen.out.print(table)
    show_goals(goals)
    write("decisions", folder, goals, holds_a_round=holds, rounds=rounds, rates=rates, ratio=ratio)
    return 0 if all(goal.is_reached for goal in goals) else 1


def _decide(found: Servers, holds: int) -> float:
    """Let one process decide what is pending; return the rate. Raises OpsError."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        leashed([sys.executable, "-m", "ops.bench.deciding"]),
        cwd=ROOT,
        env=kept
        | {
            "DATABASE_URL": found.runtime_url(NAME),
            "REDIS_URL": found.valkey.url(),
            "SECRET_KEY": secrets.token_urlsafe(48),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OpsError(f"deciding failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    told = json.loads(done.stdout.splitlines()[-1])
    if told["decided"] != holds:
        raise OpsError(f"{told['decided']} holds of {holds} were decided")
    return float(told["decided"] / told["seconds"])


def _one_by_one(found: Servers, *, seconds: int) -> float:
    """Return how many transactions a second pgbench commits. Raises OpsError."""
    done = subprocess.run(
        [
            str(postgres_binaries() / "pgbench"),
            *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--time={seconds}"),
            f"--file={ROOT / 'bench/one_by_one.sql'}",
            found.cluster.url(NAME),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode != 0 or told is None:
        raise OpsError(f"pgbench failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return float(told[1])


def _check(database: psycopg.Connection, holds: int) -> None:
    """See that each hold has its place, its decision, its event and its message."""
    row = database.execute(_COUNTS).fetchone()
    if row != (holds,) * 4:
        raise OpsError(f"of {holds} holds: places, bookings, events, messages: {row}")


_ONE_BY_ONE = """
CREATE TABLE one_slot (id int PRIMARY KEY, remaining int NOT NULL CHECK (remaining >= 0));
CREATE TABLE one_booking (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slot_id int REFERENCES one_slot,
    customer text NOT NULL, status text NOT NULL, created_at timestamptz DEFAULT now()
);
CREATE TABLE one_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, booking_id bigint REFERENCES one_booking,
    kind text NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE one_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, booking_id bigint REFERENCES one_booking,
    kind text NOT NULL
);
INSERT INTO one_slot VALUES (1, 100000000)
"""

_SLOT = """
WITH venue AS (
    INSERT INTO venues (slug, name, kind, time_zone, currency)
    VALUES ('bench', 'Bench', 'boats', 'UTC', 'EUR') RETURNING id
), resource AS (
    INSERT INTO resources (venue_id, name, counted_in, max_quantity, attributes)
    SELECT id, 'Boat', 'seats', 10, '{}' FROM venue RETURNING id
)
INSERT INTO slots (resource_id, starts_at, ends_at, sold_until, local_on, capacity, remaining,
                   price, currency)
SELECT id, starts_at, starts_at + interval '1 hour', starts_at, starts_at::date,
       100000000, 100000000, 25, 'EUR'
FROM resource, (SELECT now() + interval '2 days' AS starts_at) AS times
"""

_HOLDS = """
WITH customer AS (
    INSERT INTO customers (venue_id, email, full_name)
    SELECT venues.id, format('guest-%%s-%%s@example.com', %(round)s::int, n), 'A guest'
    FROM venues, generate_series(1, %(holds)s) AS n RETURNING id, venue_id, email
), booking AS (
    INSERT INTO bookings (reference, venue_id, resource_id, customer_id, quantity, contact_email,
                          contact_name, channel, total, currency, expires_at)
    SELECT lpad(upper(to_hex(customer.id)), 7, '0'), venue_id, resources.id, customer.id, 1, email,
           'A guest', 'bench', 25, 'EUR', now() + interval '1 hour'
    FROM customer JOIN resources USING (venue_id) RETURNING id, venue_id
), line AS (
    INSERT INTO booking_slots (booking_id, slot_id, units, unit_price, currency)
    SELECT booking.id, slots.id, 1, 25, 'EUR' FROM booking, slots
)
INSERT INTO booking_events (booking_id, venue_id, kind, status, actor, at)
SELECT id, venue_id, 'placed', 'pending', 'customer', now() FROM booking
"""

_COUNTS = """
SELECT (SELECT sum(capacity - remaining) FROM slots),
       (SELECT count(*) FROM bookings WHERE status = 'confirmed'),
       (SELECT count(*) FROM booking_events WHERE kind = 'confirmed'),
       (SELECT count(*) FROM notifications WHERE kind = 'confirmed')
"""
