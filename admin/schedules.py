"""The schedules: patterns from which slots are made ahead, looked at before they are saved."""

import hashlib
from functools import partial
from typing import Any
from uuid import UUID

from flask import flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Query, contains_eager

from admin import attribute_fields, words
from admin.database import db
from admin.forms import ResourceFilters
from admin.setting_up import SetUpView, get_resource, managed_resources
from admin.setup_forms import ExistingForm, ScheduleForm, fields_of, keep_unit, pattern_of
from admin.tenancy import Realm
from booking.actors import staff
from booking.catalogue import Pattern
from booking.replanning import (
    Existing,
    Plan,
    add_schedule,
    change_schedule,
    preview_schedule,
)
from models import CountedIn, Resource, Schedule
from settings import settings

_LABELS = {
    "start_times": "Begins at",
    "season": "Season",
    "made_until": "Made until",
    "max_quantity": "Largest booking",
    "exceptions": "Not on",
    "attributes": "More",
}
_FORMATS = {
    "name": lambda v, c, row, n: _name(row),
    "resource": lambda v, c, row, n: Markup("{} <small>{}</small>").format(
        row.resource.name, row.resource.venue.name
    ),
    "weekdays": lambda v, c, row, n: words.weekdays(row.weekdays),
    "start_times": lambda v, c, row, n: ", ".join(f"{at:%H:%M}" for at in row.start_times),
    "lasts": lambda v, c, row, n: _lasts(row),
    "season": lambda v, c, row, n: _season(row),
    "price": lambda v, c, row, n: f"{row.price} {row.resource.venue.currency}",
    "made_until": lambda v, c, row, n: words.day(row.made_until) if row.made_until else None,
    "exceptions": lambda v, c, row, n: ", ".join(words.day(day) for day in row.exceptions),
    "attributes": lambda v, c, row, n: words.attributes_list(row.attributes),
}


