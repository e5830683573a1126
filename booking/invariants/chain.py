"""The chain of sealed events holds: nothing was changed, taken out or slipped in."""

from datetime import timedelta
from typing import Any

from sqlalchemy import LargeBinary, Select, bindparam, exists, func, or_, select

from booking.sealing import BEGINNING, sealed_text
from models import BookingEvent, EventSeal

Question = Select[Any]

_LATE = timedelta(hours=1)


def seal_broken() -> Question:
    """Seals that do not fit the seal before them and their event."""
    links = (
        select(
            EventSeal.venue_id,
            EventSeal.number,
            EventSeal.digest,
            BookingEvent.venue_id.label("venue_of_event"),
            sealed_text().label("text"),
            func.lag(EventSeal.digest)
            .over(partition_by=EventSeal.venue_id, order_by=EventSeal.number)
            .label("before"),
        )
        .join(BookingEvent, BookingEvent.id == EventSeal.event_id)
        .subquery()
    )
    beginning = bindparam("beginning", BEGINNING, LargeBinary)
    body = func.coalesce(links.c.before, beginning).op("||")(func.convert_to(links.c.text, "UTF8"))
    return select(func.concat("venue ", links.c.venue_id, " number ", links.c.number)).where(
        or_(links.c.digest != func.sha256(body), links.c.venue_id != links.c.venue_of_event)
    )


def seal_missing() -> Question:
    """Chains whose numbers do not rise by one from one on."""
    return (
        select(func.concat("venue ", EventSeal.venue_id))
        .group_by(EventSeal.venue_id)
        .having(func.count() != func.max(EventSeal.number))
    )


def event_slipped_in() -> Question:
    """Events without a seal that claim to be an hour older than what their venue sealed last."""
    last = (
        select(EventSeal.venue_id, func.max(EventSeal.sealed_at).label("sealed_at"))
        .group_by(EventSeal.venue_id)
        .subquery()
    )
    return (
        select(BookingEvent.id)
        .join(last, last.c.venue_id == BookingEvent.venue_id)
        .where(
            BookingEvent.at < last.c.sealed_at - _LATE,
            ~exists().where(EventSeal.event_id == BookingEvent.id),
        )
    )
