"""The engine against a tiny independent model of the books, over any sequence of its verbs.

The model keeps plain numbers: places by slot, and for each booking its status and what it has. It
shares no code with the engine. After every step both must say the same, and at the end the
invariants hold in the database.
"""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from booking import changes, lifecycle
from booking.actors import Actor
from booking.arrival_log import read_log
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.errors import BookingError, CannotTake, CapacityBelowTaken
from booking.expiry import expire_held, expire_undecided
from booking.lifecycle import (
    cancel_booking,
    check_in,
    complete,
    confirm_hold,
    extend_hold,
    withdraw_hold,
)
from booking.replaying import replay
from booking.slots import change_capacity, set_open
from models import Booking, Slot
from tests.engine.books import EXAMPLES, place, run_out, violations
from tests.factories import make_nights, session

STAFF = Actor("staff", "model")
NIGHTS = 4
OPEN_STATES = ("pending", "held")


@dataclass
class Kept:
    """A booking as the model knows it. `units` is what it has, by night."""

    nights: list[int]
    quantity: int
    is_two_step: bool
    status: str = "pending"
    is_late: bool = False
    units: dict[int, int] = field(default_factory=dict)


class Books:
    """The model: plain numbers, decided one by one in the order of arrival."""

    def __init__(self, capacities: list[int]) -> None:
        self.capacity = capacities
        self.is_open = [True] * len(capacities)
        self.kept: dict[UUID, Kept] = {}

    def left(self, night: int) -> int:
        return self.capacity[night] - sum(kept.units.get(night, 0) for kept in self.kept.values())

    def fits(self, needed: dict[int, int]) -> bool:
        return all(
            self.is_open[night] and self.left(night) >= units for night, units in needed.items()
        )

    def decide(self) -> None:
        waiting = [kept for kept in self.kept.values() if kept.status == "pending"]
        if not waiting:
            return
        self.give_back_late()
        for kept in waiting:
            needed = dict.fromkeys(kept.nights, kept.quantity)
            if kept.is_late:
                kept.status = "expired"
            elif self.fits(needed):
                kept.units = needed
                kept.status = "held" if kept.is_two_step else "confirmed"
            else:
                kept.status = "rejected"

    def give_back_late(self) -> None:
        for kept in self.kept.values():
            if kept.status == "held" and kept.is_late:
                kept.status, kept.units = "expired", {}

    def let_go_late(self) -> None:
        for kept in self.kept.values():
            if kept.status == "pending" and kept.is_late:
                kept.status = "expired"

    def change(self, kept: Kept, nights: list[int], quantity: int) -> bool:
        """Change whole or not at all; the queue was decided before."""
        more = {
            night: quantity - kept.units.get(night, 0)
            for night in nights
            if quantity > kept.units.get(night, 0)
        }
        if not self.fits(more):
            return False
        kept.nights, kept.quantity = nights, quantity
        kept.units = dict.fromkeys(nights, quantity)
        return True


stays = st.tuples(st.integers(0, NIGHTS - 1), st.integers(1, 3)).map(
    lambda stay: list(range(stay[0], min(NIGHTS, stay[0] + stay[1])))
)
nights = st.integers(0, NIGHTS - 1)
quantities = st.sampled_from([1, 1, 2, 3])


