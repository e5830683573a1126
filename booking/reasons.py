"""The reasons that a venue's people can give with a cancellation."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, ReasonNotFound
from booking.transactions import reading, retried, transaction
from booking.venue_settings import checked_words
from models import Act, Booking, CancellationReason


def list_reasons(venue_id: int) -> list[CancellationReason]:
    """Return the reasons that serve a venue: those of all venues, then its own."""
    query = (
        select(CancellationReason)
        .where((CancellationReason.venue_id == venue_id) | CancellationReason.venue_id.is_(None))
        .order_by(CancellationReason.venue_id.nulls_first(), CancellationReason.id)
        .limit(500)
    )
    with reading() as tx:
        return list(tx.scalars(query))


@retried
def add_reason(*, venue_id: int, reason: str, description: str, by: Actor) -> int:
    """Add a reason to a venue. Raises CatalogueInvalid for one that there is."""
    said = checked_words("reason", reason, 100)
    if not said or "\n" in said:
        raise CatalogueInvalid("reason", "Give a reason, on one line.")
    values = {
        "venue_id": venue_id,
        "reason": said,
        "description": checked_words("description", description, 500),
    }
    with transaction() as tx:
        reason_id = tx.scalar(
            insert(CancellationReason)
            .values(values)
            .on_conflict_do_nothing()
            .returning(CancellationReason.id)
        )
        if reason_id is None:
            raise CatalogueInvalid("reason", "There is such a reason.")
        note_act(tx, Act.REASON_ADDED, venue_id=venue_id, subject=f"reason:{reason_id}", by=by)
        return reason_id


@retried
def remove_reason(*, reason_id: int, venue_id: int, by: Actor) -> None:
    """Remove a venue's own reason that no booking has. Raises ReasonNotFound, CatalogueInvalid."""
    with transaction() as tx:
        of_venue = (CancellationReason.id == reason_id) & (CancellationReason.venue_id == venue_id)
        if tx.scalar(select(CancellationReason.id).where(of_venue).with_for_update()) is None:
            raise ReasonNotFound
        given = select(Booking.id).where(Booking.cancellation_reason_id == reason_id)
        if tx.scalar(given.limit(1)):
            raise CatalogueInvalid("reason", "Bookings were cancelled for this reason: it stays.")
        tx.execute(delete(CancellationReason).where(of_venue))
        note_act(tx, Act.REASON_REMOVED, venue_id=venue_id, subject=f"reason:{reason_id}", by=by)
