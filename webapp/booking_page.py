"""The page that the link in a mail leads to: one booking, to look at, confirm or cancel."""

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from booking.access import named_booking, opens
from booking.correspondence import Sender, Subject, read_subject
from booking.errors import BookingError, BookingNotFound
from booking.lifecycle import cancel_booking, confirm_hold
from messages.facts import booking_facts
from messages.languages import Voice, negotiate
from messages.letters import heading_of
from messages.rendering import look_of
from models import Status
from webapp.requests import CONTENT_SECURITY_POLICY

blueprint = Blueprint("booking_page", __name__, url_prefix="/bookings")

_CANCELLABLE = (Status.PENDING, Status.HELD, Status.CONFIRMED)


@blueprint.get("/<string:reference>")
def show(reference: str) -> Response:
    """Show the booking that the token opens. Looking changes nothing: scanners follow links too."""
    return _page(*_opened(reference, request.args.get("token", "")))


@blueprint.post("/<string:reference>/<string:step>")
def take_step(reference: str, step: str) -> AnyResponse:
    """Confirm or cancel the booking that the token opens."""
    token = request.form.get("token", "")
    sender, booking = _opened(reference, token)
    verb = {"confirm": confirm_hold, "cancel": cancel_booking}.get(step)
    if verb is None:
        abort(404)
    try:
        verb(booking_id=booking.id)
    except BookingError as refusal:
        return _page(sender, booking, refusal=str(refusal))
    return redirect(url_for(".show", reference=reference, token=token), 303)


def _opened(reference: str, token: str) -> tuple[Sender, Subject]:
    """Return the booking if the token opens it; a wrong token and no such booking are alike."""
    booking_id = named_booking(token)
    if booking_id is None:
        abort(404)
    try:
        sender, booking = read_subject(booking_id)
    except BookingNotFound:
        abort(404)
    if booking.reference != reference or not opens(token, booking):
        abort(404)
    return sender, booking


def _page(sender: Sender, booking: Subject, *, refusal: str = "") -> Response:
    v = Voice(negotiate((booking.language, sender.language)))
    heading, lead = heading_of(v, sender, booking)
    page = Response(
        render_template(
            "booking.html",
            v=v,
            look=look_of(sender),
            heading=heading,
            lead=lead,
            refusal=refusal,
            facts=booking_facts(v, sender, booking, is_for_venue=False),
            note=v.t("Times are those of %(place)s.", place=v.place(sender.time_zone)),
            token=request.values.get("token", ""),
            reference=booking.reference,
            confirm=v.t("Confirm now") if booking.status is Status.HELD else "",
            cancel=v.t("Cancel the booking") if booking.status in _CANCELLABLE else "",
        ),
        status=409 if refusal else 200,
    )
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    page.headers["Cache-Control"] = "no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex"
    return page
