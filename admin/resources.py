"""The dining rooms, boats and room types: made, changed, retired and brought back."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_admin.actions import action
from flask_security import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, joinedload
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from admin import attribute_fields, words
from admin.forms import StepForm, VenueFilters
from admin.setting_up import SetUpView, get_managed_venue, managed_venues
from admin.setup_forms import ResourceForm
from admin.tenancy import Realm, current_realm
from booking.actors import staff
from booking.catalogue import COUNTED_IN
from booking.feeds import renew_resource_feed, resource_feed_token
from booking.resources import (
    ResourceTerms,
    add_resource,
    bring_back_resource,
    change_resource,
    retire_resource,
)
from models import CountedIn, Kind, Resource, Venue
from settings import settings

_LABELS = {
    "counted_in": "Counted in",
    "max_quantity": "Largest booking",
    "people_per_room": "People in a room",
    "retired_at": "Retired",
    "feed": "Calendar feed",
    "attributes": "More",
}
_FORMATS = {
    "name": lambda v, c, resource, n: _name(resource),
}
_DETAIL_FORMATS = {
    "feed": lambda v, c, resource, n: _feed_link(resource),
    "retired_at": lambda v, c, resource, n: words.local_time(
        resource.retired_at, resource.venue.time_zone
    ),
    "attributes": lambda v, c, resource, n: words.attributes_list(resource.attributes),
}


class ResourceView(SetUpView):
    """What is booked at a venue; retired ones stay for the sake of their bookings."""

    can_edit = True
    new_label = "New resource"
    details_template = "house/resource.html"
    column_list = ("name", "venue", "counted_in", "max_quantity")
    column_details_list = (
        "venue",
        "counted_in",
        "max_quantity",
        "people_per_room",
        "retired_at",
        "attributes",
        "feed",
    )
    filters_class = VenueFilters
    column_labels = _LABELS
    column_formatters = _FORMATS
    column_formatters_detail = _DETAIL_FORMATS
    ordering = (Resource.venue_id, Resource.position, Resource.name, Resource.id)
    eager = (joinedload(Resource.venue),)

    def __init__(self) -> None:
        super().__init__(Resource, name="Resources")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Resource.venue_id)

    def venue_id_of(self, row: Resource) -> int:
        return row.venue_id

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Resource.venue_id == int(venue_id))
        return query

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Make a resource at the venue of the address."""
        if "venue" not in request.args:
            return self.choose("venue", managed_venues())
        venue = get_managed_venue(request.args["venue"])
        venue_id, by = venue.id, staff(current_user.id)
        form = _new_form(venue)
        made: list[Resource] = []

        def make() -> None:
            unit = CountedIn(form.counted_in.data if form.counted_in else _units(venue)[0])
            terms = _terms(form, {})
            made.append(add_resource(venue_id=venue_id, counted_in=unit, terms=terms, by=by))

        if form.validate_on_submit() and self.obeyed(make, form):
            return self.saved(made[0], "It is there. A schedule makes the slots in which it sells.")
        return self.render(
            "house/new.html",
            form=form,
            what=f"New {words.RESOURCE_WORDS[Kind(venue.kind)]}",
            of=venue,
        )

    def edit_form(self, obj: Resource | None = None) -> FlaskForm:
        """Make the form of one resource, with the attributes of its kind."""
        assert obj is not None  # noqa: S101 - the library's signature; it is always given
        form_class = attribute_fields.of_resource(ResourceForm, obj.venue.kind)
        form = form_class(obj=obj, data=attribute_fields.as_fields(obj.attributes))
        del form.counted_in
        if obj.counted_in != CountedIn.ROOMS:
            del form.people_per_room
        return form

    def save(self, row: Resource, form: Any) -> None:
        by, terms = staff(current_user.id), _terms(form, row.attributes)
        change_resource(resource_id=row.id, terms=terms, by=by)

    @expose("/retire/", methods=("POST",))
    def retire_view(self) -> Response:
        """Sell nothing more of it."""
        return self._turn(retire_resource, "Nothing more of it is sold. Its bookings stay.")

    @expose("/bring-back/", methods=("POST",))
    def bring_back_view(self) -> Response:
        """Sell it again."""
        return self._turn(bring_back_resource, "It is sold again.")

    def _turn(self, verb: Any, said: str) -> Response:
        row = self.get_one(request.form.get("id"))
        self.require_owner(row)
        if not StepForm().validate():
            abort(400)
        url, by = self.details_url(row), staff(current_user.id)
        self.obey(partial(verb, resource_id=row.id, by=by))
        flash(said, "success")
        back: Response = redirect(url)
        return back

    @action("renew_feed", "New calendar link")
    def renew_feeds(self, resources: Sequence[Resource]) -> None:
        """Give the chosen resources new secret links; those given out before end."""
        for resource in resources:
            self.obey(partial(renew_resource_feed, resource_id=resource.id))
        flash("The calendar links given out before no longer work.", "success")


def _new_form(venue: Venue) -> Any:
    form: Any = attribute_fields.of_resource(ResourceForm, venue.kind)()
    units = _units(venue)
    form.counted_in.choices = [SelectChoice(str(u), words.COUNTED_WORDS[u]) for u in units]
    if len(units) == 1:
        del form.counted_in
    if units[0] != CountedIn.ROOMS:
        del form.people_per_room
    return form


def _units(venue: Venue) -> Sequence[CountedIn]:
    return COUNTED_IN[Kind(venue.kind)]


def _terms(form: Any, before: dict[str, Any]) -> ResourceTerms:
    return ResourceTerms(
        name=form.name.data,
        max_quantity=form.max_quantity.data,
        people_per_room=form.people_per_room.data if form.people_per_room else None,
        attributes=attribute_fields.typed_in(form, before),
    )


def _name(resource: Resource) -> Markup:
    mark = words.badge("closed", "Retired") if resource.retired_at else Markup("")
    return Markup("{} {}").format(resource.name, mark)


def _feed_link(resource: Resource) -> Markup:
    """Show the secret link to those who run the venue."""
    if not current_realm().may_manage(resource.venue_id):
        return Markup("–")
    url = f"{settings.base_url}/calendar/resources/{resource_feed_token(resource)}.ics"
    return Markup(
        '<a href="{}">{}</a><br><small>Secret: whoever has it sees the names.</small>'
    ).format(url, "Subscribe in a calendar")
