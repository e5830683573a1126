"""The questions whose answers are numbers: nobody's name is in them."""

from typing import Any

from sqlalchemy import (
    Case,
    ColumnElement,
    Numeric,
    Select,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from models import (
    OCCUPYING,
    Booking,
    BookingSlot,
    Notification,
    NotificationState,
    Resource,
    Slot,
    Status,
)
from reports.tables import Asked

_EARNING = (Status.CONFIRMED, Status.CHECKED_IN, Status.COMPLETED, Status.NO_SHOW)
PEOPLE = func.coalesce(Booking.guests, Booking.quantity)
_LEADS = (
    (2, "0 under 2 hours"),
    (24, "1 under a day"),
    (72, "2 1 to 3 days"),
    (168, "3 3 to 7 days"),
    (672, "4 1 to 4 weeks"),
)


def occupancy(asked: Asked) -> Select[*tuple[Any, ...]]:
    """How full each day was, by resource: places, bookings and people."""
    lines = (
        select(BookingSlot.slot_id, BookingSlot.booking_id)
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(BookingSlot.released_at.is_(None), *slots_of(asked))
        # A booking that was enlarged has two lines in a slot.
        .distinct()
        .subquery()
    )
    seated = (
        select(
            lines.c.slot_id,
            func.count().label("bookings"),
            func.sum(PEOPLE).label("people"),
        )
        .join(Booking, Booking.id == lines.c.booking_id)
        .where(Booking.status.in_(OCCUPYING))
        .group_by(lines.c.slot_id)
        .subquery()
    )
    taken = func.sum(Slot.capacity - Slot.remaining)
    return (
        select(
            Slot.local_on.label("day"),
            Resource.name.label("resource"),
            func.count(Slot.id).label("slots"),
            func.sum(Slot.capacity).label("capacity"),
            taken.label("taken"),
            _percent(taken, func.sum(Slot.capacity)).label("percent"),
            func.coalesce(func.sum(seated.c.bookings), 0).label("bookings"),
            func.coalesce(func.sum(seated.c.people), 0).label("people"),
        )
        .join(Resource, Resource.id == Slot.resource_id)
        .outerjoin(seated, seated.c.slot_id == Slot.id)
        .where(*slots_of(asked))
        .group_by(Slot.local_on, Resource.id)
        .order_by(Slot.local_on, Resource.position, Resource.name)
    )


def revenue(asked: Asked) -> Select[*tuple[Any, ...]]:
    """What was sold for each day, at the prices at which it was sold, by resource and currency."""
    return (
        select(
            Slot.local_on.label("day"),
            Resource.name.label("resource"),
            BookingSlot.currency.label("currency"),
            func.count(Booking.id.distinct()).label("bookings"),
            func.sum(BookingSlot.units).label("units"),
            func.sum(BookingSlot.units * BookingSlot.unit_price).label("revenue"),
        )
        .select_from(BookingSlot)
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .join(Booking, Booking.id == BookingSlot.booking_id)
        .where(
            BookingSlot.released_at.is_(None),
            Booking.status.in_(_EARNING),
            *slots_of(asked),
        )
        .group_by(Slot.local_on, Resource.id, BookingSlot.currency)
        .order_by(Slot.local_on, Resource.position, Resource.name)
    )


def sources(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Through what channel bookings came, and how long before their day."""
    starts = (
        select(func.min(Slot.starts_at))
        .join(BookingSlot, BookingSlot.slot_id == Slot.id)
        .where(BookingSlot.booking_id == Booking.id)
        .scalar_subquery()
    )
    placed = (
        select(
            Booking.channel,
            _lead(extract("epoch", starts - Booking.created_at) / 3600).label("lead"),
            PEOPLE.label("people"),
            Booking.confirmed_at.is_not(None).label("is_won"),
        )
        .where(*placed_at(asked))
        .subquery()
    )
    return (
        select(
            placed.c.channel.label("channel"),
            func.substr(placed.c.lead, 3).label("lead"),
            func.count().label("requests"),
            func.count().filter(placed.c.is_won).label("bookings"),
            func.coalesce(func.sum(placed.c.people).filter(placed.c.is_won), 0).label("people"),
        )
        .group_by(placed.c.channel, placed.c.lead)
        .order_by(placed.c.lead, placed.c.channel)
    )


def cancellations(asked: Asked) -> Select[*tuple[Any, ...]]:
    """How many of those who had their places cancelled, or did not come, by day and resource."""
    first = _first_slots(asked)
    had = func.count()
    cancelled = had.filter(Booking.status == Status.CANCELLED)
    late = had.filter(
        Booking.status == Status.CANCELLED,
        extract("epoch", first.c.starts_at - Booking.cancelled_at) < 86_400,
    )
    missed = had.filter(Booking.status == Status.NO_SHOW)
    return (
        select(
            first.c.local_on.label("day"),
            Resource.name.label("resource"),
            had.label("bookings"),
            cancelled.label("cancelled"),
            late.label("late"),
            missed.label("no_shows"),
            _percent(cancelled, had).label("cancelled_percent"),
            _percent(missed, had).label("no_show_percent"),
        )
        .join(first, first.c.booking_id == Booking.id)
        .join(Resource, Resource.id == Booking.resource_id)
        .where(Booking.confirmed_at.is_not(None))
        .group_by(first.c.local_on, Resource.id)
        .order_by(first.c.local_on, Resource.position, Resource.name)
    )


def refusals(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Which slots were asked for in vain, how often and why; the most contested come first."""
    refused = func.count(Booking.id.distinct())
    return (
        select(
            Slot.local_on.label("day"),
            local(Slot.starts_at, asked, "HH24:MI").label("time"),
            Resource.name.label("resource"),
            func.replace(Booking.reason, "_", " ").label("reason"),
            refused.label("refused"),
            func.sum(PEOPLE).label("people"),
            Slot.capacity.label("capacity"),
            Slot.remaining.label("remaining"),
        )
        .select_from(Booking)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(
            or_(
                Booking.status == Status.REJECTED,
                and_(Booking.status == Status.EXPIRED, Booking.decided_at.is_(None)),
            ),
            *slots_of(asked),
        )
        .group_by(Slot.id, Resource.id, Booking.reason)
        .order_by(refused.desc(), Slot.starts_at, Resource.name, Booking.reason)
    )


def success(asked: Asked) -> Select[*tuple[Any, ...]]:
    """What became of the requests of each day, and how long a decision took."""
    day = func.date(func.timezone(asked.time_zone, Booking.created_at))
    asked_for = func.count()
    won = asked_for.filter(or_(Booking.confirmed_at.is_not(None), Booking.status == Status.HELD))
    seconds = extract("epoch", Booking.decided_at - Booking.created_at)
    return (
        select(
            day.label("day"),
            asked_for.label("requests"),
            won.label("won"),
            asked_for.filter(Booking.status == Status.REJECTED).label("rejected"),
            asked_for.filter(Booking.status == Status.EXPIRED).label("expired"),
            asked_for.filter(
                Booking.status == Status.CANCELLED, Booking.confirmed_at.is_(None)
            ).label("withdrawn"),
            asked_for.filter(Booking.status == Status.PENDING).label("waiting"),
            _percent(won, asked_for).label("percent"),
            func.round(
                cast(func.percentile_cont(0.5).within_group(seconds.asc()), Numeric), 2
            ).label("median_seconds"),
        )
        .where(*placed_at(asked))
        .group_by(day)
        .order_by(day)
    )


def mail(asked: Asked) -> Select[*tuple[Any, ...]]:
    """What became of the messages that were owed each day, by kind."""
    day = func.date(func.timezone(asked.time_zone, Notification.created_at))
    owed = func.count()
    seconds = extract("epoch", Notification.sent_at - Notification.created_at)
    return (
        select(
            day.label("day"),
            func.replace(Notification.kind, "_", " ").label("kind"),
            owed.label("owed"),
            *(
                owed.filter(Notification.state == state).label(state.value)
                for state in NotificationState
            ),
            func.round(
                cast(func.percentile_cont(0.5).within_group(seconds.asc()), Numeric), 1
            ).label("median_seconds"),
        )
        .where(
            Notification.venue_id == asked.venue_id,
            Notification.created_at >= asked.begins_at,
            Notification.created_at < asked.ends_at,
        )
        .group_by(day, Notification.kind)
        .order_by(day, Notification.kind)
    )


def local(at: Any, asked: Asked, form: str) -> ColumnElement[str]:
    """Write an instant as the venue's clock shows it."""
    return func.to_char(func.timezone(asked.time_zone, at), form)


def slots_of(asked: Asked) -> list[ColumnElement[bool]]:
    """Keep a query with Slot and Resource in it to the venue and the days."""
    return [
        Resource.venue_id == asked.venue_id,
        Slot.local_on.between(asked.first_on, asked.last_on),
        Resource.id == asked.resource_id if asked.resource_id else true(),
    ]


def placed_at(asked: Asked) -> list[ColumnElement[bool]]:
    """Keep a query with Booking in it to what was placed at the venue on the days."""
    return [
        Booking.venue_id == asked.venue_id,
        Booking.created_at >= asked.begins_at,
        Booking.created_at < asked.ends_at,
        Booking.resource_id == asked.resource_id if asked.resource_id else true(),
    ]


def _first_slots(asked: Asked) -> Any:
    """The first slot of each booking that has one in these days; a stay counts once."""
    return (
        select(BookingSlot.booking_id, Slot.local_on, Slot.starts_at)
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(*slots_of(asked))
        .ext(distinct_on(BookingSlot.booking_id))
        .order_by(BookingSlot.booking_id, Slot.starts_at)
        .subquery()
    )


def _percent(part: Any, whole: Any) -> ColumnElement[Any]:
    return func.round(100.0 * part / func.nullif(cast(whole, Numeric), 0), 1)


def _lead(hours: Any) -> Case[str]:
    """Name a lead time; the digit before each keeps them in order."""
    return case(*((hours < most, literal(name)) for most, name in _LEADS), else_="5 over 4 weeks")
