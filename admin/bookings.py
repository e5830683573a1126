"""The bookings: found, read with their history, and taken a step further by the engine."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_admin.actions import action
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload, selectinload
from werkzeug.wrappers import Response

from admin import words
from admin.changing import Changing
from admin.database import db
from admin.exports import PORTION, Column
from admin.finding import LOOKED_THROUGH, is_bounded, narrow
from admin.forms import BookingFilters, CancelForm, StepForm
from admin.history import tell_history
from admin.tenancy import Realm
from admin.together import Choosing
from admin.views import OwnerView
from booking.actors import staff
from booking.bulk import ABOUT
from booking.changes import CHANGEABLE
from booking.errors import BookingError
from booking.lifecycle import cancel_booking, check_in, complete, confirm_hold, mark_no_show
from booking.states import may_become
from models import (
    Booking,
    BookingSlot,
    Deed,
    Notification,
    Status,
)

_LABELS = {"first_slot": "For", "contact_name": "Name", "created_at": "Received"}
_FORMATS = {
    "status": lambda v, c, booking, n: words.status_badge(booking.status),
    "resource": lambda v, c, booking, n: Markup("{} <small>{}</small>").format(
        booking.resource.name, booking.venue.name
    ),
    "first_slot": lambda v, c, booking, n: _local(booking, _first_start(booking)),
    "channel": lambda v, c, booking, n: words.channel_words(booking.channel),
    "created_at": lambda v, c, booking, n: _local(booking, booking.created_at),
}


_EXPORTED: tuple[Column, ...] = (
    ("Reference", lambda booking: booking.reference),
    ("Status", lambda booking: words.STATUS_WORDS[Status(booking.status)]),
    ("Venue", lambda booking: booking.venue.name),
    ("Resource", lambda booking: booking.resource.name),
    ("From", lambda booking: _clock(booking, _first_start(booking))),
    ("Quantity", lambda booking: booking.quantity),
    ("Guests", lambda booking: booking.guests),
    ("Name", lambda booking: booking.contact_name),
    ("E-mail", lambda booking: booking.contact_email),
    ("Phone", lambda booking: booking.contact_phone),
    ("Wishes", lambda booking: booking.special_requests),
    ("Total", lambda booking: booking.total),
    ("Currency", lambda booking: booking.currency),
    ("Channel", lambda booking: words.channel_words(booking.channel)),
    ("Received", lambda booking: _clock(booking, booking.created_at)),
)


class BookingView(Changing, Choosing, OwnerView):
    """All bookings, newest first; the buttons of a booking call the engine's verbs."""

    can_export = True
    list_template = "house/bookings.html"
    columns_of_file = _EXPORTED

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

    def require_owner(self, row: Booking) -> None:
        """Bookings are the day's work, which is open to all people of the venue."""

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        self._template_args["words"] = words
        self._template_args["looked_through"] = LOOKED_THROUGH if is_bounded(filters) else None
        self._template_args["whole_day"] = _whole_day(filters)
        return narrow(query, filters)

    def portion(
        self, realm: Realm, filters: Any, after: Booking | None, skipped: int
    ) -> Sequence[Booking]:
        """Return the next bookings of the file, the newest first, each found by its number."""
        query = narrow(self.get_query().filter(realm.limit(Booking.venue_id)), filters)
        if after is not None:
            query = query.filter(Booking.seq < after.seq)
        return query.order_by(*self.ordering).limit(PORTION).all()

    @action("together", "Cancel or move…")
    def choose_together(self, bookings: Sequence[Booking]) -> Response:
        """Lead to the page on which something is done to all of them."""
        ids = [str(each.id) for each in bookings if each.status in ABOUT[Deed.CANCEL]]
        if not ids:
            flash("Those are over or cancelled already; nothing can be done to them.", "error")
            return redirect(self.back_url())
        return redirect(self.get_url(".together_view", id=ids))

    @expose("/details/")
    def details_view(self) -> str:
        """Show one booking: what it takes, what happened to it, what can be done with it."""
        booking = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            booking=booking,
            history=tell_history(booking),
            may_free=sum(line.released_at is None for line in booking.lines) > 1,
            may_change=booking.status in CHANGEABLE,
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
        """Note that nobody came; of a stay the later nights may be given to others."""
        booking, by = self._booking_to_step()
        frees = "release_later" in request.form
        return self._step(
            booking,
            lambda: mark_no_show(booking_id=booking.id, by=by, release_later=frees),
            "Noted: nobody came. The later nights are free." if frees else "Noted: nobody came.",
        )

    @expose("/confirm/", methods=("POST",))
    def confirm_view(self) -> Response:
        """Confirm a hold for a customer who says so in person or by telephone."""
        booking, by = self._booking_to_step()
        return self._step(booking, lambda: confirm_hold(booking_id=booking.id, by=by), "Confirmed.")

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


def _whole_day(filters: Any) -> dict[str, str] | None:
    """Return what names all bookings of a resource on a day, where both were chosen."""
    resource, day = filters.chosen("resource"), filters.chosen("day")
    return {"resource": resource, "day": day.isoformat()} if resource and day else None


def _messages_of(booking: Booking) -> list[Notification]:
    """Return the messages about a booking, oldest first."""
    query = select(Notification).where(Notification.booking_id == booking.id)
    return list(db.session.scalars(query.order_by(Notification.id)))


def _first_start(booking: Booking) -> Any:
    lines = [line for line in booking.lines if line.released_at is None] or booking.lines
    return min((line.slot.starts_at for line in lines), default=None)


def _clock(booking: Booking, at: datetime | None) -> datetime | None:
    """Return the clock at the venue, as a spreadsheet has it: without a zone."""
    zone = ZoneInfo(booking.venue.time_zone)
    return at.astimezone(zone).replace(tzinfo=None) if at else None


def _local(booking: Booking, at: Any) -> Markup:
    return words.local_time(at, booking.venue.time_zone)
