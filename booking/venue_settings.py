"""What an owner says about a venue: its policies, its words, its zone and currency."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, VenueNotFound
from booking.remembered import changed
from booking.schedules import extend_schedule
from booking.transactions import retried, transaction
from models import OCCUPYING, Act, Booking, BookingSlot, Resource, Schedule, Slot, Status, Venue
from settings import settings

# What a number may be, from and to; all of them bind from the next decision on.
BOUNDS = {
    "notice_minutes": (0, 525_600),
    "cutoff_minutes": (0, 525_600),
    "cancel_cutoff_minutes": (0, 525_600),
    "horizon_days": (1, 3_660),
    "patience_seconds": (1, 86_400),
    "default_hold_minutes": (1, 43_200),
    "max_hold_minutes": (1, 43_200),
    "max_holds_per_person": (1, 10_000),
    "max_holds_per_address": (1, 10_000),
}
_SWITCHES = ("is_listed", "public_consumer_calls")
MOST_ORIGINS = 20
_LONGEST = {"name": 200, "opening_hours": 2000}
_ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?")


@retried
def change_venue(*, venue_id: int, values: Mapping[str, Any], by: Actor) -> None:
    """Change what a venue says of itself, and note what was and what is.

    A new zone or currency is refused while there are bookings to come; without any, the slots to
    come follow it. Raises VenueNotFound, or CatalogueInvalid, which names the field.
    """
    checked = {name: _checked(name, value) for name, value in values.items()}
    with transaction() as tx:
        venue = tx.scalar(select(Venue).where(Venue.id == venue_id).with_for_update(key_share=True))
        if venue is None:
            raise VenueNotFound
        change = {
            name: {"from": getattr(venue, name), "to": value}
            for name, value in checked.items()
            if getattr(venue, name) != value
        }
        schedules = _follow(tx, venue, change)
        for name in change:
            setattr(venue, name, checked[name])
        _check_together(venue)
        tx.flush()
        if change:
            # Words of the venue's own are no policy: that they changed is enough.
            details: dict[str, Any] = {
                n: c if n not in _LONGEST else {"is_changed": True} for n, c in change.items()
            }
            subject = f"venue:{venue_id}"
            note_act(tx, Act.POLICY_CHANGED, venue_id=venue_id, subject=subject, by=by, **details)
    for schedule_id in schedules:
        extend_schedule(schedule_id=schedule_id, days=settings.schedule_days)


def checked_origins(text: str) -> list[str]:
    """Return the origins of a text, one a line. Raises CatalogueInvalid for what is none."""
    origins = list(dict.fromkeys(line.strip().lower().rstrip("/") for line in text.splitlines()))
    origins = [origin for origin in origins if origin]
    for origin in origins:
        if not _is_origin(origin):
            raise CatalogueInvalid(
                "embed_origins", f"{origin[:80]!r} is no origin such as https://www.example.com."
            )
    if len(origins) > MOST_ORIGINS:
        raise CatalogueInvalid("embed_origins", f"At most {MOST_ORIGINS}.")
    return origins


def checked_words(field: str, text: str, longest: int) -> str:
    """Return a text of letters, signs and line breaks. Raises CatalogueInvalid."""
    words = text.replace("\r\n", "\n").strip()
    if len(words) > longest:
        raise CatalogueInvalid(field, f"At most {longest} characters.")
    if not all(letter == "\n" or letter.isprintable() for letter in words):
        raise CatalogueInvalid(field, "Only letters, signs and line breaks.")
    return words


def _checked(name: str, value: Any) -> Any:
    if name in BOUNDS:
        least, most = BOUNDS[name]
        if not isinstance(value, int) or not least <= value <= most:
            raise CatalogueInvalid(name, f"A number from {least} to {most:,}.")
        return value
    if name in _SWITCHES:
        return bool(value)
    if name in _LONGEST:
        words = checked_words(name, str(value or ""), _LONGEST[name])
        if name == "name" and (not words or "\n" in words):
            raise CatalogueInvalid(name, "Give a name.")
        return words
    match name:
        case "embed_origins":
            return checked_origins(str(value or ""))
        case "time_zone" if value in available_timezones():
            return value
        case "currency" if value in list_currencies():
            return value
    raise CatalogueInvalid(name, "This cannot be chosen.")


def _check_together(venue: Venue) -> None:
    if venue.default_hold_minutes > venue.max_hold_minutes:
        raise CatalogueInvalid("default_hold_minutes", "No longer than the longest hold.")


def _is_origin(text: str) -> bool:
    if not _ORIGIN.fullmatch(text) or len(text) > 200:
        return False
    try:
        return bool(urlsplit(text).hostname) and urlsplit(text).port != 0
    except ValueError:
        return False


def _follow(tx: Session, venue: Venue, change: Mapping[str, Any]) -> list[int]:
    """Let the slots to come follow a new zone or currency; return the schedules to make anew."""
    moved = [name for name in ("time_zone", "currency") if name in change]
    if not moved:
        return []
    if _has_bookings_to_come(tx, venue.id):
        raise CatalogueInvalid(
            moved[0], "There are bookings to come: it can be changed when none is left."
        )
    if "currency" in change:
        tx.execute(
            update(Slot)
            .where(Slot.id.in_(_to_come(venue.id)))
            .values(currency=change["currency"]["to"])
            .execution_options(synchronize_session=False)
        )
    schedules = _clear_slots(tx, venue.id) if "time_zone" in change else []
    changed(tx, tx.scalars(select(Resource.id).where(Resource.venue_id == venue.id)).all())
    return schedules


def _clear_slots(tx: Session, venue_id: int) -> list[int]:
    """Delete the slots to come, which their schedules make anew in the new zone."""
    by_hand = select(Slot.id).where(Slot.id.in_(_to_come(venue_id)), Slot.schedule_id.is_(None))
    if tx.scalar(by_hand.limit(1)):
        raise CatalogueInvalid("time_zone", "There are slots to come that were made by hand.")
    ever_booked = exists().where(BookingSlot.slot_id == Slot.id)
    try:
        tx.execute(
            delete(Slot)
            .where(Slot.id.in_(_to_come(venue_id)), ~ever_booked)
            .execution_options(synchronize_session=False)
        )
    except IntegrityError:
        raise CatalogueInvalid("time_zone", "A booking has come in just now.") from None
    of_venue = select(Resource.id).where(Resource.venue_id == venue_id)
    return list(
        tx.scalars(
            update(Schedule)
            .where(Schedule.resource_id.in_(of_venue), Schedule.is_active)
            .values(made_until=None)
            .returning(Schedule.id)
        )
    )


def _has_bookings_to_come(tx: Session, venue_id: int) -> bool:
    found = tx.scalar(
        select(Booking.id)
        .join(BookingSlot, BookingSlot.booking_id == Booking.id)
        .where(
            BookingSlot.slot_id.in_(_to_come(venue_id)),
            BookingSlot.released_at.is_(None),
            Booking.status.in_([Status.PENDING, *OCCUPYING]),
        )
        .limit(1)
    )
    return found is not None


def _to_come(venue_id: int) -> Any:
    return (
        select(Slot.id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(Resource.venue_id == venue_id, Slot.ends_at > func.clock_timestamp())
    )
