"""The promises of the engine as questions to the database; every row that comes back is a breach.

Each question is one statement that reads in sets and is fetched in portions, so memory stays
bounded however large the database is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    not_,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from booking.rule import Reason
from booking.states import MOVES
from models import (
    OCCUPYING,
    Base,
    Booking,
    BookingEvent,
    BookingSlot,
    CancellationReason,
    CountedIn,
    Customer,
    EventKind,
    Notice,
    Notification,
    Resource,
    Slot,
    Status,
)

_PORTION = 500
_GRACE = timedelta(seconds=60)

Question = Select[Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach: which promise, what is wrong, and the id of the row it was seen on."""

    invariant: int
    name: str
    subject: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.name}: {self.subject}"


def check_all(connection: Connection) -> Iterator[Violation]:
    """Yield every violation, all as of one instant. The connection is left with nothing open."""
    with connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        # A long read is what this is; names that the server does not know are left out.
        for name in ("statement_timeout", "transaction_timeout"):
            connection.execute(
                select(func.set_config(column("name"), "0", True))
                .select_from(table("pg_settings", column("name")))
                .where(column("name") == name)
            )
        for invariant, name, question in QUESTIONS:
            rows = connection.execution_options(yield_per=_PORTION).execute(question())
            for (subject,) in rows:
                yield Violation(invariant, name, str(subject))


def remaining_out_of_bounds() -> Question:
    """Slots whose remaining is below zero or above the capacity."""
    return select(Slot.id).where(or_(Slot.remaining < 0, Slot.remaining > Slot.capacity))


def places_do_not_add_up() -> Question:
    """Slots where what is gone differs from what the occupying bookings took."""
    taken = (
        select(BookingSlot.slot_id, func.sum(BookingSlot.units).label("units"))
        .join(BookingSlot.booking)
        .where(BookingSlot.released_at.is_(None), Booking.status.in_(OCCUPYING))
        .group_by(BookingSlot.slot_id)
        .subquery()
    )
    return (
        select(Slot.id)
        .outerjoin(taken, taken.c.slot_id == Slot.id)
        .where(Slot.capacity - Slot.remaining != func.coalesce(taken.c.units, 0))
    )


def units_differ_from_quantity() -> Question:
    """Bookings that take another number of places of a slot than their quantity says."""
    units = case((Resource.counted_in == CountedIn.PARTIES, 1), else_=Booking.quantity)
    return (
        select(Booking.reference)
        .join(Booking.resource)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(BookingSlot.released_at.is_(None))
        .group_by(Booking.id, BookingSlot.slot_id, Resource.counted_in)
        .having(func.sum(BookingSlot.units) != units)
    )


def occupies_nothing() -> Question:
    """Bookings that should occupy places and have no line that does."""
    return select(Booking.reference).where(
        Booking.status.in_([Status.PENDING, *OCCUPYING]),
        ~exists().where(BookingSlot.booking_id == Booking.id, BookingSlot.released_at.is_(None)),
    )


def released_without_event() -> Question:
    """Bookings with a line that was released at a moment of which no event tells."""
    tells = exists().where(
        BookingEvent.booking_id == BookingSlot.booking_id,
        BookingEvent.at == BookingSlot.released_at,
        BookingEvent.kind.in_(
            [EventKind.CHANGED, EventKind.CANCELLED, EventKind.EXPIRED, EventKind.NO_SHOW]
        ),
    )
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(BookingSlot.released_at.is_not(None), ~tells)
    )


def stay_with_a_gap() -> Question:
    """Stays whose nights do not follow one another."""
    nights = func.count(Slot.local_on.distinct())
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .where(BookingSlot.released_at.is_(None), Slot.is_night)
        .group_by(Booking.id)
        .having(nights != func.max(Slot.local_on) - func.min(Slot.local_on) + 1)
    )


def total_differs_from_lines() -> Question:
    """Bookings whose total is not what their lines cost."""
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(
            BookingSlot.released_at.is_(None),
            # Whoever does not come pays for the nights that were given back, too.
            Booking.status.in_(set(OCCUPYING) - {Status.NO_SHOW}),
        )
        .group_by(Booking.id)
        .having(func.sum(BookingSlot.units * BookingSlot.unit_price) != Booking.total)
    )


def foreign_slot() -> Question:
    """Lines on a slot of another resource than the booking's."""
    return (
        select(Booking.reference)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .join(BookingSlot.slot)
        .where(Slot.resource_id != Booking.resource_id)
    )


