"""The purge: what is older than its venue's policy goes, portion by portion, beside live booking.

A booking's row stays, with its places, price and times, so that capacity, revenue and the events'
chain still add up; what tells of a person is emptied. Each portion is a transaction of its own and
leaves the rest to be found, so a purge may be stopped anywhere and run any number of times.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.jobs import Turn
from booking.privacy import inventory
from booking.privacy.holds import Held, held_in, lasts
from booking.privacy.inventory import FieldClass, columns_of
from booking.privacy.policies import Policy, read_policies
from booking.privacy.receipts import DATABASE, note_purge
from booking.transactions import LinesMoved, retried, transaction
from models import (
    AuditEvent,
    Base,
    Booking,
    BookingSlot,
    BulkJob,
    Customer,
    LegalHold,
    Notification,
    NotificationState,
    Slot,
    Status,
)

PORTION = 500

OF_BOOKING = columns_of("bookings", FieldClass.CONTACT, FieldClass.REQUESTS)
OF_CUSTOMER = columns_of("customers", FieldClass.CONTACT)
OF_MESSAGE = columns_of("notifications", FieldClass.MESSAGES)
OF_PERSON = (*OF_BOOKING, *OF_CUSTOMER, *OF_MESSAGE)
_OF_REQUESTS = columns_of("bookings", FieldClass.REQUESTS)
_OF_SKELETON = columns_of("bookings", FieldClass.SKELETON)
_OF_AUDIT = columns_of("audit_events", FieldClass.AUDIT)
_OF_HOLD = columns_of("legal_holds", FieldClass.AUDIT)
_OF_BULK = columns_of("bulk_jobs", FieldClass.AUDIT)

Counts = dict[str, int]
Step = Callable[[Session, Policy], Counts]


def purge_stale(until: float) -> Turn:
    """Purge every venue until `until`, a moment of time.monotonic(), or until nothing is stale."""
    totals: Counts = {}
    for policy in read_policies():
        for step, fields in STEPS:
            while counts := _portion(policy, step, inventory.names_of(fields)):
                for name, count in counts.items():
                    totals[name] = totals.get(name, 0) + count
                if time.monotonic() >= until:
                    return Turn(totals, is_through=False)
    return Turn(totals)


@retried
def _portion(policy: Policy, step: Step, fields: Sequence[str]) -> Counts:
    """Do one step for one portion; what was done, or nothing when nothing is left."""
    with transaction() as tx:
        counts = {name: count for name, count in step(tx, policy).items() if count}
        if counts and fields:
            note_purge(tx, policy, counts, fields, DATABASE)
        return counts


def forget(tx: Session, venue_id: int, rows: Sequence[Any]) -> Counts:
    """Empty locked bookings (id, customer) of one venue of their person, and what hangs on them.

    Customers whom no booking names any more are deleted; of those who stay, the bookings that are
    emptied are cut off.
    """
    if not rows:
        return {}
    ids = literal([row.id for row in rows], ARRAY(Uuid))
    tx.execute(
        update(Booking)
        .where(Booking.id == func.any(ids))
        .values(
            purged_at=func.clock_timestamp(),
            customer_id=nobody_of(tx, venue_id),
            user_id=None,
            **inventory.emptied(OF_BOOKING),
        )
        .execution_options(synchronize_session=False)
    )
    messages = tx.execute(
        update(Notification)
        .where(Notification.booking_id == func.any(ids), _tells())
        .values(inventory.emptied(OF_MESSAGE))
        .execution_options(synchronize_session=False)
    )
    customers = _remove_customers(tx, {row.customer_id for row in rows})
    return {
        "bookings": len(rows),
        "messages": messages.rowcount,  # type: ignore[attr-defined]
        "customers": customers,
    }


def nobody_of(tx: Session, venue_id: int) -> int:
    """Return the customer who stands for all whose data is gone; made at first use."""
    found = select(Customer.id).where(Customer.venue_id == venue_id, Customer.is_nobody)
    known = tx.scalar(found)
    if known is None:
        tx.execute(
            insert(Customer)
            .values(venue_id=venue_id, is_nobody=True)
            .on_conflict_do_nothing(
                index_elements=["venue_id"], index_where=Customer.is_nobody.expression
            )
        )
        known = tx.scalars(found).one()
    return known


def may_go() -> list[ColumnElement[bool]]:
    """Return the criteria of bookings whose person may go: closed, and no message is owed."""
    is_owed = exists().where(
        Notification.booking_id == Booking.id, Notification.state == NotificationState.QUEUED
    )
    return [
        Booking.purged_at.is_(None),
        Booking.status.not_in([Status.PENDING, Status.HELD]),
        ~is_owed,
    ]


def _remove_customers(tx: Session, ids: set[int]) -> int:
    """Delete those of them whom no booking names. Raises LinesMoved: begin again.

    Where a hold for one of them is being written, this waits for it; the foreign key then sees the
    booking, which the statement could not. A hold that waits for this finds the customer gone, and
    begins again as well.
    """
    try:
        done = tx.execute(
            delete(Customer)
            .where(
                Customer.id == func.any(literal(sorted(ids), ARRAY(Integer))),
                ~Customer.is_nobody,
                ~exists().where(Booking.customer_id == Customer.id),
            )
            .execution_options(synchronize_session=False)
        )
    except IntegrityError as error:
        if isinstance(error.orig, ForeignKeyViolation):
            raise LinesMoved from None
        raise
    return int(done.rowcount)  # type: ignore[attr-defined]


def _date_old_rows(tx: Session, policy: Policy) -> Counts:
    """Fill in when bookings are over that were written before this was noted."""
    over = (
        select(func.max(Slot.ends_at))
        .join(BookingSlot, BookingSlot.slot_id == Slot.id)
        .where(BookingSlot.booking_id == Booking.id)
        .correlate(Booking)
        .scalar_subquery()
    )
    undated = select(Booking.id).where(
        Booking.venue_id == policy.venue_id,
        Booking.purged_at.is_(None),
        Booking.over_at.is_(None),
    )
    done = tx.execute(
        update(Booking)
        .where(Booking.id.in_(_some(undated)))
        .values(over_at=func.coalesce(over, Booking.created_at))
        .execution_options(synchronize_session=False)
    )
    return {"dated": done.rowcount}  # type: ignore[attr-defined]


def _forget_people(tx: Session, policy: Policy) -> Counts:
    held = held_in(tx, policy.venue_id)
    stale = select(Booking.id, Booking.customer_id).where(
        *_older(policy, FieldClass.CONTACT), *may_go(), *held.spares()
    )
    return forget(tx, policy.venue_id, tx.execute(_some(stale.order_by(Booking.over_at))).all())


def _forget_requests(tx: Session, policy: Policy) -> Counts:
    held = held_in(tx, policy.venue_id)
    stale = select(Booking.id).where(
        *_older(policy, FieldClass.REQUESTS),
        or_(Booking.special_requests.is_not(None), Booking.details != text("'{}'::jsonb")),
        Booking.status.not_in([Status.PENDING, Status.HELD]),
        *held.spares(),
    )
    return {"requests": _empty(tx, Booking, stale, _OF_REQUESTS)}


def _forget_skeletons(tx: Session, policy: Policy) -> Counts:
    if policy.kept.skeleton_days is None:
        return {}
    stale = select(Booking.id).where(
        *_older(policy, FieldClass.SKELETON),
        Booking.purged_at.is_not(None),
        or_(Booking.confirmation_code.is_not(None), Booking.language.is_not(None)),
    )
    return {"skeletons": _empty(tx, Booking, stale, _OF_SKELETON)}


def _forget_messages(tx: Session, policy: Policy) -> Counts:
    held = held_in(tx, policy.venue_id)
    stale = select(Notification.id).where(
        Notification.venue_id == policy.venue_id,
        Notification.created_at < func.now() - policy.kept.age(FieldClass.MESSAGES),
        _tells(),
        Notification.state != NotificationState.QUEUED,
        *_of_nobody_held(held),
    )
    return {"messages": _empty(tx, Notification, stale, OF_MESSAGE)}


def _forget_reasons(tx: Session, policy: Policy) -> Counts:
    stale = (
        select(AuditEvent.id)
        .where(
            AuditEvent.venue_id == policy.venue_id,
            AuditEvent.at < func.now() - policy.kept.age(FieldClass.AUDIT),
            AuditEvent.reason.is_not(None),
        )
        .limit(PORTION)
    )
    return {"reasons": _update(tx, AuditEvent, stale, _OF_AUDIT)}


def _forget_ended_holds(tx: Session, policy: Policy) -> Counts:
    ended = func.coalesce(LegalHold.lifted_at, LegalHold.ends_at)
    stale = select(LegalHold.id).where(
        LegalHold.venue_id == policy.venue_id,
        ~lasts(),
        ended < func.now() - policy.kept.age(FieldClass.AUDIT),
        LegalHold.reason.is_not(None),
    )
    return {"reasons": _empty(tx, LegalHold, stale, _OF_HOLD)}


def _forget_words_to_many(tx: Session, policy: Policy) -> Counts:
    stale = select(BulkJob.id).where(
        BulkJob.venue_id == policy.venue_id,
        BulkJob.finished_at < func.now() - policy.kept.age(FieldClass.AUDIT),
        BulkJob.message.is_not(None),
    )
    return {"reasons": _empty(tx, BulkJob, stale, _OF_BULK)}


# Those that keep an index small for the next night come first.
STEPS: Sequence[tuple[Step, Sequence[inventory.Personal]]] = (
    (_date_old_rows, ()),
    (_forget_people, OF_PERSON),
    (_forget_requests, _OF_REQUESTS),
    (_forget_messages, OF_MESSAGE),
    (_forget_skeletons, _OF_SKELETON),
    (_forget_reasons, _OF_AUDIT),
    (_forget_ended_holds, _OF_HOLD),
    (_forget_words_to_many, _OF_BULK),
)


def _older(policy: Policy, which: FieldClass) -> list[ColumnElement[bool]]:
    return [
        Booking.venue_id == policy.venue_id,
        Booking.over_at < func.now() - policy.kept.age(which),
    ]


def _tells() -> ColumnElement[bool]:
    return or_(Notification.address_hash.is_not(None), Notification.last_error.is_not(None))


def _of_nobody_held(held: Held) -> list[ColumnElement[bool]]:
    if not held.booking_ids:
        return []
    kept = select(Booking.id).where(held.keeps())
    return [or_(Notification.booking_id.is_(None), Notification.booking_id.not_in(kept))]


def _some(stale: Any) -> Any:
    """Take a portion of what nobody else works on; the rest is found the next time."""
    return stale.limit(PORTION).with_for_update(skip_locked=True, key_share=True)


def _empty(
    tx: Session, table: type[Base], stale: Select[Any], columns: Sequence[inventory.Personal]
) -> int:
    return _update(tx, table, _some(stale), columns)


def _update(
    tx: Session, table: type[Any], chosen: Select[Any], columns: Sequence[inventory.Personal]
) -> int:
    done = tx.execute(
        update(table)
        .where(table.id.in_(chosen))
        .values(inventory.emptied(columns))
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
