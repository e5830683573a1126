"""Working objects with no arguments. A test names only what matters to it.

The rows are written in the session that the fixture `db` (or `committed_db`) has opened. Bookings
come out of the engine itself, so that places, events and numbers are always true.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.actors import Actor, staff
from booking.decide import decide_pending
from booking.expiry import expire_held
from booking.holds import Contact, HoldRequest, place_hold
from booking.lifecycle import cancel_booking, check_in, complete, mark_no_show
from booking.slots import set_open
from models import (
    Booking,
    CancellationReason,
    CountedIn,
    Kind,
    Membership,
    Post,
    Resource,
    Schedule,
    Slot,
    Status,
    User,
    Venue,
)

_numbers = count(1)
_session: Session | None = None


def use_session(session: Session | None) -> None:
    """Write into this session from now on; the fixtures call it."""
    global _session
    _session = session


def session() -> Session:
    """Return the session that the factories write into."""
    if _session is None:
        raise RuntimeError("no session: the test needs the fixture db or committed_db")
    return _session


def make_venue(**given: Any) -> Venue:
    """Make a restaurant in UTC that takes pounds."""
    number = next(_numbers)
    values = {
        "slug": f"venue-{number}",
        "name": f"Venue {number}",
        "kind": Kind.RESTAURANT,
        "time_zone": "UTC",
        "currency": "GBP",
    }
    return _save(Venue(**values | given))


def make_resource(venue: Venue | None = None, **given: Any) -> Resource:
    """Make a resource that is counted in seats; `rooms` get two people a room."""
    venue = venue or make_venue()
    values: dict[str, Any] = {
        "venue_id": venue.id,
        "name": f"Resource {next(_numbers)}",
        "counted_in": CountedIn.SEATS,
        "max_quantity": 10,
        "attributes": {},
    }
    if given.get("counted_in") == CountedIn.ROOMS:
        values["people_per_room"] = 2
    return _save(Resource(**values | given))


def make_slot(resource: Resource | None = None, **given: Any) -> Slot:
    """Make an open slot of two hours with ten places, a week ahead, an hour after the last one."""
    resource = resource or make_resource()
    starts_at = given.pop("starts_at", None) or _some_time_ahead()
    capacity = given.get("capacity", 10)
    values = {
        "resource_id": resource.id,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=2),
        "sold_until": starts_at,
        "local_on": starts_at.date(),
        "capacity": capacity,
        "remaining": capacity,
        "price": Decimal("12.50"),
        "currency": resource.venue.currency,
    }
    return _save(Slot(**values | given))


def make_nights(
    resource: Resource | None = None, *, first: date | None = None, nights: int = 3, **given: Any
) -> list[Slot]:
    """Make the nights of a room type that follow one another, check-in at 15:00, out at 11:00."""
    if resource is None:
        venue = make_venue(kind=Kind.HOTEL)
        resource = make_resource(venue, counted_in=CountedIn.ROOMS)
    first = first or (_now() + timedelta(days=7)).date()
    days = [first + timedelta(days=n) for n in range(nights)]
    return [make_slot(resource, **_night(day) | given) for day in days]


def make_schedule(resource: Resource | None = None, **given: Any) -> Schedule:
    """Make a pattern of one sitting of two hours each day at noon."""
    resource = resource or make_resource()
    values = {
        "resource_id": resource.id,
        "name": "Every day",
        "start_times": [time(12)],
        "duration_minutes": 120,
        "capacity": 10,
        "price": Decimal("12.50"),
    }
    return _save(Schedule(**values | given))


def make_reason(venue: Venue | None = None, **given: Any) -> CancellationReason:
    """Make a cancellation reason of one venue, or of all of them."""
    values = {"venue_id": venue.id if venue else None, "reason": f"Reason {next(_numbers)}"}
    return _save(CancellationReason(**values | given))


def make_user(**given: Any) -> User:
    """Make a person who can sign in, without a password."""
    number = next(_numbers)
    values = {"email": f"person-{number}@example.com", "fs_uniquifier": uuid4().hex}
    return _save(User(**values | given))


def make_owner(venue: Venue | None = None, *, post: Post = Post.OWNER) -> Actor:
    """Make an owner of a venue, as the engine knows one."""
    return staff(make_member(venue, post=post).id)


def make_member(venue: Venue | None = None, *, post: Post = Post.OWNER) -> User:
    """Make a user who belongs to a venue."""
    user = make_user()
    _save(Membership(user_id=user.id, venue_id=(venue or make_venue()).id, post=post))
    return user


def make_booking(
    *slots: Slot, status: Status = Status.CONFIRMED, quantity: int = 2, **given: Any
) -> Booking:
    """Make a booking in any status, by the engine's own verbs."""
    slots = slots or (_slot_for(status),)
    contact = {name: given.pop(name) for name in ("email", "full_name", "phone") if name in given}
    if status in (Status.HELD, Status.EXPIRED):
        given.setdefault("hold_minutes", 15)
    wanted = HoldRequest(
        slot_ids=tuple(slot.id for slot in slots),
        quantity=quantity,
        customer=Contact(**make_contact() | contact),
        **{"is_bound": not any(slot.sold_until <= _now() for slot in slots)} | given,
    )
    booking_id = place_hold(wanted).booking.id
    _bring_to(status, booking_id, slots)
    return session().get_one(Booking, booking_id)


