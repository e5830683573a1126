"""Rows for a bench: venues of every kind with a history, made by the database itself.

Their slots and bookings add up; events and messages, which no search reads, are left out.
"""

from dataclasses import dataclass

import psycopg

# What is ahead is the same whatever the history, as with real venues: schedules end somewhere.
DAYS_AHEAD = 90
SLOTS_A_DAY = {"restaurant": 8, "boats": 6, "hotel": 1}
RESOURCES = {"restaurant": 5, "boats": 5, "hotel": 13}
DESTINATIONS = 40


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to be searched; `times` multiplies the venues.

    `is_one_venue` gives all of it to one restaurant of as many rooms, with a message a booking.
    """

    name: str
    slots: int
    times: int
    bookings_a_slot: int = 2
    is_one_venue: bool = False

    @property
    def days(self) -> int:
        """How many days there are slots for, most of them past."""
        a_day = sum(RESOURCES[kind] * SLOTS_A_DAY[kind] for kind in RESOURCES) * self.times
        if self.is_one_venue:
            a_day = sum(RESOURCES.values()) * SLOTS_A_DAY["restaurant"]
        return max(DAYS_AHEAD + 1, -(-self.slots // a_day))


def make_rows(database: psycopg.Connection, size: Size) -> dict[str, int]:
    """Fill a migrated, empty database as its superuser; return how many rows of each there are."""
    with database.transaction():
        # The rows are made consistent: asking the foreign keys millions of times shows nothing.
        database.execute("SET LOCAL session_replication_role = replica")
        database.execute("SET LOCAL maintenance_work_mem = '256MB'")
        if size.is_one_venue:
            database.execute(_VENUES, {"kind": "restaurant", "count": 1})
            database.execute(_ROOMS, {"count": sum(RESOURCES.values())})
        else:
            for kind, resources in RESOURCES.items():
                database.execute(_VENUES, {"kind": kind, "count": resources * size.times})
            database.execute(_RESOURCES)
        database.execute(_CUSTOMERS)
        database.execute(
            _SLOTS,
            {
                "days_back": size.days - DAYS_AHEAD,
                "days_ahead": DAYS_AHEAD,
                "restaurant": SLOTS_A_DAY["restaurant"],
                "boats": SLOTS_A_DAY["boats"],
                "destinations": DESTINATIONS,
                "taken": 2 * size.bookings_a_slot,
                "rooms_taken": size.bookings_a_slot,
            },
        )
        database.execute(_PLANNED, {"bookings": size.bookings_a_slot})
        database.execute(_BOOKINGS)
        database.execute(_LINES)
        database.execute("DROP TABLE planned")
        if size.is_one_venue:
            database.execute(_MESSAGES)
    database.execute("VACUUM (ANALYZE) notifications, customers")
    database.execute("VACUUM (ANALYZE) slots, bookings, booking_slots, resources, venues")
    return {table: _count(database, table) for table in ("slots", "bookings")}


def _count(database: psycopg.Connection, table: str) -> int:
    row = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


_VENUES = """
INSERT INTO venues (slug, name, kind, time_zone, currency)
SELECT format('%%s-%%s', %(kind)s::text, n), format('Venue %%s', n), %(kind)s,
       (ARRAY['UTC', 'Europe/London', 'Asia/Kolkata'])[n %% 3 + 1], 'EUR'
FROM generate_series(1, %(count)s) AS n
"""

_RESOURCES = """
INSERT INTO resources (venue_id, name, counted_in, max_quantity, people_per_room)
SELECT id, 'Only', CASE kind WHEN 'hotel' THEN 'rooms' ELSE 'seats' END, 10,
       CASE kind WHEN 'hotel' THEN 2 END
FROM venues
"""

_ROOMS = """
INSERT INTO resources (venue_id, name, counted_in, max_quantity)
SELECT venues.id, format('Room %%s', n), 'seats', 10
FROM venues, generate_series(1, %(count)s) AS n
"""

_CUSTOMERS = """
INSERT INTO customers (venue_id, email, full_name)
SELECT venues.id, format('guest-%s-%s@example.com', venues.id, n), 'A guest'
FROM venues, generate_series(1, 100) AS n
"""

# Every seventh slot and every 23rd night is full. A night is sold until the end of its day.
_SLOTS = """
INSERT INTO slots (resource_id, starts_at, ends_at, sold_until, local_on, is_night,
                   capacity, remaining, price, currency, attributes)
