"""Short words for what the engine's tests do and ask again and again."""

import os
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from booking.decide import decide_pending
from booking.expiry import expire_held
from booking.holds import Contact, HoldRequest, place_hold
from booking.invariants import check_all
from booking.views import BookingView, read_booking
from models import Booking, BookingEvent, BookingSlot, Notification, Resource, Slot
from models.database import engine
from tests.factories import make_contact, session, set_overdue

# More examples are tried with TEST_EXAMPLES=500 ./holdfast test tests/engine
EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "0"))


def wanting(*slots: Slot, quantity: int = 1, **given: Any) -> HoldRequest:
    """Return a request of somebody new, unless a contact is given."""
    contact = {name: given.pop(name) for name in ("email", "full_name", "phone") if name in given}
    return HoldRequest(
        slot_ids=tuple(slot.id for slot in slots),
        quantity=quantity,
        customer=Contact(**make_contact() | contact),
        **given,
    )


def place(*slots: Slot, quantity: int = 1, **given: Any) -> BookingView:
    """Place a hold and leave it pending."""
    return place_hold(wanting(*slots, quantity=quantity, **given)).booking


def place_and_decide(*slots: Slot, quantity: int = 1, **given: Any) -> BookingView:
    """Place a hold and return it decided."""
    placed = place(*slots, quantity=quantity, **given)
    decide_pending(placed.resource_id)
    return now(placed)


def now(booking: BookingView | Booking) -> BookingView:
    """Return a booking as it is now."""
    return read_booking(booking_id=booking.id)


def row(booking: BookingView | Booking) -> Booking:
    """Return the row of a booking as it is now."""
    session().expire_all()
    return session().get_one(Booking, booking.id)


def left(slot: Slot) -> int:
    """Return what remains of a slot now, whoever changed it."""
    session().refresh(slot)
    return slot.remaining


def events_of(booking: BookingView | Booking) -> list[str]:
    """Return the kinds of a booking's events, oldest first."""
    query = select(BookingEvent.kind).where(BookingEvent.booking_id == booking.id)
    return list(session().scalars(query.order_by(BookingEvent.id)))


def notices_of(booking: BookingView | Booking) -> list[tuple[str, int]]:
    """Return kind and version of the messages that are owed, oldest first."""
    query = select(Notification.kind, Notification.version).where(
        Notification.booking_id == booking.id
    )
    return [(kind, version) for kind, version in session().execute(query.order_by(Notification.id))]


def lines_of(booking: BookingView | Booking) -> list[BookingSlot]:
    """Return all lines of a booking, released or not, oldest first."""
    session().expire_all()
    query = select(BookingSlot).where(BookingSlot.booking_id == booking.id)
    return list(session().scalars(query.order_by(BookingSlot.id)))


def set_policy(resource: Resource, **values: Any) -> None:
    """Change policies of a resource's venue."""
    for name, value in values.items():
        setattr(resource.venue, name, value)
    session().commit()


def set_slot(slot: Slot, **values: Any) -> None:
    """Change a slot behind the engine's back: its times, its price."""
    session().execute(update(Slot).where(Slot.id == slot.id).values(**values))
    session().commit()


def run_out(booking: BookingView | Booking) -> None:
    """Let the deadline of a booking pass, without any sweep."""
    set_overdue(booking.id, seconds=30)


def sweep_held(resource_id: UUID) -> int:
    """Give back what is overdue at a resource."""
    return expire_held(resource_id)


def violations() -> list[str]:
    """Return every breach of the invariants in the committed rows."""
    with engine().connect() as connection:
        return [str(violation) for violation in check_all(connection)]
