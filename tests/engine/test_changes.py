"""A change takes the new and frees the old as one step, or changes nothing and says why."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER, Actor
from booking.changes import Change, change_booking, change_booking_in
from booking.errors import (
    BookingError,
    BookingNotFound,
    CannotTake,
    GuestsNotCounted,
    NotChangeable,
    NothingToChange,
    QuantityTooLarge,
    SlotHasStarted,
    SlotNotFound,
    SlotsApart,
    SlotsOfTwoResources,
    SlotsRepeated,
    TooManyGuests,
    TotalTooLarge,
)
from booking.lifecycle import cancel_booking
from booking.slots import set_open
from booking.transactions import transaction
from booking.views import BookingView
from models import Booking, CountedIn, Slot, Status
from tests.engine.books import (
    events_of,
    lines_of,
    notices_of,
    now,
    place,
    place_and_decide,
    row,
    run_out,
    set_policy,
    set_slot,
)
from tests.factories import make_booking, make_nights, make_resource, make_slot

STAFF = Actor("staff", "somebody")


def change(booking: Booking | BookingView, *, by: Actor = CUSTOMER, **what: Any) -> None:
    if slots := what.pop("slots", None):
        what["slot_ids"] = tuple(slot.id for slot in slots)
    change_booking(booking_id=booking.id, change=Change(**what), by=by)


def left(*slots: Slot) -> list[int]:
    return [slot.remaining for slot in slots]


def two_slots(**given: Any) -> tuple[Slot, Slot]:
    resource = make_resource(**given)
    return make_slot(resource, capacity=5), make_slot(resource, capacity=5)


def test_moving_frees_the_old_and_takes_the_new(db: Session) -> None:
    old, new = two_slots()
    booking = make_booking(old, quantity=2)

    change(booking, slots=[new])

    assert left(old, new) == [5, 3]
    assert [slot.id for slot in now(booking).slots] == [new.id]
    assert events_of(booking) == ["placed", "confirmed", "changed"]
    assert row(booking).events[-1].details == {
        "slots_from": [str(old.id)],
        "slots_to": [str(new.id)],
    }


@pytest.mark.parametrize(("quantity", "remaining"), [(5, 0), (1, 4), (2, 3)])
def test_another_quantity_takes_or_gives_the_difference(
    db: Session, quantity: int, remaining: int
) -> None:
    slot = make_slot(capacity=5)
    booking = make_booking(slot, quantity=2)

    change(booking, quantity=quantity)

    assert slot.remaining == remaining
    assert now(booking).quantity == quantity


def test_a_larger_quantity_counts_what_is_had_already(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = make_booking(slot, quantity=3)

    change(booking, quantity=5)

    assert slot.remaining == 0


def test_a_stay_can_move_over_itself(db: Session) -> None:
    nights = make_nights(nights=4, capacity=1)
    booking = make_booking(*nights[:3], quantity=1)

    change(booking, slots=nights[1:])

    assert left(*nights) == [1, 0, 0, 0]
    assert [slot.id for slot in now(booking).slots] == [night.id for night in nights[1:]]


def test_a_stay_can_be_shortened_and_made_longer(db: Session) -> None:
    nights = make_nights(nights=3, capacity=1)
    booking = make_booking(*nights[:2], quantity=1)

    change(booking, slots=nights[:1])
    change(booking, slots=nights)

    assert left(*nights) == [0, 0, 0]
    assert row(booking).revision == 3


def test_slots_and_quantity_change_together(db: Session) -> None:
    old, new = two_slots()
    booking = make_booking(old, quantity=2)

    change(booking, slots=[new], quantity=4, special_requests="a cake")

    assert left(old, new) == [5, 1]
    assert (now(booking).quantity, now(booking).special_requests) == (4, "a cake")
    assert events_of(booking) == ["placed", "confirmed", "changed"]


@pytest.mark.parametrize("what", [{"quantity": 4}, {"quantity": 3}])
def test_parties_take_one_place_whatever_their_number(db: Session, what: Any) -> None:
    slot = make_slot(make_resource(counted_in=CountedIn.PARTIES), capacity=1)
    booking = make_booking(slot, quantity=2)

    change(booking, **what)

    assert slot.remaining == 0
    assert now(booking).quantity == what["quantity"]


def test_a_held_booking_keeps_its_deadline(db: Session) -> None:
    old, new = two_slots()
    booking = make_booking(old, status=Status.HELD)
    deadline = booking.expires_at

    change(booking, slots=[new])

    assert (row(booking).status, row(booking).expires_at) == (Status.HELD, deadline)


# Prices


def test_a_change_prices_only_what_it_adds(db: Session) -> None:
    slot = make_slot(capacity=9, price=Decimal("10"))
    booking = make_booking(slot, quantity=2)
    set_slot(slot, price=Decimal("15"))

    change(booking, quantity=3)

    assert now(booking).total == Decimal("35")
    assert [(line.units, line.unit_price) for line in lines_of(booking)] == [
        (2, Decimal("10")),
        (1, Decimal("15")),
    ]
    assert now(booking).slots[0].price == Decimal("10")


def test_what_was_added_last_is_given_back_first(db: Session) -> None:
    slot = make_slot(capacity=9, price=Decimal("10"))
    booking = make_booking(slot, quantity=3)
    set_slot(slot, price=Decimal("15"))
    change(booking, quantity=5)

    change(booking, quantity=4)
    assert now(booking).total == Decimal("45")
    change(booking, quantity=2)

    assert now(booking).total == Decimal("20")
    assert slot.remaining == 7


def test_a_new_night_costs_today_s_price_and_a_kept_one_its_old(db: Session) -> None:
    nights = make_nights(nights=3)
    booking = make_booking(*nights[:2], quantity=1)
    for night in nights:
        set_slot(night, price=Decimal("99"))

    change(booking, slots=nights[1:])

    assert now(booking).total == Decimal("12.50") + Decimal("99")


# Whole or not at all


def state(booking: Booking | BookingView) -> Any:
    lines = [(line.slot_id, line.units, line.released_at) for line in lines_of(booking)]
    return now(booking), lines, events_of(booking), notices_of(booking)


def test_what_does_not_fit_changes_nothing(db: Session) -> None:
    nights = make_nights(nights=4, capacity=2)
    booking = make_booking(*nights[:2], quantity=1)
    make_booking(nights[3], quantity=2)
    before = state(booking)

    with pytest.raises(CannotTake) as refused:
        change(booking, slots=nights[2:], quantity=2, special_requests="more pillows")

    assert (refused.value.reason, refused.value.remaining) == ("full", 0)
    assert refused.value.slot_id == nights[3].id
    assert state(booking) == before
    assert left(*nights) == [1, 1, 2, 0]


@pytest.mark.parametrize("reason", ["full", "closed", "notice", "horizon", "too_late"])
def test_the_rule_decides_about_new_places(db: Session, reason: str) -> None:
    old, new = two_slots()
    booking = make_booking(old, quantity=2)
    soon = datetime.now(UTC) + timedelta(minutes=30)
    match reason:
        case "full":
            make_booking(new, quantity=4)
        case "closed":
            set_open(slot_id=new.id, is_open=False)
        case "notice":
            set_policy(old.resource, notice_minutes=60)
            set_slot(new, starts_at=soon, sold_until=soon)
        case "too_late":
            set_policy(old.resource, cutoff_minutes=60)
            set_slot(new, starts_at=soon, sold_until=soon)
        case "horizon":
            set_policy(old.resource, horizon_days=1)
    before = state(booking)

    with pytest.raises(CannotTake) as refused:
        change(booking, slots=[new])

    assert refused.value.reason == ("closed" if reason == "too_late" else reason)
    assert state(booking) == before


def test_fewer_places_need_nobody_s_leave(db: Session) -> None:
    slot = make_slot(capacity=3)
    booking = make_booking(slot, quantity=3)
    set_open(slot_id=slot.id, is_open=False)

    change(booking, quantity=1)

    assert slot.remaining == 2


def test_staff_go_past_the_policies_but_not_past_the_places(db: Session) -> None:
    old, new = two_slots()
    set_policy(old.resource, notice_minutes=60, cancel_cutoff_minutes=60 * 24 * 30)
    soon = datetime.now(UTC) + timedelta(minutes=30)
    set_slot(new, starts_at=soon, sold_until=soon)
    booking = make_booking(old, quantity=2)

    change(booking, by=STAFF, slots=[new])
    with pytest.raises(CannotTake):
        change(booking, by=STAFF, quantity=20)

    assert left(old, new) == [5, 3]


IMPOSSIBLE: list[tuple[type[BookingError], Any]] = [
    (NothingToChange, lambda old: {}),
    (SlotsRepeated, lambda old: {"slots": [old, old]}),
    (SlotsOfTwoResources, lambda old: {"slots": [make_slot()]}),
    (SlotsOfTwoResources, lambda old: {"slots": [old, make_slot()]}),
    (SlotNotFound, lambda old: {"slot_ids": (uuid4(),)}),
    (QuantityTooLarge, lambda old: {"quantity": 11}),
    (TotalTooLarge, lambda old: {"slots": [old, make_slot(old.resource, price="9999999999.99")]}),
    (GuestsNotCounted, lambda old: {"guests": 2}),
    (SlotHasStarted, lambda old: {"slots": [_started(old)]}),
]


def _started(old: Slot) -> Slot:
    return make_slot(old.resource, starts_at=datetime.now(UTC) - timedelta(hours=1))


@pytest.mark.parametrize(("error", "what"), IMPOSSIBLE)
def test_what_can_never_be_is_refused(db: Session, error: type[BookingError], what: Any) -> None:
    booking = make_booking(make_slot(capacity=20))
    before = state(booking)

    with pytest.raises(error):
        change(booking, **what(booking.lines[0].slot))

    assert state(booking) == before


def test_a_stay_stays_in_one_piece_and_its_guests_fit(db: Session) -> None:
    nights = make_nights(nights=4, capacity=5)
    booking = make_booking(*nights[:3], quantity=2, guests=4)

    with pytest.raises(SlotsApart):
        change(booking, slots=[nights[0], nights[2]])
    with pytest.raises(TooManyGuests):
        change(booking, quantity=1)
    with pytest.raises(TooManyGuests):
        change(booking, guests=5)
    change(booking, quantity=1, guests=2)

    assert left(*nights) == [4, 4, 4, 5]


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.PENDING, Status.HELD, Status.CONFIRMED})
)
@pytest.mark.parametrize("what", [{"quantity": 1}, {"special_requests": "quiet"}])
def test_only_what_has_its_places_can_be_changed(db: Session, status: Status, what: Any) -> None:
    booking = make_booking(status=status)
    before = state(booking)

    with pytest.raises(NotChangeable):
        change(booking, by=STAFF, **what)

    assert state(booking) == before


def test_an_overdue_hold_cannot_be_changed(db: Session) -> None:
    booking = make_booking(status=Status.HELD)
    run_out(booking)

    with pytest.raises(NotChangeable):
        change(booking, quantity=1)


def test_customers_keep_the_cutoff(db: Session) -> None:
    slot = make_slot(starts_at=datetime.now(UTC) + timedelta(minutes=60))
    booking = make_booking(slot)
    set_policy(slot.resource, cancel_cutoff_minutes=90)

    for what in ({"quantity": 1}, {"special_requests": "quiet"}):
        with pytest.raises(NotChangeable):
            change(booking, **what)
    change(booking, by=STAFF, quantity=1)

    assert slot.remaining == 9


def test_an_unknown_booking_is_not_found(db: Session) -> None:
    for what in ({"quantity": 1}, {"special_requests": "quiet"}):
        with pytest.raises(BookingNotFound):
            change_booking(booking_id=uuid4(), change=Change(**what))


def test_equal_values_change_nothing(db: Session) -> None:
    slot = make_slot()
    booking = make_booking(slot, quantity=2, special_requests="quiet")
    before = state(booking)

    change(booking, slots=[slot], quantity=2, special_requests="quiet")

    assert state(booking) == before


def test_equal_values_may_be_sent_when_they_could_not_be_booked_any_more(db: Session) -> None:
    """A client that sends everything back with new words must not fall over the rest."""
    slot = make_slot(capacity=20)
    booking = make_booking(slot, quantity=9)
    set_slot(slot, max_quantity=4)
    set_open(slot_id=slot.id, is_open=False)

    change(booking, slots=[slot], quantity=9, special_requests="quiet")

    assert now(booking).special_requests == "quiet"


def test_the_same_change_twice_changes_once(db: Session) -> None:
    old, new = two_slots()
    booking = make_booking(old, quantity=2)
    change(booking, slots=[new], quantity=3)
    before = state(booking)

    change(booking, slots=[new], quantity=3)

    assert state(booking) == before


# Nobody jumps the queue


@pytest.mark.parametrize("what", ["slots", "quantity"])
def test_earlier_holds_are_decided_before_a_change(db: Session, what: str) -> None:
    old, new = two_slots()
    wanted = {"slots": [new]} if what == "slots" else {"quantity": 3}
    slot = new if what == "slots" else old
    booking = make_booking(old, quantity=2)
    first = place(slot, quantity=slot.remaining)

    with pytest.raises(CannotTake) as refused:
        change(booking, **wanted)

    assert refused.value.reason == "full"
    assert now(first).status is Status.CONFIRMED
    assert slot.remaining == 0


def test_a_pending_hold_is_decided_before_its_own_change(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = place(slot, quantity=2)

    change(booking, quantity=3)

    assert (now(booking).status, slot.remaining) == (Status.CONFIRMED, 2)


def test_words_alone_wait_for_nobody(db: Session) -> None:
    slot = make_slot()
    booking = make_booking(slot)
    waits = place(slot)

    change(booking, special_requests="quiet")

    assert now(waits).status is Status.PENDING


def test_an_open_transaction_takes_the_change_with_it(db: Session) -> None:
    slot = make_slot(capacity=5)
    booking = make_booking(slot, quantity=2)

    with pytest.raises(ZeroDivisionError), transaction() as tx:
        _change_and_fail(tx, booking)

    assert slot.remaining == 3


def _change_and_fail(tx: Session, booking: Booking) -> None:
    change_booking_in(tx, booking_id=booking.id, change=Change(quantity=4), by=STAFF)
    raise ZeroDivisionError


def test_a_changed_booking_can_be_cancelled_whole(db: Session) -> None:
    nights = make_nights(nights=3, capacity=4)
    booking = make_booking(*nights[:2], quantity=1)
    change(booking, slots=nights[1:], quantity=3)
    change(booking, quantity=2)

    cancel_booking(booking_id=booking.id)

    assert left(*nights) == [4, 4, 4]


def test_each_change_owes_a_message_of_its_own(db: Session) -> None:
    booking = place_and_decide(make_slot())
    change(booking, special_requests="one")
    change(booking, special_requests="two")

    assert notices_of(booking) == [("confirmed", 1), ("changed", 2), ("changed", 3)]