def undecided() -> Question:
    """Pending holds that are neither decided nor expired a minute after their deadline."""
    return select(Booking.reference).where(
        Booking.status == Status.PENDING, Booking.expires_at < func.now() - _GRACE
    )


def overdue() -> Question:
    """Held bookings whose places were not given back a minute after their deadline."""
    return select(Booking.reference).where(
        Booking.status == Status.HELD, Booking.expires_at < func.now() - _GRACE
    )


def out_of_order() -> Question:
    """Holds decided before one that had arrived earlier at the same resource."""
    before = func.max(Booking.decision_no).over(
        partition_by=Booking.resource_id,
        order_by=Booking.seq,
        rows=(None, -1),
    )
    numbered = (
        select(Booking.reference, Booking.decision_no, before.label("before"))
        .where(Booking.decision_no.is_not(None))
        .subquery()
    )
    return select(numbered.c.reference).where(numbered.c.decision_no < numbered.c.before)


def decision_numbers_have_gaps() -> Question:
    """Resources whose decisions are not numbered from one to the last without a gap."""
    numbers = (
        select(
            Booking.resource_id,
            func.count(Booking.decision_no).label("count"),
            func.max(Booking.decision_no).label("last"),
        )
        .group_by(Booking.resource_id)
        .subquery()
    )
    last = func.coalesce(numbers.c.last, 0)
    return (
        select(Resource.id)
        .outerjoin(numbers, numbers.c.resource_id == Resource.id)
        .where(
            or_(
                Resource.last_decision_no != last,
                last != func.coalesce(numbers.c.count, 0),
            )
        )
    )


def status_without_event() -> Question:
    """Bookings whose last event tells of another status, or that have no event at all."""
    last = (
        select(BookingEvent.status)
        .where(BookingEvent.booking_id == Booking.id)
        .order_by(BookingEvent.id.desc())
        .limit(1)
        .correlate(Booking)
        .scalar_subquery()
    )
    return select(Booking.reference).where(func.coalesce(last, "none") != Booking.status)


def illegal_transition() -> Question:
    """Events that tell of a move which no booking may make, or that a kind does not make."""
    before = func.lag(BookingEvent.status).over(
        partition_by=BookingEvent.booking_id, order_by=BookingEvent.id
    )
    event = select(
        BookingEvent.id, BookingEvent.kind, BookingEvent.status, before.label("before")
    ).subquery()
    stays = event.c.kind.in_([EventKind.CHANGED, EventKind.EXTENDED])
    legal = [(old, new, EventKind(new)) for old, following in MOVES.items() for new in following]
    is_legal = case(
        (
            event.c.before.is_(None),
            and_(event.c.kind == EventKind.PLACED, event.c.status == Status.PENDING),
        ),
        (stays, event.c.before == event.c.status),
        else_=tuple_(event.c.before, event.c.status, event.c.kind).in_(legal),
    )
    return select(event.c.id).where(not_(is_legal))


def event_lost() -> Question:
    """Bookings with a time of a transition for which there is no event."""
    stamps = [
        (EventKind.HELD, Booking.held_at),
        (EventKind.CONFIRMED, Booking.confirmed_at),
        (EventKind.CHECKED_IN, Booking.checked_in_at),
    ]
    return select(Booking.reference).where(
        or_(
            *(
                and_(
                    stamp.is_not(None),
                    ~exists().where(
                        BookingEvent.booking_id == Booking.id, BookingEvent.kind == kind
                    ),
                )
                for kind, stamp in stamps
            )
        )
    )


def changes_differ_from_revision() -> Question:
    """Bookings that count another number of changes than their events tell of."""
    changes = (
        select(func.count())
        .where(BookingEvent.booking_id == Booking.id, BookingEvent.kind == EventKind.CHANGED)
        .correlate(Booking)
        .scalar_subquery()
    )
    return select(Booking.reference).where(changes != Booking.revision - 1)


def key_used_twice() -> Question:
    """Bookings under an idempotency key that another one has as well."""
    return (
        select(func.min(Booking.reference))
        .where(Booking.idempotency_key.is_not(None))
        .group_by(Booking.idempotency_scope, Booking.idempotency_key)
        .having(func.count() > 1)
    )


