"""A walk around the slots that never ends: do the places add up? A few at a time, in bounded cost.

`verify` proves every promise and reads all there is. This asks the one question that cannot wait,
of the slots that bookings have just touched and of the next portion of all the others.
"""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.invariants.places import do_not_add_up_among
from booking.transactions import transaction
from metrics import INVARIANT_VIOLATIONS
from models import BookingEvent, BookingSlot, Slot

logger = structlog.get_logger(__name__)

PORTION = 2000
MOST_EVENTS = 2000
_PATIENCE_MS = 1000
_FIRST = UUID(int=0)


class Patrol:
    """Where the walk has come to, and the slots that were found wrong and have not been mended."""

    def __init__(self) -> None:
        self._after = _FIRST
        self._event: int | None = None
        self._wrong: set[UUID] = set()

    def look(self) -> None:
        """Look at some slots, log those that are wrong for the first time, and show how many are.

        Each slot and its lines are seen as of one instant, so a booking under way is no breach.
        """
        with transaction() as tx:
            tx.execute(select(func.set_config("statement_timeout", str(_PATIENCE_MS), True)))
            next_ones = self._next(tx)
            touched = self._touched(tx)
            wrong = set(tx.scalars(do_not_add_up_among([*next_ones, *touched, *self._wrong])))
        for slot_id in wrong - self._wrong:
            logger.error("places_do_not_add_up", slot_id=str(slot_id))
        self._wrong = wrong
        INVARIANT_VIOLATIONS.set(len(wrong))

    def _next(self, tx: Session) -> Sequence[UUID]:
        """Return the next portion of all slots; after the last one the walk begins again."""
        found = tx.scalars(
            select(Slot.id).where(Slot.id > self._after).order_by(Slot.id).limit(PORTION)
        ).all()
        self._after = found[-1] if len(found) == PORTION else _FIRST
        return found

    def _touched(self, tx: Session) -> Sequence[UUID]:
        """Return the slots of bookings to which something has happened since the last look."""
        newest = tx.scalar(select(func.max(BookingEvent.id))) or 0
        before, self._event = self._event, newest
        if before is None:
            return []
        # Of more than these the walk takes care.
        since = max(before, newest - MOST_EVENTS)
        return tx.scalars(
            select(BookingSlot.slot_id)
            .join(BookingEvent, BookingEvent.booking_id == BookingSlot.booking_id)
            .where(BookingEvent.id > since)
            .distinct()
        ).all()
