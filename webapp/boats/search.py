"""From a customer's words (where to, on which day) to the engine's question."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from booking.availability import Departure, find_departures, read_departures
from booking.errors import SlotNotFound
from models import Kind
from webapp.api.pagination import page_of, read_cursor
from webapp.boats.answers import FaceError, departure_entry


def search(query: dict[str, Any]) -> dict[str, Any]:
    """Return the departures that a query means, by time, as the answer's body."""
    first, last = query["date_from"], query["date_to"]
    if query["date"] is not None:
        first = last = query["date"]
    if first is not None and last is not None and last < first:
        raise FaceError(400, "invalid_date", "date_to is before date_from")
    after = read_cursor(query["cursor"], "departures")
    destination = query["destination"]
    found = find_departures(
        kind=Kind.BOATS,
        venue=query["operator"],
        first_day=first,
        last_day=last,
        attributes_begin={"destination": destination} if destination else None,
        after=(datetime.fromisoformat(after[0]), UUID(after[1])) if after else None,
        limit=query["limit"] + 1,
    )
    page = page_of(found, query["limit"], "departures", _place)
    boats = [departure_entry(departure) for departure in page["items"]]
    return {"boats": boats, "next_cursor": page["next_cursor"]}


def departure_of(departure_id: UUID, boat_id: UUID | None = None) -> Departure:
    """Return a departure, of that boat if one is named. Raises SlotNotFound."""
    departure = read_departures([departure_id], kind=Kind.BOATS).get(departure_id)
    if departure is None or boat_id not in (None, departure.slot.resource_id):
        raise SlotNotFound("There is no such departure.")
    return departure


def destination_of(slot_id: UUID) -> str:
    """Return where a departure goes."""
    return destinations_of({slot_id})[slot_id]


def destinations_of(slot_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return where departures go."""
    found = read_departures(slot_ids, kind=Kind.BOATS)
    return {id_: str(found[id_].slot.attributes.get("destination", "")) for id_ in slot_ids}


def _place(departure: Departure) -> list[str]:
    return [departure.slot.starts_at.isoformat(), str(departure.slot.id)]
