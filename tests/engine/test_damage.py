"""`verify` finds damage: what is broken behind the engine's back is seen, promise by promise."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.invariants import QUESTIONS
from models import Booking, Status
from tests.engine.books import now, place, violations
from tests.engine.test_sealing import TAMPERINGS
from tests.factories import make_booking, make_nights, make_slot, session
from tests.races.conftest import Drop, drop

__all__ = ["drop"]

DAMAGES = {
    "places do not add up": "UPDATE slots SET remaining = remaining + 1 WHERE id = :slot",
    "units differ from the quantity": (
        "UPDATE booking_slots SET units = units - 1 WHERE booking_id = :booking"
    ),
    "no place is occupied": "DELETE FROM booking_slots WHERE booking_id = :booking",
    "places given back without an event": (
        "UPDATE booking_slots SET released_at = now() WHERE booking_id = :booking"
    ),
    "total is not what the lines cost": "UPDATE bookings SET total = total + 1 WHERE id = :booking",
    "decided out of order": (
        "UPDATE bookings SET decision_no = CASE id WHEN :booking THEN 902 ELSE 901 END"
        " WHERE id IN (:booking, :later)"
    ),
    "decision numbers have gaps": "UPDATE resources SET last_decision_no = last_decision_no + 1",
    "status is not that of the last event": (
        "UPDATE bookings SET status = 'checked_in', checked_in_at = now() WHERE id = :booking"
    ),
    "event of a transition is lost": (
        "DELETE FROM booking_events WHERE booking_id = :booking AND kind = 'confirmed'"
    ),
    "illegal transition": (
        "UPDATE booking_events SET kind = 'held', status = 'confirmed'"
        " WHERE booking_id = :booking AND kind = 'confirmed'"
    ),
    "changes differ from the revision": (
        "DELETE FROM booking_events WHERE booking_id = :booking AND kind = 'changed'"
    ),
    "message is not owed": "DELETE FROM notifications WHERE booking_id = :booking",
    "message is not true": (
        "UPDATE notifications SET kind = 'cancelled'"
        " WHERE booking_id = :booking AND kind = 'confirmed'"
    ),
    "two venues are mixed": (
        "UPDATE booking_events SET venue_id = (SELECT max(id) FROM venues)"
        " WHERE booking_id = :booking"
    ),
    "neither decided nor expired": (
        "UPDATE bookings SET expires_at = now() - interval '1 hour' WHERE id = :pending"
    ),
    "held past its deadline": (
        "UPDATE bookings SET expires_at = now() - interval '1 hour' WHERE id = :held"
    ),
    "slot of another resource": (
        "UPDATE booking_slots SET slot_id = :foreign WHERE booking_id = :booking"
    ),
}


# Further ways to break the same promises: what is done, how, and what is to be seen.
MORE_DAMAGES = [
    (
        "a place is kept for nobody",
        "UPDATE slots SET remaining = remaining - 1 WHERE id = :slot",
        "places do not add up",
    ),
    (
        "a capacity grows by itself",
        "UPDATE slots SET capacity = capacity + 1 WHERE id = :slot",
        "places do not add up",
    ),
    (
        "a line moves to another slot",
        "UPDATE booking_slots SET slot_id = :sibling WHERE booking_id = :booking",
        "places do not add up",
    ),
    (
        "a line is written twice",
        "INSERT INTO booking_slots (booking_id, slot_id, units, unit_price, currency)"
        " SELECT booking_id, slot_id, units, unit_price, currency FROM booking_slots"
        " WHERE booking_id = :booking AND released_at IS NULL LIMIT 1",
        "units differ from the quantity",
    ),
    (
        "a booking is robbed of its line",
        "UPDATE booking_slots SET booking_id = :later WHERE booking_id = :booking",
        "no place is occupied",
    ),
    (
        "a pending hold is forged to be confirmed",
        "UPDATE bookings SET status = 'confirmed', expires_at = NULL, confirmed_at = now(),"
        " decided_at = now(), decision_no = 77 WHERE id = :pending",
        "status is not that of the last event",
    ),
    (
        "a confirmed booking is forged to be cancelled",
        "UPDATE bookings SET status = 'cancelled', cancelled_at = now() WHERE id = :booking",
        "places do not add up",
    ),
    (
        "a booking is said to have arrived",
        "UPDATE bookings SET checked_in_at = now() WHERE id = :booking",
        "event of a transition is lost",
    ),
    (
        "a transition is told twice",
        "INSERT INTO booking_events (booking_id, venue_id, kind, status, actor, details, at)"
        " SELECT booking_id, venue_id, kind, status, actor, details, at FROM booking_events"
        " WHERE booking_id = :later AND kind = 'confirmed'",
        "illegal transition",
    ),
    (
        "the first event is lost",
        "DELETE FROM booking_events WHERE booking_id = :later AND kind = 'placed'",
        "illegal transition",
    ),
    (
        "the last event is lost",
        "DELETE FROM booking_events WHERE booking_id = :held AND kind = 'held'",
        "status is not that of the last event",
    ),
    (
        "every event is lost",
        "DELETE FROM booking_events WHERE booking_id = :later",
        "status is not that of the last event",
    ),
    (
        "a change is told that was none",
        "UPDATE bookings SET revision = revision + 1 WHERE id = :booking",
        "changes differ from the revision",
    ),
    (
        "a decision takes a number that is not its turn",
        "UPDATE bookings SET decision_no = decision_no + 900 WHERE id = :later",
        "decision numbers have gaps",
    ),
    (
        "a decided booking is erased with all that belongs to it",
        "WITH lines AS (DELETE FROM booking_slots WHERE booking_id = :later),"
        " events AS (DELETE FROM booking_events WHERE booking_id = :later),"
        " told AS (DELETE FROM notifications WHERE booking_id = :later)"
        " DELETE FROM bookings WHERE id = :later",
        "decision numbers have gaps",
    ),
    (
        "a message tells of a change to come",
        "UPDATE notifications SET version = version + 5 WHERE booking_id = :later",
        "message is not true",
    ),
    (
        "the message of a change is lost",
        "DELETE FROM notifications WHERE booking_id = :booking AND kind = 'changed'",
        "message is not owed",
    ),
    (
        "a message is another venue's",
        "UPDATE notifications SET venue_id = (SELECT max(id) FROM venues)"
        " WHERE booking_id = :later",
        "two venues are mixed",
    ),
    (
        "a booking is another venue's customer's",
        "WITH other AS (INSERT INTO customers (venue_id, email) SELECT max(id), 'x@example.com'"
        " FROM venues RETURNING id) UPDATE bookings SET customer_id = (SELECT id FROM other)"
        " WHERE id = :later",
        "two venues are mixed",
    ),
]
# Behind a guard of the tables, which has to fall first: table, guard, damage, what is to be seen.
GUARDED_DAMAGES = [
    (
        "slots",
        "ck_slots_remaining_fits",
        "UPDATE slots SET remaining = -1 WHERE id = :slot",
        "remaining is out of bounds",
    ),
    (
        "bookings",
        "uq_bookings_idempotency",
        "UPDATE bookings SET idempotency_scope = 'venue:1', idempotency_key = 'again',"
        " body_hmac = 'x' WHERE id IN (:booking, :later)",
        "idempotency key is used twice",
    ),
]


@pytest.fixture
def subjects(committed_db: Session) -> dict[str, UUID]:
    """A booking that was changed, others around it, and a slot of another venue."""
    slot = make_slot()
    booking = make_booking(slot, quantity=3)
    change_booking(booking_id=booking.id, change=Change(quantity=2))
    later = make_booking(slot, quantity=1)
    held = make_booking(slot, status=Status.HELD, quantity=1)
    pending = make_booking(slot, status=Status.PENDING, quantity=1)
    ids = {"booking": booking, "later": later, "held": held, "pending": pending}
    return {name: row.id for name, row in ids.items()} | {
        "slot": slot.id,
        "sibling": make_slot(slot.resource).id,
        "foreign": make_slot().id,
    }


def test_sound_books_have_no_violation(subjects: dict[str, UUID]) -> None:
    assert violations() == []


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_seen(name: str, subjects: dict[str, UUID], owner_engine: Engine) -> None:
    with owner_engine.begin() as connection:
        done = connection.execute(text(DAMAGES[name]), subjects)
        assert done.rowcount > 0

    assert any(name in found for found in violations())


@pytest.mark.parametrize(("_", "damage", "seen"), MORE_DAMAGES, ids=[d[0] for d in MORE_DAMAGES])
def test_each_further_way_is_seen(
    _: str, damage: str, seen: str, subjects: dict[str, UUID], owner_engine: Engine
) -> None:
    with owner_engine.begin() as connection:
        done = connection.execute(text(damage), subjects)
        assert done.rowcount > 0

    assert any(seen in found for found in violations())


@pytest.mark.parametrize(
    ("table", "guard", "damage", "seen"), GUARDED_DAMAGES, ids=[d[3] for d in GUARDED_DAMAGES]
)
def test_what_a_guard_would_have_stopped_is_seen(
    table: str,
    guard: str,
    damage: str,
    seen: str,
    drop: Drop,
    subjects: dict[str, UUID],
    owner_engine: Engine,
) -> None:
    session().rollback()  # An open transaction would keep the owner from the table.
    drop(table, guard)
    with owner_engine.begin() as connection:
        connection.execute(text(damage), subjects)

    assert any(seen in found for found in violations())


def test_every_question_has_its_damage() -> None:
    seen = [*DAMAGES, *(each[2] for each in MORE_DAMAGES), *(each[3] for each in GUARDED_DAMAGES)]
    # These have tests of their own: two below, those of the chain in test_sealing.py.
    seen += ["nights do not follow one another", "a guard of the tables is missing", *TAMPERINGS]

    assert [name for _, name, _ in QUESTIONS if not any(part in name for part in seen)] == []


def test_a_night_taken_out_of_a_stay_is_seen(committed_db: Session, owner_engine: Engine) -> None:
    nights = make_nights(nights=3)
    stay = make_booking(*nights, quantity=1)
    with owner_engine.begin() as connection:
        ids = {"booking": stay.id, "night": nights[1].id}
        connection.execute(
            text("DELETE FROM booking_slots WHERE booking_id = :booking AND slot_id = :night"), ids
        )
        connection.execute(text("UPDATE slots SET remaining = capacity WHERE id = :night"), ids)

    assert any("nights do not follow" in found for found in violations())


def test_a_guard_taken_away_is_seen(committed_db: Session, owner_engine: Engine) -> None:
    guard = "CHECK (0 <= remaining AND remaining <= capacity)"
    with owner_engine.begin() as connection:
        connection.execute(text("ALTER TABLE slots DROP CONSTRAINT ck_slots_remaining_fits"))
    try:
        assert any("ck_slots_remaining_fits" in found for found in violations())
    finally:
        with owner_engine.begin() as connection:
            connection.execute(
                text(f"ALTER TABLE slots ADD CONSTRAINT ck_slots_remaining_fits {guard}")
            )


def test_a_hold_that_cannot_expire_blames_nobody_else(
    committed_db: Session, owner_engine: Engine
) -> None:
    slot = make_slot(capacity=5)
    stuck = make_booking(slot, status=Status.HELD, quantity=1, full_name="Stuck")
    ids = {"stuck": stuck.id}
    committed_db.rollback()  # An open transaction would keep the owner from the table.
    with owner_engine.begin() as connection:
        connection.execute(
            text("UPDATE bookings SET expires_at = now() - interval '1 s' WHERE id = :stuck"), ids
        )
        connection.execute(
            text(
                "ALTER TABLE bookings ADD CONSTRAINT boom"
                " CHECK (contact_name <> 'Stuck' OR status <> 'expired') NOT VALID"
            )
        )
    try:
        fits, too_many = make_booking(slot, quantity=4), make_booking(slot, quantity=1)
    finally:
        committed_db.rollback()
        with owner_engine.begin() as connection:
            connection.execute(text("ALTER TABLE bookings DROP CONSTRAINT boom"))

    committed_db.expire_all()
    found = [committed_db.get_one(Booking, each.id) for each in (fits, too_many)]
    assert [(each.status, each.reason) for each in found] == [
        ("confirmed", None),
        ("rejected", "full"),
    ]


def test_a_hold_of_which_nothing_can_be_written_is_passed_over(
    committed_db: Session, owner_engine: Engine, logged: list[MutableMapping[str, Any]]
) -> None:
    slot = make_slot(capacity=3)
    before, stuck, behind, last = (
        place(slot, quantity=1, full_name=name) for name in ("One", "Stuck", "Two", "Three")
    )
    committed_db.rollback()
    with owner_engine.begin() as connection:
        connection.execute(
            text(
                "ALTER TABLE bookings ADD CONSTRAINT boom CHECK (contact_name <> 'Stuck') NOT VALID"
            )
        )
    try:
        decided = decide_pending(slot.resource_id)
    finally:
        committed_db.rollback()
        with owner_engine.begin() as connection:
            connection.execute(text("ALTER TABLE bookings DROP CONSTRAINT boom"))

    assert decided == 3
    assert [now(each).status for each in (before, stuck, behind, last)] == [
        "confirmed",
        "pending",
        "confirmed",
        "confirmed",
    ]
    assert "hold_stuck" in [each["event"] for each in logged]
    assert violations() == []
