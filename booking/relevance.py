"""Whether a message is still true when it is about to be sent. Pure: no database, no clock."""

from datetime import datetime

from booking.correspondence import Day, FillingSlot, Link, Owed, Sender, Subject
from models import Notice, Status

_TRUE_OF = {
    Notice.RECEIVED: (Status.PENDING,),
    Notice.HELD: (Status.HELD,),
    Notice.HOLD_EXPIRES: (Status.HELD,),
    Notice.CONFIRMED: (Status.CONFIRMED, Status.CHECKED_IN),
    Notice.REJECTED: (Status.REJECTED,),
    Notice.EXPIRED: (Status.EXPIRED,),
    Notice.CHANGED: (Status.HELD, Status.CONFIRMED),
    Notice.CANCELLED: (Status.CANCELLED,),
    Notice.REMINDER: (Status.CONFIRMED,),
    Notice.VENUE_NEW: (Status.CONFIRMED, Status.CHECKED_IN),
    Notice.VENUE_CHANGED: (Status.HELD, Status.CONFIRMED, Status.CHECKED_IN),
    Notice.VENUE_CANCELLED: (Status.CANCELLED,),
}
# A change says all that the message before it would have said.
_SUPERSEDED = (
    Notice.HELD,
    Notice.HOLD_EXPIRES,
    Notice.CONFIRMED,
    Notice.CHANGED,
    Notice.REMINDER,
    Notice.VENUE_CHANGED,
)


def why_not(owed: Owed, now: datetime) -> str | None:
    """Say why a message is not to be sent any more; None while it is true."""
    if owed.recipient is None:
        return "there is no address"
    if owed.booking:
        return _of_booking(owed, owed.booking, now)
    if owed.slot and owed.sender:
        return _of_slot(owed.slot, owed.sender, now)
    if owed.day:
        return _of_day(owed.day)
    return _of_link(owed.link, now) if owed.link else "it is about nothing"


def _of_booking(owed: Owed, booking: Subject, now: datetime) -> str | None:
    if booking.status not in _TRUE_OF[owed.kind]:
        return f"the booking is {booking.status}"
    if booking.ends_at <= now:
        return "the time of the booking has passed"
    if owed.kind is Notice.REMINDER and booking.starts_at <= now:
        return "it has begun"
    if booking.status in (Status.PENDING, Status.HELD) and _has_passed(booking.expires_at, now):
        return "its deadline has passed"
    if owed.kind in _SUPERSEDED and owed.version < booking.revision:
        return "a newer message says more"
    return None


def _of_slot(slot: FillingSlot, sender: Sender, now: datetime) -> str | None:
    if slot.starts_at <= now:
        return "it has begun"
    if slot.taken * 100 < slot.capacity * (sender.fullness_percent or 101):
        return "the slot is below the threshold again"
    return None


def _of_day(day: Day) -> str | None:
    return None if day.new or day.cancelled else "nothing happened on that day"


def _of_link(link: Link, now: datetime) -> str | None:
    if link.is_used:
        return "the link has been used"
    return "the link is too old" if link.expires_at <= now else None


def _has_passed(deadline: datetime | None, now: datetime) -> bool:
    return deadline is not None and deadline <= now
