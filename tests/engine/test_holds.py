"""Placing a hold: what can never be is refused at once, everything else is written and waits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import holds
from booking.decide import decide_pending
from booking.errors import (
    BookingError,
    GuestsNotCounted,
    HoldTooLong,
    IdempotencyKeyReused,
    QuantityTooLarge,
    SlotHasStarted,
    SlotNotFound,
    SlotsApart,
    SlotsOfTwoResources,
    SlotsRepeated,
    TooBusy,
    TooManyGuests,
    TotalTooLarge,
)
from booking.expiry import expire_undecided
from booking.holds import ALPHABET, Contact, HoldRequest, Idempotency, place_hold, place_hold_in
from booking.lifecycle import withdraw_hold
from booking.transactions import transaction
from models import Booking, BookingSlot, CountedIn, Customer, Kind, Status
from tests.engine.books import (
    events_of,
    lines_of,
    now,
    place,
    place_and_decide,
    row,
    run_out,
    set_policy,
    set_slot,
    wanting,
)
from tests.factories import make_nights, make_resource, make_slot, make_venue

KEY = Idempotency("my-key", b"the same body")


def count_of(db: Session, table: type) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


def test_a_hold_is_pending_with_its_event_and_takes_no_places_yet(
    db: Session, rings: list[UUID]
) -> None:
    slot = make_slot(capacity=4)

    booking = place(slot, quantity=3)

    assert booking.status is Status.PENDING
    assert now(booking).status is Status.PENDING
    assert events_of(booking) == ["placed"]
    assert slot.remaining == 4
    assert rings == [slot.resource_id]


def test_the_answer_is_what_reading_gives(db: Session) -> None:
    booking = place(make_slot(), quantity=2, special_requests="by the window", channel="face")

    assert now(booking) == booking


def test_numbers_rise_with_arrival(db: Session) -> None:
    slot = make_slot()

    numbers = [place(slot).seq for _ in range(3)]

    assert numbers == sorted(set(numbers))


def test_the_position_counts_those_before(db: Session) -> None:
    slot = make_slot()
    bookings = [place(slot) for _ in range(3)]

    assert [booking.position for booking in bookings] == [0, 1, 2]
    assert [now(booking).position for booking in bookings] == [0, 1, 2]


def test_references_are_seven_characters_without_look_alikes(db: Session) -> None:
    slot = make_slot()
    references = {place(slot).reference for _ in range(20)}

    assert len(references) == 20
    assert all(len(reference) == 7 for reference in references)
    assert not set("".join(references)) - set(ALPHABET)
    assert not set("IO01") & set(ALPHABET)


def test_a_taken_reference_is_drawn_again(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = make_slot()
    taken = place(slot).reference
    drawn = iter([taken, taken, "FRESH23"])
    monkeypatch.setattr(holds, "new_reference", lambda: next(drawn))

    assert place(slot).reference == "FRESH23"


@pytest.mark.parametrize(
    ("counted_in", "units"), [(CountedIn.PARTIES, 1), (CountedIn.SEATS, 3), (CountedIn.ROOMS, 3)]
)
def test_a_place_is_what_the_resource_counts(
    db: Session, counted_in: CountedIn, units: int
) -> None:
    slot = make_slot(make_resource(counted_in=counted_in), price=Decimal("2.50"))

    booking = place(slot, quantity=3)

    assert [line.units for line in lines_of(booking)] == [units]
    assert booking.total == units * Decimal("2.50")


def test_the_total_is_over_all_nights_and_rooms(db: Session) -> None:
    first, second = make_nights(nights=2)
    set_slot(second, price=Decimal("80.00"))

    booking = place(first, second, quantity=2, guests=3)

    assert booking.total == 2 * (Decimal("12.50") + Decimal("80.00"))
    assert now(booking).total == booking.total


def test_prices_are_those_of_the_day_it_was_placed(db: Session) -> None:
    slot = make_slot(price=Decimal("10"))
    booking = place(slot)
    set_slot(slot, price=Decimal("99"))

    decide_pending(slot.resource_id)

    assert now(booking).total == Decimal("10")
    assert now(booking).slots[0].price == Decimal("10")


def test_an_office_may_give_prices_of_its_own(db: Session) -> None:
    first, second = make_nights(nights=2)
    with transaction() as tx:
        placed = place_hold_in(tx, wanting(first, second), unit_prices={second.id: Decimal("7")})

    assert placed.booking.total == Decimal("19.50")
    assert [line.unit_price for line in lines_of(placed.booking)] == [
        Decimal("12.50"),
        Decimal("7"),
    ]


def test_an_open_transaction_takes_the_hold_with_it(db: Session) -> None:
    slot = make_slot()

    with pytest.raises(ZeroDivisionError), transaction() as tx:
        _place_and_fail(tx, wanting(slot))

    assert count_of(db, Booking) == count_of(db, BookingSlot) == 0


def _place_and_fail(tx: Session, wanted: HoldRequest) -> None:
    place_hold_in(tx, wanted)
    raise ZeroDivisionError


def _past(**hours: float) -> dict[str, Any]:
    started = datetime.now(UTC) - timedelta(**hours)
    return {"starts_at": started, "ends_at": started + timedelta(hours=24)}


IMPOSSIBLE: list[tuple[type[BookingError], Any]] = [
    (SlotNotFound, lambda: wanting(make_slot(make_resource(retired_at=datetime.now(UTC))))),
    (SlotsRepeated, lambda: wanting(*[make_slot()] * 2)),
    (SlotsOfTwoResources, lambda: wanting(make_slot(), make_slot())),
    (SlotHasStarted, lambda: wanting(make_slot(**_past(hours=1)))),
    (QuantityTooLarge, lambda: wanting(make_slot(), quantity=11)),
    (QuantityTooLarge, lambda: wanting(make_slot(max_quantity=3), quantity=4)),
    (QuantityTooLarge, lambda: wanting(make_slot(max_quantity=30), quantity=11)),
    (TotalTooLarge, lambda: wanting(make_slot(price="9999999999.99"), quantity=2)),
    (TooManyGuests, lambda: wanting(*make_nights(), quantity=2, guests=5)),
    (GuestsNotCounted, lambda: wanting(make_slot(), guests=1)),
    (HoldTooLong, lambda: wanting(make_slot(), hold_minutes=61)),
    (SlotsApart, lambda: wanting(*make_nights()[::2])),
]


@pytest.mark.parametrize(("error", "request_of"), IMPOSSIBLE)
def test_what_can_never_be_is_refused_and_nothing_is_written(
    db: Session, rings: list[UUID], error: type[BookingError], request_of: Any
) -> None:
    wanted = request_of()

    with pytest.raises(error):
        place_hold(wanted)

    assert count_of(db, Booking) == count_of(db, Customer) == 0
    assert not rings


def test_unknown_and_missing_slots_are_not_found(db: Session) -> None:
    slot = make_slot()

    for slot_ids in [(uuid4(),), (slot.id, uuid4()), ()]:
        with pytest.raises(SlotNotFound):
            place_hold(_with(slot_ids))

    assert count_of(db, Booking) == 0


def _with(slot_ids: tuple[UUID, ...]) -> HoldRequest:
    return HoldRequest(slot_ids=slot_ids, quantity=1, customer=Contact())


def test_the_order_in_which_slots_are_named_does_not_matter(db: Session) -> None:
    nights = make_nights()

    booking = place(*reversed(nights))

    assert [slot.id for slot in booking.slots] == [night.id for night in nights]
    assert now(booking).slots == booking.slots


def test_a_night_is_sold_to_the_end_of_its_day(db: Session) -> None:
    night = make_nights(nights=1)[0]
    moment = datetime.now(UTC)
    set_slot(
        night,
        starts_at=moment - timedelta(hours=5),
        sold_until=moment + timedelta(hours=1),
        ends_at=moment + timedelta(hours=12),
    )

    assert place_and_decide(night).status is Status.CONFIRMED


def test_the_venue_s_own_people_may_book_what_has_started_and_any_quantity(db: Session) -> None:
    slot = make_slot(capacity=30, **_past(hours=1))

    booking = place_and_decide(slot, quantity=25, is_bound=False)

    assert booking.status is Status.CONFIRMED
    assert slot.remaining == 5


def test_what_depends_on_the_moment_is_not_refused_here(db: Session) -> None:
    full = make_slot(capacity=0)

    assert place(full).status is Status.PENDING
    assert place(make_slot(is_open=False)).status is Status.PENDING


def test_too_much_waiting_is_refused_before_it_is_written(db: Session) -> None:
    slot = make_slot()
    set_policy(slot.resource, patience_seconds=1)
    slot.resource.decisions_per_second = 1
    db.commit()
    place(slot)

    with pytest.raises(TooBusy):
        place(slot)

    assert count_of(db, Booking) == 1


# Idempotency


def test_the_same_key_and_body_give_the_same_booking(db: Session, rings: list[UUID]) -> None:
    slot = make_slot()
    first = place_hold(wanting(slot, idempotency=KEY))
    decide_pending(slot.resource_id)

    again = place_hold(wanting(slot, idempotency=KEY))

    assert not first.is_replay
    assert again.is_replay
    assert again.booking.id == first.booking.id
    assert again.booking.status is Status.CONFIRMED
    assert count_of(db, Booking) == count_of(db, Customer) == 1
    assert len(rings) == 1


def test_another_body_under_the_same_key_is_refused(db: Session) -> None:
    slot = make_slot()
    place(slot, idempotency=KEY)

    with pytest.raises(IdempotencyKeyReused):
        place(slot, idempotency=Idempotency("my-key", b"another body"))

    assert count_of(db, Booking) == 1


def test_keys_of_two_callers_have_nothing_to_do_with_one_another(db: Session) -> None:
    slot = make_slot()
    scoped = [Idempotency("my-key", b"body", scope) for scope in (None, "user:1", "token:1")]

    ids = {place(slot, idempotency=key).id for key in scoped}
    ids.add(place(make_slot(), idempotency=scoped[0]).id)

    assert len(ids) == 4


def test_the_body_is_not_kept(db: Session) -> None:
    kept = row(place(make_slot(), idempotency=KEY, address="203.0.113.9"))

    assert kept.body_hmac is not None
    assert KEY.body not in kept.body_hmac
    assert b"203.0.113.9" not in (kept.address_hash or b"")


def test_a_withdrawn_hold_frees_its_key(db: Session) -> None:
    slot = make_slot()
    first = place(slot, idempotency=KEY)
    withdraw_hold(booking_id=first.id)

    again = place_hold(wanting(slot, idempotency=Idempotency("my-key", b"another body")))

    assert not again.is_replay
    assert again.booking.id != first.id


@pytest.mark.parametrize("by", [expire_undecided, decide_pending])
def test_a_hold_that_nobody_decided_in_time_frees_its_key(db: Session, by: Any) -> None:
    slot = make_slot()
    first = place(slot, idempotency=KEY)
    run_out(first)
    by(slot.resource_id)

    again = place_hold(wanting(slot, idempotency=KEY))

    assert now(first).reason == "not_decided"
    assert not again.is_replay
    assert again.booking.id != first.id


@pytest.mark.parametrize("status", ["rejected", "held_and_expired"])
def test_what_was_decided_keeps_its_key(db: Session, status: str) -> None:
    slot = make_slot(capacity=0 if status == "rejected" else 1)
    first = place_and_decide(slot, idempotency=KEY, hold_minutes=5)
    if status == "held_and_expired":
        run_out(first)

    again = place_hold(wanting(slot, idempotency=KEY, hold_minutes=5))

    assert again.is_replay
    assert again.booking.status is now(first).status


# Customers


def test_a_person_s_bookings_are_linked_by_the_address(db: Session) -> None:
    slot = make_slot()
    first = place(slot, email="Ann@Example.com", full_name="Ann")
    second = place(slot, email="ann@example.COM", full_name="Somebody else")

    assert first.customer_id == second.customer_id
    known = db.get_one(Customer, first.customer_id)
    assert (known.email, known.full_name) == ("Ann@Example.com", "Ann")
    assert now(second).full_name == "Somebody else"


def test_the_same_person_at_two_venues_is_two_customers(db: Session) -> None:
    slots = [make_slot(make_resource(make_venue(kind=Kind.BOATS))) for _ in range(2)]

    customers = {place(slot, email="ann@example.com").customer_id for slot in slots}

    assert len(customers) == 2


def test_without_an_address_each_booking_has_a_customer_of_its_own(db: Session) -> None:
    slot = make_slot()

    customers = {place(slot, email=None).customer_id for _ in range(2)}

    assert len(customers) == 2


def test_an_overdue_hold_frees_its_key_before_any_sweep(db: Session) -> None:
    slot = make_slot()
    first = place(slot, idempotency=KEY)
    run_out(first)

    again = place(slot, idempotency=KEY)

    assert again.id != first.id
    assert now(first).status == Status.EXPIRED
    assert events_of(first) == ["placed", "expired"]