SELECT resource_id, starts_at,
       CASE WHEN is_night THEN midnight + interval '11 hours'
            ELSE starts_at + interval '90 minutes' END,
       CASE WHEN is_night THEN midnight ELSE starts_at END,
       local_on, is_night, taken + free, free, 25, 'EUR',
       CASE WHEN kind = 'boats' THEN jsonb_build_object(
           'destination',
           format('Island %%s', (abs(day) * 7 + resource_no + turn) %% %(destinations)s)
       ) ELSE '{}' END
FROM (
    SELECT resources.id AS resource_id, venues.kind, resource_no, day, turn, local_on,
           venues.kind = 'hotel' AS is_night,
           CASE venues.kind
               WHEN 'hotel' THEN local_on + time '15:00'
               WHEN 'boats' THEN local_on + time '08:00' + turn * interval '2 hours'
               ELSE local_on + time '12:00' + turn * interval '1 hour'
           END AT TIME ZONE venues.time_zone AS starts_at,
           (local_on + 1) AT TIME ZONE venues.time_zone AS midnight,
           CASE venues.kind WHEN 'hotel' THEN %(rooms_taken)s ELSE %(taken)s END AS taken,
           CASE WHEN (day + resource_no + turn) %%
                     CASE venues.kind WHEN 'hotel' THEN 23 ELSE 7 END = 0
                THEN 0 ELSE 30 END AS free
    FROM (SELECT *, row_number() OVER (ORDER BY venue_id) AS resource_no FROM resources)
             AS resources
    JOIN venues ON venues.id = resources.venue_id
    CROSS JOIN generate_series(-%(days_back)s + 1, %(days_ahead)s) AS day
    CROSS JOIN LATERAL (SELECT current_date + day::int AS local_on) AS days
    CROSS JOIN LATERAL generate_series(
        0, CASE venues.kind WHEN 'restaurant' THEN %(restaurant)s
                            WHEN 'boats' THEN %(boats)s ELSE 1 END - 1
    ) AS turn
) AS planned
"""

# One in fifty of those ahead is held, one in five hundred overdue and not yet swept.
_PLANNED = """
CREATE TEMPORARY TABLE planned AS
SELECT gen_random_uuid() AS id, row_number() OVER () AS n, slots.id AS slot_id,
       slots.resource_id, resources.venue_id, slots.starts_at, slots.currency,
       CASE WHEN slots.is_night THEN 1 ELSE 2 END AS units,
       row_number() OVER (PARTITION BY slots.resource_id) AS decision_no,
       CASE WHEN slots.starts_at < now() THEN 'completed'
            WHEN random() < 0.02 THEN 'held' ELSE 'confirmed' END AS status
FROM slots JOIN resources ON resources.id = slots.resource_id
CROSS JOIN generate_series(1, %(bookings)s)
"""

_BOOKINGS = """
INSERT INTO bookings (id, reference, venue_id, resource_id, customer_id, quantity, status,
                      contact_email, contact_name, channel, total, currency, decision_no,
                      created_at, decided_at, expires_at, held_at, confirmed_at, checked_in_at,
                      completed_at)
SELECT planned.id, lpad(upper(to_hex(n)), 7, '0'), planned.venue_id, resource_id, customers.id,
       units, status, customers.email, 'A guest', 'bench', 25 * units, currency, decision_no,
       made_at, made_at,
       CASE status WHEN 'held' THEN
           now() + CASE WHEN n %% 10 = 0 THEN interval '-1 minute' ELSE interval '1 day' END END,
       CASE status WHEN 'held' THEN made_at END,
       CASE WHEN status <> 'held' THEN made_at END,
       CASE status WHEN 'completed' THEN starts_at END,
       CASE status WHEN 'completed' THEN starts_at + interval '1 hour' END
FROM planned
CROSS JOIN LATERAL (SELECT starts_at - interval '100 days' AS made_at) AS times
JOIN (SELECT id, venue_id, email, row_number() OVER (PARTITION BY venue_id ORDER BY id) AS turn
      FROM customers) AS customers
  ON customers.venue_id = planned.venue_id AND customers.turn = n %% 100 + 1
""".replace("%%", "%")

_LINES = """
INSERT INTO booking_slots (booking_id, slot_id, units, unit_price, currency)
SELECT id, slot_id, units, 25, currency FROM planned
"""

_MESSAGES = """
INSERT INTO notifications (venue_id, booking_id, kind, state, sent_at)
SELECT venue_id, id, 'confirmed', 'sent', created_at FROM bookings ORDER BY seq
"""
