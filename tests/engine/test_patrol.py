"""The patrol: a stolen seat is seen, at once where something happens, in its turn elsewhere."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from booking import patrol
from booking.lifecycle import cancel_booking
from booking.patrol import Patrol
from metrics import INVARIANT_VIOLATIONS
from tests.factories import make_booking, make_slot


def shown() -> float:
    return float(INVARIANT_VIOLATIONS._value.get())


def steal_a_seat(db: Session, slot_id: UUID, count: int = 1) -> None:
    """Sell a seat a second time behind the engine's back."""
    db.execute(
        text("UPDATE slots SET remaining = remaining + :count WHERE id = :id"),
        {"id": slot_id, "count": count},
    )
    db.flush()


def test_sound_books_raise_no_alarm(db: Session) -> None:
    slot = make_slot()
    cancel_booking(booking_id=make_booking(slot, quantity=2).id)
    make_booking(slot, quantity=3)

    Patrol().look()

    assert shown() == 0


def test_a_stolen_seat_is_seen_logged_once_and_gone_when_mended(
    db: Session, logged: list[MutableMapping[str, Any]]
) -> None:
    slot = make_slot()
    make_booking(slot)
    walk = Patrol()

    steal_a_seat(db, slot.id)
    walk.look()
    walk.look()
    while_stolen = shown()
    steal_a_seat(db, slot.id, -1)
    walk.look()

    assert while_stolen == 1
    alarms = [entry for entry in logged if entry["event"] == "places_do_not_add_up"]
    assert [entry["slot_id"] for entry in alarms] == [str(slot.id)]
    assert shown() == 0


def test_the_walk_comes_round_to_every_slot(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patrol, "PORTION", 2)
    slots = sorted(make_slot().id for _ in range(5))
    make_booking(make_slot())
    walk = Patrol()
    steal_a_seat(db, slots[-1], -1)

    seen = []
    for _ in range(4):
        walk.look()
        seen.append(shown())

    # Not with the first portion, and from then on at each look, wherever the walk is.
    assert seen[0] == 0
    assert seen[-1] == 1


def test_what_is_touched_is_looked_at_without_waiting_for_its_turn(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "PORTION", 1)
    slots = sorted((make_slot() for _ in range(9)), key=lambda each: each.id)
    walk = Patrol()
    walk.look()

    make_booking(slots[-1])
    steal_a_seat(db, slots[-1].id)
    walk.look()

    assert shown() == 1


def test_without_the_look_at_what_is_touched_it_waits(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the one above."""
    monkeypatch.setattr(patrol, "PORTION", 1)
    monkeypatch.setattr(Patrol, "_touched", lambda self, tx: [])
    slots = sorted((make_slot() for _ in range(9)), key=lambda each: each.id)
    walk = Patrol()
    walk.look()

    make_booking(slots[-1])
    steal_a_seat(db, slots[-1].id)
    walk.look()

    assert shown() == 0
