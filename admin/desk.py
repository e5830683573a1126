"""The desk: a booking taken by hand, for somebody who stands there or calls.

It is the same hold and the same decision as everybody's, waited for. The venue's own people are
not bound to its policies, but no place is made up for anybody: an owner who wants one more raises
the capacity, says why, and books in the same step.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import flash, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_security import current_user
from werkzeug.wrappers import Response

from admin import words
from admin.desk_forms import DeskForm, WantedForm
from admin.forms import resource_choices
from admin.places import find_resource, read_places, slot_ids_in
from admin.tenancy import current_realm
from admin.views import Guarded, obey
from booking.actors import staff
from booking.beyond import book_beyond
from booking.errors import BookingError, CannotTake, IdempotencyKeyReused, InvalidRequest
from booking.holds import Contact, HoldRequest, Idempotency, place_hold
from booking.rule import Reason
from booking.views import BookingView
from booking.waiting import wait_or_withdraw
from models import Resource, Status

_WAIT_SECONDS = 10.0
_BESIDE = {"slot_ids": "slots"}


class DeskView(Guarded, BaseView):
    """Take a booking: what is wanted, what there is, and who it is for."""

    def __init__(self) -> None:
        super().__init__(name="New booking", endpoint="admin_desk", url="desk")

    def is_visible(self) -> bool:
        """Not in the menu: the list of bookings leads here."""
        return False

    @expose("/", methods=("GET", "POST"))
    def index_view(self) -> Response | str:
        """Show what there is, and book it."""
        wanted = WantedForm(request.args or None, data=_first_guess())
        asked = bool(request.args.get("resource"))
        resource = None
        if asked and wanted.validate():
            resource = find_resource(wanted.resource.data)
        form = DeskForm(quantity=wanted.quantity.data, key=str(uuid4()))
        if resource is None or request.method == "GET" or not form.validate():
            return self._page(wanted, resource, form)
        by_force = "beyond" in request.form
        if by_force and not current_realm().may_manage(resource.venue_id):
            by_force = False
        try:
            booking = _take(resource, form, by_force=by_force)
        except IdempotencyKeyReused:
            # Somebody went back in the browser and typed in somebody else.
            flash("This form has booked already. To book once more, send it again.", "error")
            form.key.data = str(uuid4())
            return self._page(wanted, resource, form)
        except BookingError as refusal:
            _show(refusal, form)
            return self._page(wanted, resource, form, missing=_is_full(refusal))
        if booking.status is Status.CONFIRMED:
            flash(f"Booked: {booking.reference}.", "success")
            found: Response = redirect(url_for("admin_bookings.details_view", id=str(booking.id)))
            return found
        _show(CannotTake(booking.reason or Reason.INTERNAL, booking.remaining, None), form)
        # What was refused keeps its key: another try is another booking.
        form.key.data = str(uuid4())
        return self._page(wanted, resource, form, missing=booking.reason == Reason.FULL)

    def _page(
        self,
        wanted: WantedForm,
        resource: Resource | None,
        form: DeskForm,
        *,
        missing: bool = False,
    ) -> str:
        places = []
        if resource is not None and wanted.day.data is not None:
            places = read_places(resource, wanted.day.data, wanted.nights.data or 1)
        rendered: str = self.render(
            "house/desk.html",
            wanted=wanted,
            resource=resource,
            form=form,
            places=places,
            words=words,
            units=units_of(resource, form.quantity.data or 1) if resource else 1,
            is_missing=missing,
            may_raise=resource is not None and current_realm().may_manage(resource.venue_id),
        )
        return rendered


def units_of(resource: Resource, quantity: int) -> int:
    """Return how many places of each slot that many people, seats or rooms take."""
    return 1 if resource.counted_in == "parties" else quantity


def refusal_words(refusal: BookingError) -> str:
    """Say why something was refused, as one says it at the desk."""
    if isinstance(refusal, CannotTake):
        left = "" if refusal.remaining is None else f" Left: {refusal.remaining}."
        return f"Not done: {words.reason_words(refusal.reason)}.{left}"
    return str(refusal)


def _first_guess() -> dict[str, Any]:
    """Guess today at the one resource, where there is only one."""
    choices = resource_choices()
    if len(choices) != 1:
        return {"day": datetime.now(UTC).date()}
    resource = find_resource(choices[0].value)
    zone = ZoneInfo(resource.venue.time_zone)
    return {"resource": str(resource.id), "day": datetime.now(zone).date()}


def _take(resource: Resource, form: DeskForm, *, by_force: bool) -> BookingView:
    by = staff(current_user.id)
    wanted = HoldRequest(
        slot_ids=slot_ids_in(form.slots.data),
        quantity=form.quantity.data or 1,
        guests=form.guests.data,
        customer=Contact(
            email=form.email.data, full_name=form.full_name.data, phone=form.phone.data
        ),
        special_requests=form.special_requests.data,
        channel=form.channel.data,
        is_bound=False,
        by=by,
        only_venue=resource.venue_id,
        idempotency=Idempotency(
            key=form.key.data or "", body=_body(form), scope=f"desk:{current_user.id}"
        ),
        request_id=request.environ.get("holdfast.request_id"),
        decide_within=_WAIT_SECONDS,
    )
    reason = form.reason.data or ""

    def take() -> BookingView:
        if by_force:
            return book_beyond(wanted, by=by, reason=reason)
        return wait_or_withdraw(place_hold(wanted).booking, _WAIT_SECONDS)

    return obey(take)


def _body(form: DeskForm) -> bytes:
    """Return what was typed in, for telling a form sent twice from another booking."""
    names = ("slots", "quantity", "guests", "full_name", "email", "phone", "special_requests")
    return repr([form._fields[name].data for name in names]).encode()


def _is_full(refusal: BookingError) -> bool:
    return (isinstance(refusal, CannotTake) and refusal.reason == Reason.FULL) or (
        isinstance(refusal, InvalidRequest) and refusal.field == "reason"
    )


def _show(refusal: BookingError, form: DeskForm) -> None:
    """Put what was refused beside the field that it is about."""
    name = "slots"
    if isinstance(refusal, InvalidRequest):
        name = _BESIDE.get(refusal.field, refusal.field)
    field = form._fields.get(name)
    if field is None:
        flash(refusal_words(refusal), "error")
    else:
        field.errors = [*field.errors, refusal_words(refusal)]
