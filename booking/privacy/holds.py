"""Legal holds: what must not go, although its time has come or its person wants it gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session, joinedload

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import BookingNotFound, CatalogueInvalid, LegalHoldNotFound
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import Act, Booking, LegalHold

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Held:
    """What a venue's holds keep at this moment: bookings, and all bookings of customers."""

    booking_ids: Sequence[UUID]
    customer_ids: Sequence[int]

    def keeps(self) -> ColumnElement[bool]:
        """Return the criterion of the bookings that are kept."""
        return or_(Booking.id.in_(self.booking_ids), Booking.customer_id.in_(self.customer_ids))

    def spares(self) -> list[ColumnElement[bool]]:
        """Return the criteria of those that are not; none where nothing is held."""
        return [not_(self.keeps())] if self.booking_ids else []


@retried
def set_legal_hold(
    *,
    reference: str,
    venue_id: int,
    reason: str,
    ends_at: datetime,
    covers_customer: bool,
    by: Actor,
) -> UUID:
    """Keep a booking, or all of its customer's, until a day. Returns the hold's id.

    Raises BookingNotFound, also when the person is gone already, or CatalogueInvalid.
    """
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise CatalogueInvalid("reason", f"From 1 to {LONGEST_REASON} characters.")
    with transaction() as tx:
        # No batch of the purge is under way when this is held, and the next one sees the hold.
        tx.execute(select(func.pg_advisory_xact_lock(_key(venue_id))))
        if ends_at <= read_clock(tx):
            raise CatalogueInvalid("ends_on", "In the future.")
        booking = tx.scalar(
            select(Booking).where(
                Booking.reference == reference,
                Booking.venue_id == venue_id,
                Booking.purged_at.is_(None),
            )
        )
        if booking is None:
            raise BookingNotFound
        hold = LegalHold(
            venue_id=venue_id,
            booking_id=booking.id,
            covers_customer=covers_customer,
            reason=reason,
            set_by=str(by),
            ends_at=ends_at,
        )
        tx.add(hold)
        tx.flush()
        note_act(
            tx,
            Act.LEGAL_HOLD_SET,
            venue_id=venue_id,
            subject=f"booking:{booking.id}",
            by=by,
            hold=str(hold.id),
            ends_at=ends_at.isoformat(),
            covers_customer=covers_customer,
        )
        return hold.id


@retried
def lift_legal_hold(*, hold_id: UUID, venue_id: int, by: Actor) -> None:
    """End a hold now. A second call changes nothing. Raises LegalHoldNotFound."""
    with transaction() as tx:
        hold = tx.get(LegalHold, hold_id, with_for_update=True)
        if hold is None or hold.venue_id != venue_id:
            raise LegalHoldNotFound
        if hold.lifted_at is not None:
            return
        hold.lifted_at = read_clock(tx)
        note_act(
            tx,
            Act.LEGAL_HOLD_LIFTED,
            venue_id=venue_id,
            subject=f"booking:{hold.booking_id}",
            by=by,
            hold=str(hold_id),
        )


def read_holds(*, venue_id: int, limit: int = 100) -> list[LegalHold]:
    """Return the holds of a venue that last, the newest first, with their bookings."""
    with reading() as tx:
        return list(
            tx.scalars(
                select(LegalHold)
                .options(joinedload(LegalHold.booking))
                .where(LegalHold.venue_id == venue_id, lasts())
                .order_by(LegalHold.created_at.desc())
                .limit(limit)
            )
        )


def held_in(tx: Session, venue_id: int) -> Held:
    """Return what a venue's holds keep, and let none be added before the transaction ends."""
    tx.execute(select(func.pg_advisory_xact_lock_shared(_key(venue_id))))
    return read_held(tx, LegalHold.venue_id == venue_id)


def read_held(tx: Session, *of: ColumnElement[bool]) -> Held:
    """Return what holds keep."""
    rows = tx.execute(
        select(LegalHold.booking_id, LegalHold.covers_customer, Booking.customer_id)
        .join(Booking, Booking.id == LegalHold.booking_id)
        .where(lasts(), *of)
    ).all()
    return Held(
        [row.booking_id for row in rows],
        [row.customer_id for row in rows if row.covers_customer],
    )


def lasts() -> ColumnElement[bool]:
    """Return the criterion of holds that are in force."""
    return and_(LegalHold.lifted_at.is_(None), LegalHold.ends_at > func.clock_timestamp())


def _key(venue_id: int) -> ColumnElement[int]:
    return func.hashtextextended(f"legal holds of {venue_id}", 0)
