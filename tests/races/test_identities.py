"""The same key or the same person from many sides at once: one booking, one customer."""

import threading
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import holds
from booking.decide import decide_pending
from booking.errors import IdempotencyKeyReused
from booking.gathering import Gathering
from booking.holds import HoldRequest, Idempotency, Placed, place_hold
from models import Booking, Customer
from tests.engine.books import left, violations, wanting
from tests.factories import make_slot
from tests.races.conftest import Drop
from tests.races.meeting import at_once, overtake

CROWD = 8
KEY = Idempotency("my-key", b"the same body")


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all of them look first whether they are there already, and only then write.

    Each by itself, as if every one had come to another process.
    """
    apart = Gathering(holds._place_together, most=1, lanes=CROWD, patience=0.01)
    monkeypatch.setattr(holds, "_gathering", apart)
    barrier = threading.Barrier(CROWD)
    new_row = holds._new_row
    has_met: set[int] = set()

    def met(*args: Any) -> dict[str, Any]:
        if (me := threading.get_ident()) not in has_met:
            has_met.add(me)
            barrier.wait(10)
        return new_row(*args)

    monkeypatch.setattr(holds, "_new_row", met)


def place_together(*requests: HoldRequest) -> list[Any]:
    return at_once(*(lambda request=request: place_hold(request) for request in requests))


def count_of(db: Session, table: type) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.usefixtures("meet")
@pytest.mark.parametrize("email", ["ann@example.com", None])
def test_one_key_makes_one_booking(committed_db: Session, email: str | None) -> None:
    slot = make_slot(capacity=20)
    request = wanting(slot, quantity=2, email=email, idempotency=KEY)

    results = place_together(*[request] * CROWD)
    decide_pending(slot.resource_id)

    assert all(isinstance(result, Placed) for result in results)
    assert len({result.booking.id for result in results}) == 1
    assert [result.is_replay for result in results].count(False) == 1
    assert count_of(committed_db, Booking) == 1
    assert count_of(committed_db, Customer) == 1
    assert left(slot) == 18
    assert violations() == []


@pytest.mark.usefixtures("meet")
def test_one_key_with_two_bodies_makes_one_booking(committed_db: Session) -> None:
    slot = make_slot(capacity=20)
    keys = [Idempotency("my-key", b"body %d" % at) for at in range(CROWD)]

    results = place_together(*(wanting(slot, idempotency=key) for key in keys))

    assert sum(isinstance(result, Placed) for result in results) == 1
    assert sum(isinstance(result, IdempotencyKeyReused) for result in results) == CROWD - 1
    assert count_of(committed_db, Booking) == 1


def place_two(monkeypatch: pytest.MonkeyPatch, request: HoldRequest) -> tuple[Any, Any]:
    """The first has written and not yet committed when the second comes."""
    act = lambda: place_hold(request)  # noqa: E731
    return overtake(monkeypatch, act, act, at=(holds, "_view"))


def test_the_second_waits_for_the_first_to_commit(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place_two(monkeypatch, wanting(make_slot(), email=None, idempotency=KEY))

    assert (first.is_replay, second.is_replay) == (False, True)
    assert first.booking == second.booking
    assert count_of(committed_db, Customer) == 1


def test_without_its_unique_index_one_key_makes_many_bookings(
    drop: Drop, committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("bookings", "uq_bookings_idempotency")

    first, second = place_two(monkeypatch, wanting(make_slot(), email=None, idempotency=KEY))

    assert first.booking.id != second.booking.id


def one_person(slot: Any) -> list[HoldRequest]:
    return [
        wanting(slot, email="Ann@Example.com" if at % 2 else "ann@example.com")
        for at in range(CROWD)
    ]


@pytest.mark.usefixtures("meet")
def test_one_person_is_one_customer(committed_db: Session) -> None:
    slot = make_slot(capacity=20)

    results = place_together(*one_person(slot))

    assert len({result.booking.id for result in results}) == CROWD
    assert len({result.booking.customer_id for result in results}) == 1
    assert count_of(committed_db, Customer) == 1
    assert violations() == []


def test_without_its_unique_index_one_person_is_two_customers(
    drop: Drop, committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("customers", "uq_customers_venue_id_email")

    place_two(monkeypatch, wanting(make_slot(), email="ann@example.com"))

    assert count_of(committed_db, Customer) == 2