def guard_missing() -> Question:
    """Constraints and unique indexes that the tables should have and have not."""
    names: list[str] = []
    for found in Base.metadata.tables.values():
        names += [str(constraint.name) for constraint in found.constraints]
        names += [str(index.name) for index in found.indexes if index.unique]
    wanted = func.unnest(cast(names, ARRAY(Text))).column_valued("wanted")
    conname, relname = column("conname", Text), column("relname", Text)
    return select(wanted).where(
        wanted.not_in(
            select(conname)
            .select_from(table("pg_constraint", conname, column("convalidated", Boolean)))
            .where(column("convalidated", Boolean))
        ),
        wanted.not_in(select(relname).select_from(table("pg_class", relname))),
    )


def message_lost() -> Question:
    """Bookings whose customer was never owed the message of a transition or of the last change."""
    was_confirmed = Booking.confirmed_at.is_not(None)
    nobody_waited = Booking.is_waited_for.is_(False)
    owed = [
        (Booking.held_at.is_not(None), Notice.HELD),
        (was_confirmed, Notice.CONFIRMED),
        (and_(was_confirmed, Booking.cancelled_at.is_not(None)), Notice.CANCELLED),
        (and_(Booking.status == Status.REJECTED, nobody_waited), Notice.REJECTED),
        (and_(Booking.expired_at.is_not(None), Booking.held_at.is_not(None)), Notice.EXPIRED),
        (and_(Booking.reason == Reason.NOT_DECIDED, nobody_waited), Notice.EXPIRED),
    ]
    lost = [and_(condition, ~_is_owed(kind)) for condition, kind in owed]
    last_change = _is_owed(Notice.CHANGED, Notification.version == Booking.revision)
    return select(Booking.reference).where(
        Booking.contact_email.is_not(None),
        or_(*lost, and_(Booking.revision > 1, ~last_change)),
    )


def _is_owed(kind: Notice, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Notification.booking_id == Booking.id, Notification.kind == kind, *more)


def message_untrue() -> Question:
    """Messages about something that never happened to their booking."""
    said = Notification.kind
    return (
        select(Notification.id)
        .join(Booking, Booking.id == Notification.booking_id)
        .where(
            or_(
                Notification.version > Booking.revision,
                and_(said == Notice.CONFIRMED, Booking.confirmed_at.is_(None)),
                and_(said == Notice.CHANGED, Notification.version < 2),
                and_(said == Notice.CANCELLED, Booking.cancelled_at.is_(None)),
                and_(said == Notice.HELD, Booking.held_at.is_(None)),
                and_(said == Notice.REJECTED, Booking.status != Status.REJECTED),
                and_(said == Notice.EXPIRED, Booking.expired_at.is_(None)),
            )
        )
    )


def tenants_mixed() -> Question:
    """Bookings whose parts belong to two venues."""
    event = aliased(BookingEvent)
    return (
        select(Booking.reference)
        .join(Booking.resource)
        .join(Booking.customer)
        .outerjoin(Booking.cancellation_reason)
        .where(
            or_(
                Resource.venue_id != Booking.venue_id,
                Customer.venue_id != Booking.venue_id,
                CancellationReason.venue_id != Booking.venue_id,
                exists().where(event.booking_id == Booking.id, event.venue_id != Booking.venue_id),
                exists().where(
                    Notification.booking_id == Booking.id,
                    Notification.venue_id != Booking.venue_id,
                ),
            )
        )
    )


QUESTIONS: list[tuple[int, str, Callable[[], Question]]] = [
    (1, "remaining is out of bounds at slot", remaining_out_of_bounds),
    (1, "places do not add up at slot", places_do_not_add_up),
    (1, "units differ from the quantity of booking", units_differ_from_quantity),
    (1, "no place is occupied by booking", occupies_nothing),
    (1, "slot of another resource in booking", foreign_slot),
    (1, "places given back without an event: booking", released_without_event),
    (1, "nights do not follow one another: booking", stay_with_a_gap),
    (1, "total is not what the lines cost: booking", total_differs_from_lines),
    (1, "a guard of the tables is missing:", guard_missing),
    (2, "idempotency key is used twice: booking", key_used_twice),
    (2, "neither decided nor expired: booking", undecided),
    (2, "held past its deadline: booking", overdue),
    (3, "decided out of order: booking", out_of_order),
    (3, "decision numbers have gaps at resource", decision_numbers_have_gaps),
    (4, "status is not that of the last event: booking", status_without_event),
    (4, "illegal transition in event", illegal_transition),
    (4, "event of a transition is lost: booking", event_lost),
    (4, "changes differ from the revision of booking", changes_differ_from_revision),
    (5, "message is not owed: booking", message_lost),
    (5, "message is not true: notification", message_untrue),
    (6, "two venues are mixed in booking", tenants_mixed),
]