class ScheduleView(SetUpView):
    """Each change shows first what it comes to, for the slots that are there as well."""

    can_edit = True
    new_label = "New schedule"
    empty_hint = "A schedule says on which days and at which times a resource is sold."
    filters_class = ResourceFilters
    details_template = "house/schedule.html"
    column_list = ("name", "resource", "weekdays", "start_times", "capacity", "made_until")
    column_details_list = (
        "resource",
        "weekdays",
        "start_times",
        "lasts",
        "season",
        "exceptions",
        "capacity",
        "price",
        "max_quantity",
        "attributes",
        "made_until",
    )
    column_labels = _LABELS
    column_formatters = _FORMATS
    column_formatters_detail = _FORMATS
    ordering = (Resource.venue_id, Resource.position, Schedule.name, Schedule.id)

    def __init__(self) -> None:
        super().__init__(Schedule, name="Schedules")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Resource.venue_id)

    def venue_id_of(self, row: Schedule) -> int:
        return row.resource.venue_id

    def heading(self, row: Schedule) -> Any:
        return _name(row)

    def get_query(self) -> "Query[Any]":
        return (
            db.session.query(Schedule)
            .join(Schedule.resource)
            .join(Resource.venue)
            .options(contains_eager(Schedule.resource).contains_eager(Resource.venue))
            .filter(self._own())
        )

    def get_count_query(self) -> "Query[Any]":
        return db.session.query(func.count(Schedule.id)).join(Schedule.resource).filter(self._own())

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Resource.venue_id == int(venue_id))
        if (resource_id := filters.chosen("resource")) is not None:
            query = query.filter(Schedule.resource_id == UUID(resource_id))
        return query

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Look at a new pattern, then make its slots."""
        if "resource" not in request.args:
            return self.choose("resource", managed_resources())
        resource = get_resource(request.args["resource"])
        form = _form(resource, data={"minutes": 120})
        return self._look_then_save(resource, form, None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Look at what another pattern comes to, then give it to the schedule."""
        row = self.get_one(request.args.get("id"))
        self.require_owner(row)
        form = _form(row.resource, data=fields_of(row) | _about(row))
        return self._look_then_save(row.resource, form, row)

    @expose("/end/", methods=("GET", "POST"))
    def end_view(self) -> Any:
        """Make no more slots, and do with those that are there as chosen."""
        row = self.get_one(request.args.get("id"))
        self.require_owner(row)
        choice = _ending_form()
        url, by, schedule_id = self.details_url(row), staff(current_user.id), row.id
        if choice.validate_on_submit():
            kept = Existing(choice.existing.data)
            end = partial(change_schedule, schedule_id=schedule_id, pattern=None, existing=kept)
            if self.obeyed(lambda: end(days=settings.schedule_days, by=by), choice):
                flash("The schedule is ended: it makes no more slots.", "success")
                return redirect(url)
        plan = preview_schedule(
            resource_id=row.resource_id,
            pattern=None,
            days=settings.schedule_days,
            schedule_id=schedule_id,
        )
        return self.render(
            "house/schedule_end.html", model=row, choice=choice, plan=plan, words=words
        )

    def _look_then_save(self, resource: Resource, form: Any, row: Schedule | None) -> Any:
        """Show what was typed in comes to; save only what has been looked at."""
        choice: Any = ExistingForm()
        plan, seen = None, ""
        if form.validate_on_submit():
            pattern = pattern_of(
                form, attribute_fields.typed_in(form, row.attributes if row else {})
            )
            plan = self._looked_at(form, resource.id, pattern, row)
            seen = _digest(pattern)
            is_wanted = request.form.get("step") == "save" and plan is not None
            if is_wanted and request.form.get("seen") == seen and choice.validate():
                saved = self._save(form, choice, resource.id, pattern, row)
                if saved is not None:
                    return saved
            elif is_wanted:
                flash("It was changed since you looked: this is what it comes to now.", "info")
        return self.render(
            "house/schedule_form.html",
            model=row,
            form=form,
            choice=choice,
            plan=plan,
            seen=seen,
            resource=resource,
            zone=resource.venue.time_zone,
            words=words,
        )

    def _looked_at(
        self, form: Any, resource_id: UUID, pattern: Pattern, row: Schedule | None
    ) -> Plan | None:
        plans: list[Plan] = []
        schedule_id = None if row is None else row.id
        look = partial(preview_schedule, days=settings.schedule_days, schedule_id=schedule_id)

        def keep() -> None:
            plans.append(look(resource_id=resource_id, pattern=pattern))

        return plans[0] if self.obeyed(keep, form) else None

    def _save(
        self, form: Any, choice: Any, resource_id: UUID, pattern: Pattern, row: Schedule | None
    ) -> Any:
        """Hand the pattern to the engine; None when it was refused."""
        days, by = settings.schedule_days, staff(current_user.id)
        done: list[Schedule] = []

        def save() -> None:
            if row is None:
                done.append(
                    add_schedule(resource_id=resource_id, pattern=pattern, days=days, by=by)
                )
            else:
                kept = Existing(choice.existing.data)
                change_schedule(
                    schedule_id=row.id, pattern=pattern, existing=kept, days=days, by=by
                )
                done.append(row)

        if not self.obeyed(save, form):
            return None
        return self.saved(done[0], "The schedule is saved, and its slots are there.")


def _form(resource: Resource, data: dict[str, Any]) -> FlaskForm:
    form = attribute_fields.of_slot(ScheduleForm, resource.venue.kind)(data=data)
    keep_unit(form, is_night=resource.counted_in == CountedIn.ROOMS)
    return form


def _ending_form() -> Any:
    form: Any = ExistingForm()
    form.existing.choices = [
        choice for choice in form.existing.choices if choice.value != Existing.ADD
    ]
    form.existing.choices[0].label = "Delete those that nobody booked, and close the others"
    form.existing.choices[1].label = "Leave them as they are"
    return form


def _about(row: Schedule) -> dict[str, Any]:
    return attribute_fields.as_fields(row.attributes)


def _digest(pattern: Pattern) -> str:
    """Return what a pattern is known by between looking at it and saving it."""
    return hashlib.sha256(repr(pattern).encode()).hexdigest()[:32]


def _name(row: Schedule) -> Markup:
    mark = Markup("") if row.is_active else words.badge("closed", "Ended")
    return Markup("{} {}").format(row.name, mark)


def _lasts(row: Schedule) -> str:
    if row.checkout_time is not None:
        return f"a night, to {row.checkout_time:%H:%M}"
    return words.minutes(row.duration_minutes or 0)


def _season(row: Schedule) -> str:
    if row.valid_from is None and row.valid_until is None:
        return "all year"
    first = f"from {words.day(row.valid_from)}" if row.valid_from else ""
    last = f"until {words.day(row.valid_until)}" if row.valid_until else ""
    return f"{first} {last}".strip()