def make_contact() -> dict[str, str]:
    """Return how somebody new is reached."""
    number = next(_numbers)
    return {
        "email": f"guest-{number}@example.com",
        "full_name": f"Guest {number}",
        "phone": "+442079460958",
    }


def _slot_for(status: Status) -> Slot:
    """Nobody is missed before the slot has started."""
    has_started = {"starts_at": _now() - timedelta(minutes=next(_numbers))}
    return make_slot(**has_started if status is Status.NO_SHOW else {})


def _bring_to(status: Status, booking_id: UUID, slots: tuple[Slot, ...]) -> None:
    resource_id = slots[0].resource_id
    match status:
        case Status.PENDING:
            return
        case Status.REJECTED:
            set_open(slot_id=slots[0].id, is_open=False)
            decide_pending(resource_id)
            set_open(slot_id=slots[0].id, is_open=True)
            return
    decide_pending(resource_id)
    match status:
        case Status.EXPIRED:
            set_overdue(booking_id)
            expire_held(resource_id)
        case Status.CANCELLED:
            cancel_booking(booking_id=booking_id, by=_STAFF)
        case Status.CHECKED_IN:
            check_in(booking_id=booking_id, by=_STAFF)
        case Status.COMPLETED:
            check_in(booking_id=booking_id, by=_STAFF)
            complete(booking_id=booking_id, by=_STAFF)
        case Status.NO_SHOW:
            mark_no_show(booking_id=booking_id, by=_STAFF)


def set_overdue(booking_id: UUID, *, seconds: float = 1) -> None:
    """Move the deadline of a booking into the past."""
    past = _now() - timedelta(seconds=seconds)
    session().execute(update(Booking).where(Booking.id == booking_id).values(expires_at=past))
    session().commit()


def _night(day: date) -> dict[str, Any]:
    starts_at = datetime.combine(day, time(15), UTC)
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    return {
        "starts_at": starts_at,
        "ends_at": midnight + timedelta(hours=11),
        "sold_until": midnight,
        "local_on": day,
        "is_night": True,
    }


def _some_time_ahead() -> datetime:
    """A week ahead on the full hour; each call an hour later, so that no two slots clash."""
    in_a_week = (_now() + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    return in_a_week + timedelta(hours=next(_numbers) % 2000)


def _now() -> datetime:
    return datetime.now(UTC)


def _save(row: Any) -> Any:
    session().add(row)
    session().commit()
    return row


_STAFF = Actor("staff", "factory")
