"""The bookings: found, read with their history, and taken a step further by the engine."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload, selectinload
from werkzeug.wrappers import Response

from admin import words
from admin.database import db
from admin.forms import BookingFilters, CancelForm, StepForm
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.actors import staff
from booking.errors import BookingError
from booking.lifecycle import cancel_booking, check_in, complete, mark_no_show
from booking.states import may_become
from models import (
    Booking,
    BookingSlot,
    Membership,
    Notification,
    Resource,
    Slot,
    Status,
    User,
)

_LABELS = {"first_slot": "For", "contact_name": "Name", "created_at": "Received"}
_FORMATS = {
    "status": lambda v, c, booking, n: words.status_badge(booking.status),
    "resource": lambda v, c, booking, n: Markup("{} <small>{}</small>").format(
        booking.resource.name, booking.venue.name
    ),
    "first_slot": lambda v, c, booking, n: _local(booking, _first_start(booking)),
    "created_at": lambda v, c, booking, n: _local(booking, booking.created_at),
}


class BookingView(OwnerView):
    """All bookings, newest first; the buttons of a booking call the engine's verbs."""

    filters_class = BookingFilters
    details_template = "house/booking.html"
    column_list = (
        "reference",
        "status",
        "resource",
        "first_slot",
        "quantity",
        "contact_name",
        "channel",
        "created_at",
    )
    column_labels = _LABELS
    column_formatters = _FORMATS
    ordering = (Booking.seq.desc(),)
    eager = (
        joinedload(Booking.venue, innerjoin=True),
        joinedload(Booking.resource, innerjoin=True),
        selectinload(Booking.lines).joinedload(BookingSlot.slot, innerjoin=True),
    )

    def __init__(self) -> None:
        super().__init__(Booking, name="Bookings")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Booking.venue_id)

    def venue_id_of(self, row: Booking) -> int:
        return row.venue_id

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Booking.venue_id == int(venue_id))
        if (resource_id := filters.chosen("resource")) is not None:
            query = query.filter(Booking.resource_id == UUID(resource_id))
        if (status := filters.chosen("status")) is not None:
            query = query.filter(Booking.status == status)
        if (reference := filters.chosen("reference")) is not None:
            query = query.filter(Booking.reference.startswith(reference))
        if (day := filters.chosen("day")) is not None:
            query = query.filter(Booking.id.in_(_on_day(day)))
        return query

    @expose("/details/")
    def details_view(self) -> str:
        """Show one booking: what it takes, what happened to it, what can be done with it."""
        booking = self.get_one(request.args.get("id"))
        names = _names_of_people(booking.venue_id)
        rendered: str = self.render(
            self.details_template,
            booking=booking,
            history=[
                (event.at, words.event_words(event), words.actor_words(event.actor, names))
                for event in booking.events
            ],
            may_become={str(status): may_become(booking.status, status) for status in Status},
            has_begun=min(line.slot.starts_at for line in booking.lines) <= datetime.now(UTC),
            messages=_messages_of(booking),
            step_form=StepForm(id=str(booking.id)),
            cancel_form=CancelForm(booking.venue_id, id=str(booking.id)),
            words=words,
        )
        return rendered

    @expose("/cancel/", methods=("POST",))
    def cancel_view(self) -> Response:
        """Cancel a booking and free its places."""
        booking = self.get_one(request.form.get("id"))
        form = CancelForm(booking.venue_id)
        if not form.validate():
            abort(400)
        by, reason_id = staff(current_user.id), form.reason_id
        return self._step(
            booking,
            lambda: cancel_booking(booking_id=booking.id, by=by, reason_id=reason_id),
            "The booking is cancelled and its places are free.",
        )

    @expose("/check-in/", methods=("POST",))
    def check_in_view(self) -> Response:
        """Note that the customer has come."""
        booking, by = self._booking_to_step()
        return self._step(booking, lambda: check_in(booking_id=booking.id, by=by), "Checked in.")

    @expose("/complete/", methods=("POST",))
    def complete_view(self) -> Response:
        """Note that the visit is over."""
        booking, by = self._booking_to_step()
        return self._step(booking, lambda: complete(booking_id=booking.id, by=by), "Completed.")

    @expose("/no-show/", methods=("POST",))
    def no_show_view(self) -> Response:
        """Note that nobody came."""
        booking, by = self._booking_to_step()
        return self._step(
            booking, lambda: mark_no_show(booking_id=booking.id, by=by), "Noted: nobody came."
        )

    def _booking_to_step(self) -> tuple[Booking, Any]:
        booking = self.get_one(request.form.get("id"))
        if not StepForm().validate():
            abort(400)
        return booking, staff(current_user.id)

    def _step(self, booking: Booking, verb: Callable[[], object], said: str) -> Response:
        url = self.details_url(booking)
        try:
            self.obey(verb)
        except BookingError as refusal:
            flash(str(refusal), "error")
        else:
            flash(said, "success")
        back: Response = redirect(url)
        return back


def _on_day(day: Any) -> Any:
    """Select the ids of bookings with a slot on that day of the venue, within the realm."""
    return (
        select(BookingSlot.booking_id)
        .join(BookingSlot.slot)
        .join(Slot.resource)
        .where(current_realm().limit(Resource.venue_id), Slot.local_on == day)
    )


def _names_of_people(venue_id: int) -> dict[str, str]:
    """Return the names of the venue's own people, for the history."""
    rows = db.session.execute(
        select(User.id, User.full_name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.venue_id == venue_id)
    )
    return {str(user_id): name or email for user_id, name, email in rows}


def _messages_of(booking: Booking) -> list[Notification]:
    """Return the messages about a booking, oldest first."""
    query = select(Notification).where(Notification.booking_id == booking.id)
    return list(db.session.scalars(query.order_by(Notification.id)))


def _first_start(booking: Booking) -> Any:
    lines = [line for line in booking.lines if line.released_at is None] or booking.lines
    return min((line.slot.starts_at for line in lines), default=None)


def _local(booking: Booking, at: Any) -> Markup:
    return words.local_time(at, booking.venue.time_zone)
