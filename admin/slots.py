"""The slots: how many places, how many are left, and whether they are sold."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import flash
from flask_admin.actions import action
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Query, contains_eager

from admin import words
from admin.database import db
from admin.forms import CapacityForm, SlotFilters
from admin.tenancy import Realm
from admin.views import OwnerView
from booking.actors import staff
from booking.errors import BookingError
from booking.slots import change_capacity, set_open
from models import Resource, Slot

_LABELS = {
    "starts_at": "Starts",
    "ends_at": "Ends",
    "remaining": "Left",
    "max_quantity": "Largest booking",
    "attributes": "More",
}
_FORMATS = {
    "starts_at": lambda v, c, slot, n: _local(slot, slot.starts_at),
    "resource": lambda v, c, slot, n: _with_venue(slot),
    "status": lambda v, c, slot, n: status_badge(slot),
}
_DETAIL_FORMATS = {
    "ends_at": lambda v, c, slot, n: _local(slot, slot.ends_at),
    "resource": lambda v, c, slot, n: slot.resource,
    "venue": lambda v, c, slot, n: slot.resource.venue,
    "price": lambda v, c, slot, n: f"{slot.price} {slot.currency}",
    "attributes": lambda v, c, slot, n: words.attributes_list(slot.attributes),
}


class SlotView(OwnerView):
    """The slots of a day, or those to come; capacity and opening through the engine."""

    can_edit = True
    form = CapacityForm
    filters_class = SlotFilters
    column_list = ("starts_at", "resource", "capacity", "remaining", "status")
    column_details_list = (
        "starts_at",
        "ends_at",
        "resource",
        "venue",
        "capacity",
        "remaining",
        "status",
        "price",
        "max_quantity",
        "attributes",
    )
    column_labels = _LABELS
    column_formatters = _FORMATS
    column_formatters_detail = _FORMATS | _DETAIL_FORMATS
    ordering = (Slot.starts_at, Slot.id)

    def __init__(self) -> None:
        super().__init__(Slot, name="Slots")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Resource.venue_id)

    def venue_id_of(self, row: Slot) -> int:
        return row.resource.venue_id

    def get_query(self) -> "Query[Any]":
        return (
            db.session.query(Slot)
            .join(Slot.resource)
            .join(Resource.venue)
            .options(contains_eager(Slot.resource).contains_eager(Resource.venue))
            .filter(self._own())
        )

    def get_count_query(self) -> "Query[Any]":
        return db.session.query(func.count(Slot.id)).join(Slot.resource).filter(self._own())

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Resource.venue_id == int(venue_id))
        if (resource_id := filters.chosen("resource")) is not None:
            query = query.filter(Slot.resource_id == UUID(resource_id))
        if (day := filters.chosen("day")) is not None:
            return query.filter(Slot.local_on == day)
        return query.filter(Slot.sold_until > func.now())

    def heading(self, row: Slot) -> Markup:
        return Markup("{} {}").format(row.resource.name, _local(row, row.starts_at))

    def edit_hint(self, row: Slot) -> str:
        return f"{row.capacity - row.remaining} of {row.capacity} are taken."

    def save(self, row: Slot, form: CapacityForm) -> None:
        change_capacity(slot_id=row.id, capacity=form.capacity.data, by=staff(current_user.id))

    @action("open", "Open")
    def open_slots(self, slots: Sequence[Slot]) -> None:
        """Sell the chosen slots again."""
        self._set_open(slots, is_open=True)

    @action("close", "Close")
    def close_slots(self, slots: Sequence[Slot]) -> None:
        """Sell no more of the chosen slots; what is held or confirmed stays."""
        self._set_open(slots, is_open=False)

    def _set_open(self, slots: Sequence[Slot], *, is_open: bool) -> None:
        done, by = 0, staff(current_user.id)
        try:
            for slot in slots:
                self.obey(partial(set_open, slot_id=slot.id, is_open=is_open, by=by))
                done += 1
        except BookingError as refusal:
            flash(str(refusal), "error")
        word = "opened" if is_open else "closed"
        flash(f"{done} {'slot' if done == 1 else 'slots'} {word}.", "success" if done else "error")


def status_badge(slot: Slot) -> Markup:
    """Say whether a slot is open, full or closed."""
    if not slot.is_open:
        return words.badge("closed", "Closed")
    if slot.remaining == 0:
        return words.badge("full", "Full")
    return words.badge("open", "Open")


def _local(slot: Slot, at: Any) -> Markup:
    return words.local_time(at, slot.resource.venue.time_zone)


def _with_venue(slot: Slot) -> Markup:
    return Markup("{} <small>{}</small>").format(slot.resource.name, slot.resource.venue.name)
