"""What operators alone do: make a venue, and ask somebody to own it."""

from typing import Any

from flask import flash, redirect, url_for
from flask_admin import BaseView, expose
from flask_security import current_user

from admin.tenancy import current_realm
from admin.venue_forms import NewVenueForm
from admin.views import Guarded
from booking.actors import staff
from booking.catalogue import found_venue
from models import Kind


class NewVenueView(Guarded, BaseView):
    """Makes a venue; what is booked there its owner sets up."""

    def __init__(self) -> None:
        super().__init__(name="New venue", endpoint="house_new_venue", url="new-venue")

    def is_accessible(self) -> bool:
        return current_realm().is_operator

    def is_visible(self) -> bool:
        return False

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Ask for what a venue needs, and make it."""
        form, by = NewVenueForm(), staff(current_user.id)
        made: list[int] = []
        if form.validate_on_submit():
            given = {
                "slug": form.slug.data,
                "name": form.name.data,
                "kind": Kind(form.kind.data),
                "time_zone": form.time_zone.data,
                "currency": form.currency.data,
                "owner": form.owner.data,
            }
            if self.obeyed(lambda: made.append(found_venue(**given, by=by)), form):
                flash("The venue is there, and its owner is invited.", "success")
                return redirect(url_for("admin_venues.details_view", id=made[0]))
        return self.render("house/new_venue.html", form=form)
