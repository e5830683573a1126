"""Calendar files: one booking as an invitation or its cancellation, and many as a feed.

An entry keeps its UID for life; its SEQUENCE rises with each change and with the cancellation.
Times are given in UTC, which every program turns into its reader's clock rightly.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from booking.correspondence import Sender, Subject
from messages.addresses import sender_address
from messages.facts import quantity, title
from messages.languages import Voice
from models import Status

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
_PRODUCT = "-//Holdfast//Bookings//EN"


def invitation(v: Voice, sender: Sender, booking: Subject) -> tuple[str, bytes]:
    """Return the method and file that put a booking into a calendar, or take it out again."""
    method = CANCEL if booking.status is Status.CANCELLED else REQUEST
    calendar = _calendar(method)
    entry = _entry(v, sender, booking, summary=f"{sender.name}: {booking.resource_name}")
    organizer = vCalAddress(f"mailto:{sender.email or sender_address()}")
    organizer.params["CN"] = vText(sender.name)
    entry["ORGANIZER"] = organizer
    if booking.email:
        attendee = vCalAddress(f"mailto:{booking.email}")
        attendee.params["PARTSTAT"] = vText("ACCEPTED")
        attendee.params["RSVP"] = vText("FALSE")
        entry.add("attendee", attendee, encode=False)
    calendar.add_component(entry)
    return method, bytes(calendar.to_ical())


def feed(
    v: Voice, name: str, sender: Sender, bookings: Sequence[Subject], *, is_for_venue: bool
) -> bytes:
    """Return a calendar that others subscribe to; what was cancelled appears as cancelled."""
    calendar = _calendar(PUBLISH)
    calendar.add("x-wr-calname", title(name))
    calendar.add("x-wr-timezone", sender.time_zone)
    for booking in bookings:
        said = quantity(v, booking)
        summary = (
            " · ".join(part for part in (booking.full_name, said) if part)
            if is_for_venue
            else f"{sender.name}: {booking.resource_name}"
        )
        calendar.add_component(_entry(v, sender, booking, summary=summary))
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _entry(v: Voice, sender: Sender, booking: Subject, *, summary: str) -> Event:
    is_cancelled = booking.status is Status.CANCELLED
    is_sure = booking.status is not Status.HELD
    entry = Event()
    entry.add("uid", f"{booking.id}@holdfast")
    entry.add("sequence", booking.revision + is_cancelled)
    entry.add("dtstamp", _utc(booking.updated_at))
    entry.add("dtstart", _utc(booking.starts_at))
    entry.add("dtend", _utc(booking.ends_at))
    entry.add("summary", summary)
    entry.add("location", sender.name)
    entry.add(
        "description", f"{booking.resource_name}, {quantity(v, booking)}, {booking.reference}"
    )
    entry.add("status", "CANCELLED" if is_cancelled else "CONFIRMED" if is_sure else "TENTATIVE")
    entry.add("transp", "TRANSPARENT" if is_cancelled else "OPAQUE")
    return entry


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
