"""Changing one booking: another time, more or fewer people, other wishes."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from werkzeug.wrappers import Response
from wtforms import DateField, Form, IntegerField
from wtforms.validators import NumberRange, Optional

from admin import words
from admin.desk import refusal_words, units_of
from admin.desk_forms import ChangeForm
from admin.places import MOST_NIGHTS, read_places, slot_ids_in
from booking.actors import staff
from booking.changes import CHANGEABLE, Change, change_booking
from booking.errors import BookingError, InvalidRequest
from models import Booking


class _DayForm(Form):
    """On which day, and for how many nights, another time is looked for."""

    day = DateField("Day", validators=[Optional()])
    nights = IntegerField("Nights", validators=[Optional(), NumberRange(1, MOST_NIGHTS)])
    quantity = IntegerField("How many", validators=[Optional(), NumberRange(1, 1_000_000)])


class Changing:
    """The page of the bookings' screen on which one is changed."""

    @expose("/change/", methods=("GET", "POST"))
    def change_view(self: Any) -> Response | str:
        """Show what it can be changed to, and change it."""
        booking: Booking = self.get_one(request.values.get("id"))
        if booking.status not in CHANGEABLE:
            flash("Only a held or confirmed booking can be changed.", "error")
            back: Response = redirect(self.details_url(booking))
            return back
        looked = _DayForm(request.args)
        if not looked.validate():
            abort(400)
        form = ChangeForm(data=_as_it_is(booking, looked.quantity.data))
        if request.method == "POST" and form.validate() and _change(booking, form, self.obey):
            flash("Changed.", "success")
            changed: Response = redirect(self.details_url(booking))
            return changed
        page: str = self.render("house/change.html", **_page(booking, looked, form))
        return page


def _as_it_is(booking: Booking, quantity: int | None) -> dict[str, Any]:
    return {
        "id": str(booking.id),
        "slots": " ".join(map(str, _own(booking))),
        "quantity": quantity or booking.quantity,
        "guests": booking.guests,
        "special_requests": booking.special_requests,
    }


def _own(booking: Booking) -> list[Any]:
    lines = [line for line in booking.lines if line.released_at is None]
    ordered = sorted(lines, key=lambda line: line.slot.starts_at)
    return list(dict.fromkeys(line.slot_id for line in ordered))


def _page(booking: Booking, looked: _DayForm, form: ChangeForm) -> dict[str, Any]:
    zone = ZoneInfo(booking.venue.time_zone)
    own = _own(booking)
    starts = [line.slot.starts_at for line in booking.lines if line.slot_id in own]
    day: date = looked.day.data or min(starts).astimezone(zone).date()
    nights = looked.nights.data or max(1, len(own))
    return {
        "booking": booking,
        "day": day,
        "nights": nights,
        "form": form,
        "own": sorted(map(str, own)),
        "units": units_of(booking.resource, form.quantity.data or 1),
        "places": read_places(booking.resource, day, nights),
        "words": words,
    }


def _change(booking: Booking, form: ChangeForm, obey: Any) -> bool:
    """Have the engine change it; what it refuses stands beside the field."""
    slot_ids = slot_ids_in(form.slots.data)
    change = Change(
        slot_ids=slot_ids if set(slot_ids) != set(_own(booking)) else None,
        quantity=form.quantity.data,
        guests=form.guests.data,
        # Emptied wishes are a change, absent ones that stay absent are none.
        special_requests=form.special_requests.data or ("" if booking.special_requests else None),
    )
    by = staff(current_user.id)
    try:
        obey(lambda: change_booking(booking_id=booking.id, change=change, by=by))
    except BookingError as refusal:
        name = refusal.field if isinstance(refusal, InvalidRequest) else "slots"
        field = form._fields.get(name, form.slots)
        field.errors = [*field.errors, refusal_words(refusal)]
        return False
    return True
