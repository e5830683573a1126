"""The outcome of a booking: its place in the queue, then what became of it, by itself.

Without JavaScript the page is asked for again every few seconds while something is to come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, abort, redirect, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from booking.access import access_token, named_booking, opens
from booking.accounts import owns
from booking.correspondence import Sender, Subject, read_subject
from booking.errors import BookingError, BookingNotFound
from booking.feeds import booking_feed_token
from booking.lifecycle import cancel_booking, confirm_hold, extend_hold
from booking.views import BookingView, read_booking
from booking.waiting import FINAL, watch
from messages.facts import booking_facts
from messages.letters import heading_of
from models import Status, Venue
from webapp.api.venues import venue_of
from webapp.pages import cookies, guard
from webapp.pages.alternatives import Alternative, find_alternatives
from webapp.pages.guard import private
from webapp.pages.rendering import page
from webapp.pages.visitors import visitor
from webapp.pages.voice import voice
from webapp.pages.words import in_words
from webapp.problems import TooManyWait
from webapp.waiters import leave_place, take_place

logger = structlog.get_logger(__name__)

STREAM_SECONDS = 60
RETRY_MS = 2000
MORE_MINUTES = 10

blueprint = Blueprint("follow", __name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A booking that its reader may see and change."""

    view: BookingView
    sender: Sender
    subject: Subject
    venue: Venue


@blueprint.get("/<string:reference>/outcome")
def show(reference: str) -> AnyResponse:
    """Show how a booking stands."""
    opened = _opened(reference)
    if request.args.get("token") and not _is_framed():
        # Out of the address, so that it stands in no history and on no screenshot.
        answer = redirect(url_for(".show", reference=reference), 303)
        cookies.open_booking(answer, reference, access_token(opened.view))
        return answer
    return _page(opened)


@blueprint.post("/<string:reference>/outcome/<string:step>")
def take_step(reference: str, step: str) -> AnyResponse:
    """Confirm a hold, ask for more time, or give the places back."""
    opened = _opened(reference)
    try:
        match step:
            case "confirm":
                confirm_hold(booking_id=opened.view.id)
            case "extend":
                extend_hold(booking_id=opened.view.id, minutes=MORE_MINUTES)
            case "cancel":
                cancel_booking(booking_id=opened.view.id)
            case _:
                abort(404)
    except BookingError as error:
        v = voice(opened.subject.language, opened.sender.language)
        return _page(_opened(reference), refusal=in_words(v, error))
    return redirect(url_for(".show", reference=reference, **_framed_token()), 303)


@blueprint.get("/<string:reference>/outcome/events")
def events(reference: str) -> Response:
    """Say whenever the booking has changed, until nothing more can come of it."""
    booking = _opened(reference).view
    if not take_place():
        raise TooManyWait
    seen = request.args.get("seen", "")
    answer = Response(_stream(booking, seen), mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(leave_place)
    return answer


def _stream(booking: BookingView, seen: str) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    try:
        for now in watch(booking, STREAM_SECONDS):
            is_news = now is not None and _stand(now) != seen
            yield "event: booking\ndata: \n\n" if is_news else ": still here\n\n"
            if now is not None and now.status in FINAL:
                yield "event: done\ndata: \n\n"
    except SQLAlchemyError as error:
        logger.warning("stream_broken", error=type(error).__name__)


def _opened(reference: str) -> Opened:
    """Return the booking if the link, the cookie or the account opens it; else it is not there."""
    try:
        view = _of_token(reference) or _of_account(reference)
        if view is None:
            abort(404)
        sender, subject = read_subject(view.id)
    except BookingNotFound:
        abort(404)
    venue = venue_of(view.venue)
    if _is_framed():
        guard.let_frame(venue.embed_origins)
    return Opened(view, sender, subject, venue)


def _of_token(reference: str) -> BookingView | None:
    token = cookies.booking_token()
    booking_id = named_booking(token) if token else None
    if booking_id is None:
        return None
    booking = read_booking(booking_id=booking_id)
    return booking if booking.reference == reference and opens(token, booking) else None


def _of_account(reference: str) -> BookingView | None:
    known = visitor()
    if known is None or not (reference.isascii() and reference.isalnum()):
        return None
    booking = read_booking(reference=reference)
    return booking if owns(known, user_id=booking.user_id, email=booking.email) else None


def _page(opened: Opened, *, refusal: str = "") -> Response:
    view, sender, subject = opened.view, opened.sender, opened.subject
    v = voice(subject.language, sender.language)
    heading, lead = heading_of(v, sender, subject)
    alternatives: list[Alternative] = []
    shop = "embed" if _is_framed() else "venue"
    if view.status in (Status.REJECTED, Status.EXPIRED):
        alternatives = find_alternatives(v, opened.venue, view, shop=shop)
    answer = page(
        "pages/outcome.html",
        v=v,
        status=409 if refusal else 200,
        venue=opened.venue,
        booking=view,
        heading=heading,
        lead=lead,
        refusal=refusal,
        facts=booking_facts(v, sender, subject, is_for_venue=False),
        feed=booking_feed_token(subject) if view.status is Status.CONFIRMED else "",
        token=request.values.get("token", ""),
        alternatives=alternatives,
        is_over=view.status in FINAL,
        seen=_stand(view),
        manage_token=access_token(view),
        shop=shop,
    )
    if not _is_framed():
        # The pages that follow, of the same booking, are opened by it as well.
        cookies.open_booking(answer, view.reference, access_token(view))
    return private(answer)


def _stand(view: BookingView) -> str:
    """Return what a page that shows the booking has seen of it."""
    return f"{view.status}.{view.position or 0}.{view.updated_at.timestamp():.6f}"


def _framed_token() -> dict[str, Any]:
    return {"token": request.form.get("token", "")} if _is_framed() else {}


def _is_framed() -> bool:
    return request.blueprint == "embed_follow"
