"""The page that the link in a mail leads to: one booking, to look at, confirm or cancel.

Its token is in the address or the form and nowhere else: no cookie opens it, so no other site can
use it, and no referrer or log carries it on.
"""

import re
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from booking.access import named_booking, opens
from booking.changes import CHANGEABLE
from booking.correspondence import Sender, Subject, read_subject
from booking.errors import BookingError, BookingNotFound
from booking.lifecycle import cancel_booking, confirm_hold
from booking.visits import read_reasons
from messages.facts import booking_facts
from messages.languages import Voice, negotiate
from messages.letters import heading_of
from messages.refusals import refusal_of
from messages.rendering import look_of
from models import Status
from webapp.pages.rendering import page
from webapp.pages.voice import chosen_language
from webapp.requests import CONTENT_SECURITY_POLICY

blueprint = Blueprint("booking_page", __name__, url_prefix="/bookings")

_NUMBER = re.compile(r"[0-9]{1,9}")
_CANCELLABLE = (Status.PENDING, Status.HELD, Status.CONFIRMED)


@blueprint.get("/<string:reference>")
def show(reference: str) -> Response:
    """Show the booking that the token opens. Looking changes nothing: scanners follow links too."""
    return _page(*opened_booking(reference))


@blueprint.post("/<string:reference>/<string:step>")
def take_step(reference: str, step: str) -> AnyResponse:
    """Confirm or cancel the booking that the token opens."""
    sender, booking = opened_booking(reference)
    try:
        match step:
            case "confirm":
                confirm_hold(booking_id=booking.id)
            case "cancel":
                cancel_booking(booking_id=booking.id, reason_id=_reason())
            case _:
                abort(404)
    except BookingError as error:
        return _page(sender, booking, refused=error)
    return back_to(booking)


def _reason() -> int | None:
    """Return the reason that was chosen, if one was."""
    given = request.form.get("reason", "")
    return int(given) if _NUMBER.fullmatch(given) else None


def opened_booking(reference: str) -> tuple[Sender, Subject]:
    """Return the booking if the token opens it; a wrong token and no such booking are alike.

    What changes something takes the token out of its form, never out of the address.
    """
    given = request.args if request.method in ("GET", "HEAD") else request.form
    token = given.get("token", "")
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


def back_to(booking: Subject) -> AnyResponse:
    """Lead to the booking's page, so that loading it again repeats nothing."""
    token = request.form["token"]
    return redirect(url_for("booking_page.show", reference=booking.reference, token=token), 303)


def voice_for(sender: Sender, booking: Subject) -> Voice:
    """Return the voice in which the booking's customer is spoken to."""
    return Voice(negotiate((chosen_language(), booking.language, sender.language)))


def render(
    template: str, sender: Sender, booking: Subject, *, status: int, **values: Any
) -> Response:
    """Show a page about a booking, of which nobody keeps a copy."""
    v = voice_for(sender, booking)
    answer = page(
        template,
        v=v,
        status=status,
        venue=sender,
        look=look_of(sender),
        facts=booking_facts(v, sender, booking, is_for_venue=False),
        note=v.t("Times are those of %(place)s.", place=v.place(sender.time_zone)),
        token=request.values.get("token", ""),
        reference=booking.reference,
        **values,
    )
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _page(sender: Sender, booking: Subject, *, refused: BookingError | None = None) -> Response:
    v = voice_for(sender, booking)
    is_cancellable = booking.status in _CANCELLABLE
    heading, lead = heading_of(v, sender, booking)
    return render(
        "booking.html",
        sender,
        booking,
        status=409 if refused else 200,
        heading=heading,
        lead=lead,
        refusal=refusal_of(v, refused) if refused else "",
        confirm=v.t("Confirm now") if booking.status is Status.HELD else "",
        change=v.t("Change the booking") if booking.status in CHANGEABLE else "",
        cancel=v.t("Cancel the booking") if is_cancellable else "",
        reasons=_reasons(v, sender) if is_cancellable else [],
    )


def _reasons(v: Voice, sender: Sender) -> list[tuple[int, str]]:
    """Return the reasons that a customer may have, those of the venue as it has written them."""
    said = {
        1: v.t("My plans have changed"),
        3: v.t("The weather"),
        4: v.t("An emergency"),
    }
    return [
        (reason.id, said.get(reason.id, reason.reason))
        for reason in read_reasons(venue_id=sender.id)
        if reason.id in said or reason.venue_id is not None
    ]
