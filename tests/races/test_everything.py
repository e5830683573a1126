"""Everything at once: whatever comes in between, the books balance and nothing is stuck."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.errors import BookingError
from booking.expiry import expire_held, expire_undecided
from booking.lifecycle import cancel_booking, confirm_hold, withdraw_hold
from booking.slots import change_capacity, set_open
from booking.transactions import reading
from models import Booking, Slot
from tests.engine.books import place, violations
from tests.factories import make_booking, make_nights
from tests.races.meeting import at_once

STAFF = Actor("staff", "somebody")
STEPS = 25


def visitor(seed: int, nights: list[Slot], ids: list[Any], resource_id: Any) -> Callable[[], int]:
    """Somebody who does one thing after another; what the engine refuses is part of the game."""
    chance = random.Random(seed)

    def any_booking() -> Any:
        with reading() as tx:
            return chance.choice(list(tx.scalars(select(Booking.id))))

    def stay() -> list[int]:
        first = chance.randrange(len(ids))
        return list(range(first, min(len(ids), first + chance.randint(1, 3))))

    def step() -> None:
        match chance.randrange(10):
            case 0 | 1 | 2:
                place(
                    *(nights[at] for at in stay()),
                    quantity=chance.randint(1, 2),
                    hold_minutes=chance.choice([None, 5]),
                )
            case 3:
                decide_pending(resource_id)
            case 4:
                cancel_booking(booking_id=any_booking(), by=STAFF)
            case 5:
                confirm_hold(booking_id=any_booking())
            case 6:
                withdraw_hold(booking_id=any_booking())
            case 7 | 8:
                change = Change(
                    slot_ids=tuple(ids[at] for at in stay()), quantity=chance.randint(1, 3)
                )
                change_booking(booking_id=any_booking(), change=change, by=STAFF)
            case 9:
                at = chance.randrange(len(ids))
                change_capacity(slot_id=ids[at], capacity=chance.randint(2, 9))
                set_open(slot_id=ids[at], is_open=chance.random() < 0.8)
                expire_held(resource_id)
                expire_undecided(resource_id)

    def run() -> int:
        refused = 0
        for _ in range(STEPS):
            try:
                step()
            except BookingError:
                refused += 1
        return refused

    return run


@pytest.mark.parametrize("seed", [1, 2])
def test_the_books_balance_after_everything_at_once(committed_db: Session, seed: int) -> None:
    nights = make_nights(nights=5, capacity=6)
    make_booking(*nights[:2], quantity=1)
    ids, resource_id = [night.id for night in nights], nights[0].resource_id
    committed_db.expunge_all()

    results = at_once(*(visitor(100 * seed + n, nights, ids, resource_id) for n in range(6)))

    assert all(isinstance(result, int) for result in results), results
    decide_pending(resource_id)
    assert violations() == []
