"""What a venue's people do beside the bookings themselves, kept for whoever asks later."""

from typing import Any

from sqlalchemy.orm import Session

from booking.actors import Actor
from models import Act, AuditEvent


def note_act(
    tx: Session,
    act: Act,
    *,
    venue_id: int | None,
    subject: str,
    by: Actor,
    reason: str | None = None,
    **details: Any,
) -> None:
    """Write down an act in the transaction that does it; `details` are numbers, words and ids."""
    tx.add(
        AuditEvent(
            venue_id=venue_id,
            act=act,
            subject=subject,
            actor=str(by),
            reason=reason,
            details=details,
        )
    )
