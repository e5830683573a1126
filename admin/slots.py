"""The slots: how many places, what one costs, who has them, and whether they are sold."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_admin.actions import action
from flask_security import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Query, contains_eager
from werkzeug.wrappers import Response

from admin import attribute_fields, words
from admin.database import db
from admin.forms import SlotFilters, StepForm
from admin.setting_up import SetUpView, get_resource, managed_resources
from admin.setup_forms import NewSlotForm, SlotForm, keep_unit
from admin.tenancy import Realm
from admin.visits import Visit, count_pending, read_visits, was_booked
from booking.actors import staff
from booking.errors import BookingError, CapacityBelowTaken
from booking.single_slots import NewSlot, SlotTerms, add_slot, edit_slot, set_open_many
from booking.slots import delete_slot, set_open
from models import CountedIn, Resource, Slot

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


class SlotView(SetUpView):
    """The slots of a day, or those to come; whatever is changed goes through the engine."""

    can_edit = True
    can_delete = True
    new_label = "New slot"
    empty_hint = "A schedule makes slots ahead; a single one can be made by hand."
    filters_class = SlotFilters
    details_template = "house/slot.html"
    edit_template = "house/slot_edit.html"
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
    can_export = True
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

    @expose("/details/")
    def details_view(self) -> str:
        """Show one slot and who has places in it."""
        row = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            model=row,
            details_columns=self._details_columns,
            get_value=self.get_detail_value,
            visits=read_visits(row.id),
            pending=count_pending(row.id),
            words=words,
            zone=row.resource.venue.time_zone,
        )
        return rendered

    @expose("/guests/")
    def guests_view(self) -> str:
        """Show who has places in a slot, on a page to print: the passengers of a departure."""
        row = self.get_one(request.args.get("id"))
        visits = read_visits(row.id)
        rendered: str = self.render(
            "house/guests.html",
            slot=row,
            visits=visits,
            people=sum(visit.quantity for visit in visits),
            words=words,
            zone=row.resource.venue.time_zone,
        )
        return rendered

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Make one slot of the resource of the address."""
        if "resource" not in request.args:
            return self.choose("resource", managed_resources())
        resource = get_resource(request.args["resource"])
        resource_id, by = resource.id, staff(current_user.id)
        form: Any = attribute_fields.of_slot(NewSlotForm, resource.venue.kind)(
            data={"minutes": 120}
        )
        keep_unit(form, is_night=resource.counted_in == CountedIn.ROOMS)
        made: list[Slot] = []

        def make() -> None:
            made.append(add_slot(resource_id=resource_id, wanted=_new_slot(form), by=by))

        if form.validate_on_submit() and self.obeyed(make, form):
            return self.saved(made[0], "The slot is there and is sold.")
        zone = words.zone_name(resource.venue.time_zone)
        return self.render(
            "house/new.html",
            form=form,
            what="New slot",
            of=f"{resource.name}, {resource.venue.name}",
            hint=f"Times are those of {zone}.",
        )

    def edit_form(self, obj: Slot | None = None) -> FlaskForm:
        """Make the form of one slot, with the attributes of its kind."""
        assert obj is not None  # noqa: S101 - the library's signature; it is always given
        form_class = attribute_fields.of_slot(SlotForm, obj.resource.venue.kind)
        return form_class(obj=obj, data=attribute_fields.as_fields(obj.attributes))

    def save(self, row: Slot, form: Any) -> None:
        price = row.price if form.price.data is None else form.price.data
        attributes = attribute_fields.typed_in(form, row.attributes)
        terms = SlotTerms(capacity=form.capacity.data, price=price, attributes=attributes)
        by, reason = staff(current_user.id), form.reason.data or None
        try:
            edit_slot(slot_id=row.id, terms=terms, by=by, reason=reason)
        except CapacityBelowTaken:
            # Whoever lowers it has to move some of these first.
            self._template_args["to_move"] = read_visits(row.id)
            raise

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Show and save the form of one slot, beside the buttons that open and close it."""
        row = self.get_one(request.args.get("id"))
        self.require_owner(row)
        form = self.edit_form(obj=row)
        back = way_back(self.details_url(row))
        if self.validate_form(form) and self.update_model(form, row):
            flash("Saved.", "success")
            return redirect(back)
        to_move: list[Visit] = self._template_args.get("to_move", [])
        return self.render(
            self.edit_template,
            model=row,
            form=form,
            back=back,
            to_move=to_move,
            may_delete=not was_booked(row.id),
            zone=row.resource.venue.time_zone,
            words=words,
        )

    @expose("/turn/", methods=("POST",))
    def turn_view(self) -> Response:
        """Open a closed slot, or close an open one."""
        row = self._row_to_step()
        is_open, by = request.form.get("to") == "open", staff(current_user.id)
        reason = request.form.get("reason", "").strip()[:300] or None
        if reason is not None and not reason.isprintable():
            abort(400)
        back = way_back(self.details_url(row))
        self.obey(partial(set_open, slot_id=row.id, is_open=is_open, by=by, reason=reason))
        flash(
            "It is sold again." if is_open else "It is closed. What is booked in it stays.",
            "success",
        )
        answer: Response = redirect(back)
        return answer

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Response:
        """Delete a slot that nobody ever booked."""
        row = self._row_to_step()
        by, url = staff(current_user.id), self.details_url(row)
        try:
            self.obey(partial(delete_slot, slot_id=row.id, by=by))
        except BookingError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The slot is deleted.", "success")
            url = way_back(self.get_url(".index_view"))
        answer: Response = redirect(url)
        return answer

    def _row_to_step(self) -> Slot:
        row: Slot = self.get_one(request.form.get("id"))
        self.require_owner(row)
        if not StepForm().validate():
            abort(400)
        return row

    @action("open", "Open")
    def open_slots(self, slots: Sequence[Slot]) -> None:
        """Sell the chosen slots again."""
        self._set_open(slots, is_open=True)

    @action("close", "Close")
    def close_slots(self, slots: Sequence[Slot]) -> None:
        """Sell no more of the chosen slots; what is held or confirmed stays."""
        self._set_open(slots, is_open=False)

    def _set_open(self, slots: Sequence[Slot], *, is_open: bool) -> None:
        ids, by = [slot.id for slot in slots], staff(current_user.id)
        try:
            self.obey(partial(set_open_many, slot_ids=ids, is_open=is_open, by=by))
        except BookingError as refusal:
            flash(str(refusal), "error")
        else:
            word = "opened" if is_open else "closed"
            flash(f"{words.number(len(ids), 'slot')} {word}.", "success")


def way_back(otherwise: str) -> str:
    """Return the page of this house from which one came, as far as the address names one."""
    given = request.args.get("back", "")
    parts = urlsplit(given)
    # A path of ours and nothing else: browsers read `//host` and `/\\host` as another site.
    is_ours = given.startswith("/admin/") and not (parts.scheme or parts.netloc)
    return given if is_ours and given.isprintable() and "\\" not in given else otherwise


def status_badge(slot: Slot) -> Markup:
    """Say whether a slot is open, full or closed."""
    if not slot.is_open:
        return words.badge("closed", "Closed")
    if slot.remaining == 0:
        return words.badge("full", "Full")
    return words.badge("open", "Open")


def _new_slot(form: Any) -> NewSlot:
    return NewSlot(
        day=form.day.data,
        start=form.start.data,
        capacity=form.capacity.data,
        price=form.price.data or Decimal(0),
        minutes=form.minutes.data if form.minutes else None,
        checkout=form.checkout.data if form.checkout else None,
        max_quantity=form.max_quantity.data,
        attributes=attribute_fields.typed_in(form, {}),
    )


def _local(slot: Slot, at: Any) -> Markup:
    return words.local_time(at, slot.resource.venue.time_zone)


def _with_venue(slot: Slot) -> Markup:
    return Markup("{} <small>{}</small>").format(slot.resource.name, slot.resource.venue.name)