class EngineAgainstModel(RuleBasedStateMachine):
    """Every verb, in any order, on the nights of one room type."""

    bookings = Bundle("bookings")

    @initialize(
        capacities=st.lists(st.sampled_from([6, 4, 2, 1]), min_size=NIGHTS, max_size=NIGHTS)
    )
    def open_the_books(self, capacities: list[int]) -> None:
        self.books = Books(capacities)
        self.slots = make_nights(nights=NIGHTS)
        for slot, capacity in zip(self.slots, capacities, strict=True):
            change_capacity(slot_id=slot.id, capacity=capacity)
        self.slot_ids = [slot.id for slot in self.slots]
        self.resource_id = self.slots[0].resource_id

    # Verbs that always do something

    @rule(
        target=bookings, stay=stays, quantity=quantities, minutes=st.sampled_from([None, None, 15])
    )
    def place(self, stay: list[int], quantity: int, minutes: int | None) -> UUID:
        placed = place(
            *(self.slots[night] for night in stay), quantity=quantity, hold_minutes=minutes
        )
        self.books.kept[placed.id] = Kept(stay, quantity, minutes is not None)
        return placed.id

    @rule(target=bookings, stay=stays, quantities=st.lists(quantities, min_size=2, max_size=4))
    def place_many(self, stay: list[int], quantities: list[int]) -> object:
        return multiple(*(self.place(stay, quantity, None) for quantity in quantities))

    @rule(target=bookings, stay=stays, quantity=quantities)
    def book(self, stay: list[int], quantity: int) -> UUID:
        booking = self.place(stay, quantity, None)
        self.decide()
        return booking

    @rule(target=bookings, stay=stays, quantity=quantities)
    def hold(self, stay: list[int], quantity: int) -> UUID:
        booking = self.place(stay, quantity, 15)
        self.decide()
        return booking

    @rule()
    def decide(self) -> None:
        decide_pending(self.resource_id)
        self.books.decide()

    @rule()
    def sweep(self) -> None:
        expire_undecided(self.resource_id)
        expire_held(self.resource_id)
        self.books.let_go_late()
        self.books.give_back_late()

    @rule(night=nights, is_open=st.sampled_from([True, True, True, False]))
    def open_or_close(self, night: int, is_open: bool) -> None:
        set_open(slot_id=self.slots[night].id, is_open=is_open)
        self.books.is_open[night] = is_open

    @rule(night=nights, capacity=st.sampled_from([6, 8, 3, 1, 0]))
    def set_capacity(self, night: int, capacity: int) -> None:
        taken = self.books.capacity[night] - self.books.left(night)
        if capacity < taken:
            with pytest.raises(CapacityBelowTaken) as refused:
                change_capacity(slot_id=self.slots[night].id, capacity=capacity)
            assert refused.value.taken == taken
        else:
            change_capacity(slot_id=self.slots[night].id, capacity=capacity)
            self.books.capacity[night] = capacity

    # Verbs that the state of the booking allows or forbids

    @rule(booking=bookings)
    def confirm(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        if kept.status == "confirmed" or (kept.status == "held" and not kept.is_late):
            confirm_hold(booking_id=booking)
            kept.status = "confirmed"
        else:
            with pytest.raises(BookingError):
                confirm_hold(booking_id=booking)

    @rule(booking=bookings)
    def extend(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        if kept.status == "held" and not kept.is_late:
            extend_hold(booking_id=booking, minutes=20)
        else:
            with pytest.raises(BookingError):
                extend_hold(booking_id=booking, minutes=20)

    @rule(booking=bookings)
    def cancel(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        is_open = kept.status in OPEN_STATES and not kept.is_late
        if is_open or kept.status in ("confirmed", "cancelled"):
            cancel_booking(booking_id=booking, by=STAFF)
            kept.status, kept.units = "cancelled", {}
        else:
            with pytest.raises(BookingError):
                cancel_booking(booking_id=booking, by=STAFF)

    @rule(booking=bookings)
    def withdraw(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        if kept.status == "pending":
            kept.status = "expired"
        assert withdraw_hold(booking_id=booking) == kept.status

    @rule(booking=bookings)
    def check_in(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        if kept.status in ("confirmed", "checked_in"):
            check_in(booking_id=booking, by=STAFF)
            kept.status = "checked_in"
        else:
            with pytest.raises(BookingError):
                check_in(booking_id=booking, by=STAFF)

    @rule(booking=bookings)
    def complete(self, booking: UUID) -> None:
        kept = self.books.kept[booking]
        if kept.status in ("checked_in", "completed"):
            complete(booking_id=booking, by=STAFF)
            kept.status = "completed"
        else:
            with pytest.raises(BookingError):
                complete(booking_id=booking, by=STAFF)

    @rule(booking=bookings, stay=stays, quantity=quantities)
    def change(self, booking: UUID, stay: list[int], quantity: int) -> None:
        wanted = Change(slot_ids=tuple(self.slots[night].id for night in stay), quantity=quantity)
        kept = self.books.kept[booking]
        self.books.decide()
        if kept.status not in ("held", "confirmed") or kept.is_late:
            with pytest.raises(BookingError):
                change_booking(booking_id=booking, change=wanted, by=STAFF)
        elif self.books.change(kept, stay, quantity):
            change_booking(booking_id=booking, change=wanted, by=STAFF)
        else:
            with pytest.raises(CannotTake):
                change_booking(booking_id=booking, change=wanted, by=STAFF)

    # Verbs for one of those that are still alive, so that they are tried often

    def one_of(self, pick: int, *statuses: str) -> UUID | None:
        alive = [id_ for id_, kept in self.books.kept.items() if kept.status in statuses]
        return alive[pick % len(alive)] if alive else None

    @rule(pick=st.integers(0, 20), stay=stays, quantity=quantities)
    def change_one(self, pick: int, stay: list[int], quantity: int) -> None:
        if booking := self.one_of(pick, "held", "confirmed"):
            self.change(booking, stay, quantity)

    @rule(pick=st.integers(0, 20))
    def cancel_one(self, pick: int) -> None:
        if booking := self.one_of(pick, "pending", "held", "confirmed"):
            self.cancel(booking)

    @rule(pick=st.integers(0, 20))
    def let_a_deadline_pass(self, pick: int) -> None:
        if booking := self.one_of(pick, *OPEN_STATES):
            run_out(session().get_one(Booking, booking))
            self.books.kept[booking].is_late = True

    # What both must say the same

    @invariant()
    def places_are_the_same(self) -> None:
        if not hasattr(self, "books"):
            return
        rows = session().execute(select(Slot.id, Slot.remaining, Slot.capacity)).all()
        session().rollback()
        seen = {row.id: (row.remaining, row.capacity) for row in rows}
        told = [(self.books.left(night), self.books.capacity[night]) for night in range(NIGHTS)]
        assert [seen[slot_id] for slot_id in self.slot_ids] == told

    @invariant()
    def statuses_are_the_same(self) -> None:
        if not hasattr(self, "books"):
            return
        rows = session().execute(select(Booking.id, Booking.status, Booking.quantity)).all()
        session().rollback()
        seen = {row.id: (row.status, row.quantity) for row in rows}
        for booking, kept in self.books.kept.items():
            assert seen[booking] == (kept.status, kept.quantity)

    def teardown(self) -> None:
        if hasattr(self, "books"):
            self.sweep()
            assert violations() == []
            session().expire_all()
            assert replay(read_log(session(), self.resource_id)).differences == ()
            session().rollback()


def test_the_engine_keeps_the_books_of_the_model(committed_db: Session) -> None:
    run_state_machine_as_test(
        EngineAgainstModel,
        settings=settings(
            max_examples=EXAMPLES or 20,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("fault", ["places are not given back", "a change moves no places"])
def test_the_model_notices_a_fault(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The twin: with a fault in the engine the comparison above fails."""
    if fault == "places are not given back":
        monkeypatch.setattr(lifecycle, "give_back", lambda *args, **kwargs: None)
    else:
        monkeypatch.setattr(changes, "take", lambda *args, **kwargs: None)

    with pytest.raises((AssertionError, StatementError)):
        run_state_machine_as_test(
            EngineAgainstModel,
            settings=settings(
                max_examples=EXAMPLES or 30,
                stateful_step_count=30,
                deadline=None,
                phases=[Phase.generate],
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
