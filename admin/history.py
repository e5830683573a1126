"""What happened to a booking, in words: what, who and when, by the names of people and times."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import select

from admin import words
from admin.database import db
from models import (
    ApiToken,
    Booking,
    BookingEvent,
    BulkItem,
    BulkJob,
    CancellationReason,
    Slot,
    User,
)

_NAMES = {"special_requests": "Wishes", "details": "Answers"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a booking's history."""

    at: datetime
    what: str
    who: str
    more: tuple[Markup, ...]


def tell_history(booking: Booking) -> list[Happening]:
    """Return what happened to a booking, the oldest first, in a handful of questions."""
    names = _names_of(booking.events)
    times = _times_of(booking)
    reasons = _reasons_of(booking.events)
    deeds = _deeds_on(booking)
    return [
        Happening(
            event.at,
            words.event_words(event),
            _who(event.actor, names),
            (*_details(event, times, reasons), *_together(event, deeds)),
        )
        for event in booking.events
    ]


def _names_of(events: list[BookingEvent]) -> dict[str, str]:
    """Return the names behind the ids that acted on this booking, whether or not still there."""
    ids = set()
    for event in events:
        _, _, who = event.actor.partition(":")
        if (found := _uuid(who)) is not None:
            ids.add(found)
    if not ids:
        return {}
    people = db.session.execute(select(User.id, User.full_name, User.email).where(User.id.in_(ids)))
    names = {str(id_): name or email for id_, name, email in people}
    tokens = db.session.execute(select(ApiToken.id, ApiToken.name).where(ApiToken.id.in_(ids)))
    return names | {str(id_): f"“{name}”, a connected system" for id_, name in tokens}


def _who(actor: str, names: dict[str, str]) -> str:
    kind, _, who = actor.partition(":")
    if kind == "customer":
        # Which account a customer has is their own affair.
        return words.actor_words(kind, {})
    return names.get(who) or words.actor_words(kind, {})


def _times_of(booking: Booking) -> dict[str, Markup]:
    """Return when the slots begin that its changes speak of."""
    ids = {
        found
        for event in booking.events
        for name in ("slots_from", "slots_to")
        for each in _list(event.details.get(name))
        if (found := _uuid(each)) is not None
    }
    if not ids:
        return {}
    rows = db.session.execute(select(Slot.id, Slot.starts_at).where(Slot.id.in_(ids)))
    zone = booking.venue.time_zone
    return {str(id_): words.local_time(at, zone) for id_, at in rows}


def _reasons_of(events: list[BookingEvent]) -> dict[int, str]:
    ids = {event.details["reason_id"] for event in events if "reason_id" in event.details}
    if not ids:
        return {}
    rows = db.session.execute(
        select(CancellationReason.id, CancellationReason.reason).where(
            CancellationReason.id.in_(ids)
        )
    )
    return {id_: reason for id_, reason in rows}  # noqa: C416


def _deeds_on(booking: Booking) -> list[tuple[BulkItem, BulkJob]]:
    rows = db.session.execute(
        select(BulkItem, BulkJob).join(BulkItem.job).where(BulkItem.booking_id == booking.id)
    )
    return [(item, job) for item, job in rows]


def _details(
    event: BookingEvent, times: dict[str, Markup], reasons: dict[int, str]
) -> list[Markup]:
    found: list[Markup] = []
    given = event.details
    if (reason := reasons.get(given.get("reason_id", 0))) is not None:
        found.append(Markup("Reason: {}").format(reason))
    if "slots_to" in given:
        found.append(
            Markup("From {} to {}").format(
                _joined(given.get("slots_from"), times), _joined(given["slots_to"], times)
            )
        )
    for name, said in (("quantity", "How many"), ("guests", "Guests")):
        if isinstance(change := given.get(name), dict):
            found.append(
                Markup("{}: {} instead of {}").format(said, change.get("to"), change.get("from"))
            )
    found += [Markup("{} changed").format(said) for name, said in _NAMES.items() if name in given]
    if "minutes" in given:
        found.append(Markup("{} from then").format(words.minutes(int(given["minutes"]))))
    return found


def _together(event: BookingEvent, deeds: list[tuple[BulkItem, BulkJob]]) -> list[Markup]:
    """Say that it was done with many others, where it was."""
    kind = {"cancelled": "cancel", "changed": "move"}.get(event.kind)
    return [
        Markup("Together with others: “{}”").format(job.message or "no message")
        for item, job in deeds
        if item.state == "done" and job.deed == kind and job.actor == event.actor
    ][:1]


def _joined(ids: Any, times: dict[str, Markup]) -> Markup:
    return Markup(", ").join(times.get(str(each), Markup("a slot that is gone")) for each in ids)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
