"""`verify` finds damage: what is broken behind the engine's back is seen, promise by promise."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from booking.changes import Change, change_booking
from booking.decide import decide_pending
from models import Booking, Status
from tests.engine.books import now, place, violations
from tests.factories import make_booking, make_nights, make_slot

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
