"""A made-up booking, to show a venue what its messages look like."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.correspondence import Day, FillingSlot, Link, Owed, Sender, Subject
from models import CountedIn, Kind, Notice, Status

SHOWN = (
    Notice.RECEIVED,
    Notice.HELD,
    Notice.HOLD_EXPIRES,
    Notice.CONFIRMED,
    Notice.CHANGED,
    Notice.REMINDER,
    Notice.CANCELLED,
    Notice.REJECTED,
    Notice.EXPIRED,
    Notice.VENUE_NEW,
    Notice.VENUE_CHANGED,
    Notice.VENUE_CANCELLED,
    Notice.VENUE_DIGEST,
    Notice.SLOT_FILLING,
    Notice.PROOF,
)
# Only these have a head that a venue may word itself.
WORDED = SHOWN[:9]

_COUNTED_IN = {
    Kind.RESTAURANT: CountedIn.PARTIES,
    Kind.BOATS: CountedIn.SEATS,
    Kind.HOTEL: CountedIn.ROOMS,
}
_STATUS = {
    Notice.RECEIVED: Status.PENDING,
    Notice.HELD: Status.HELD,
    Notice.HOLD_EXPIRES: Status.HELD,
    Notice.REJECTED: Status.REJECTED,
    Notice.EXPIRED: Status.EXPIRED,
    Notice.CANCELLED: Status.CANCELLED,
    Notice.VENUE_CANCELLED: Status.CANCELLED,
}
_REASON = {Notice.REJECTED: "full", Notice.EXPIRED: "not_confirmed"}


def sample(kind: Notice, sender: Sender, language: str, now: datetime) -> Owed:
    """Return a message of a kind about nothing real, in a language, a week from `now`."""
    booking = _booking(kind, sender, language, now)
    owed = Owed(id=0, kind=kind, version=1, attempts=0, created_at=now, sender=sender)
    parts: dict[str, object] = {"booking": booking}
    match kind:
        case Notice.SLOT_FILLING:
            parts = {"slot": FillingSlot(booking.resource_name, booking.starts_at, 20, 18)}
        case Notice.VENUE_DIGEST:
            parts = {"day": Day(now.date(), (booking,), ())}
        case Notice.PROOF:
            link = Link("", "/account/proof", "…", language, now + timedelta(hours=1), False)
            parts = {"link": link}
    return replace(owed, **parts)  # type: ignore[arg-type]


def _booking(kind: Notice, sender: Sender, language: str, now: datetime) -> Subject:
    counted_in = _COUNTED_IN[sender.kind]
    day = now.astimezone(ZoneInfo(sender.time_zone)).date() + timedelta(days=7)
    zone = ZoneInfo(sender.time_zone)
    is_stay = counted_in is CountedIn.ROOMS
    begins = datetime.combine(day, time(15) if is_stay else time(19, 30), zone)
    ends = datetime.combine(day + timedelta(days=2), time(11), zone) if is_stay else None
    return Subject(
        id=UUID(int=0),
        reference="K7RM2QX",
        status=_STATUS.get(kind, Status.CONFIRMED),
        reason=_REASON.get(kind),
        revision=1,
        access_version=1,
        language=language,
        resource_name={
            CountedIn.PARTIES: "Dining room",
            CountedIn.SEATS: "SeaExpress 1",
            CountedIn.ROOMS: "Double room",
        }[counted_in],
        counted_in=counted_in,
        starts_at=begins.astimezone(UTC),
        ends_at=(ends or begins + timedelta(hours=2)).astimezone(UTC),
        quantity=1 if is_stay else 4,
        guests=2 if is_stay else None,
        total=Decimal(0) if counted_in is CountedIn.PARTIES else Decimal(100),
        currency="EUR",
        email="ada.moreau@example.com",
        full_name="Ada Moreau",
        phone="+33 1 70 18 99 00",
        special_requests="A quiet table, please.",
        expires_at=now + timedelta(minutes=15),
        updated_at=now,
    )
