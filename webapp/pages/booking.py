"""From a choice to a booking: who books, a look at all of it, and the hold.

What is filled in travels in the forms and is kept nowhere, so a mistake or the back button loses
nothing. The look at all of it carries a key that is made with it: sent twice, it books once.
"""

import json
from typing import Any
from uuid import uuid4

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from booking.access import access_token
from booking.actors import customer
from booking.errors import BookingError, SlotNotFound
from booking.holds import Contact, HoldRequest, Idempotency, place_hold
from booking.views import BookingView
from messages.languages import Voice
from models import Venue
from webapp.pages import cookies
from webapp.pages.choice import Choice, ChoiceInvalid, facts_of, query_of, read_choice
from webapp.pages.forms import ContactForm, Form, filled_in
from webapp.pages.guard import typed
from webapp.pages.rendering import page
from webapp.pages.visitors import visitor
from webapp.pages.voice import voice
from webapp.pages.words import in_words
from webapp.problems import status_of
from webapp.requests import caller_address, request_id, traceparent
from webapp.waiters import wait_for_decision

CHANNEL, FRAMED = "web", "embed"
# Most are decided by then, and are told at once; the others see their place in the queue.
WAIT_SECONDS = 2
_KEY_LENGTH = 32


def show_form(venue: Venue) -> AnyResponse:
    """Ask who books what the address chooses."""
    v = voice(venue.language)
    choice = _choice(venue)
    if choice is None or choice.refusal:
        return _not_offered(v, venue, choice)
    known = visitor()
    given = {"email": known.email, "full_name": known.full_name or ""} if known else {}
    return _form(v, venue, choice, Form(ContactForm(), given))


def take_form(venue: Venue) -> AnyResponse:
    """Take who books: back to the form, on to the review, or book."""
    v = voice(venue.language)
    choice = _choice(venue)
    if choice is None or choice.refusal:
        return _not_offered(v, venue, choice)
    form = filled_in(ContactForm())
    step = request.form.get("step", "")
    if step == "who":
        return _form(v, venue, choice, form)
    if not form.read(v):
        return _form(v, venue, choice, form, status=422)
    if step in ("book", "hold"):
        return _book(v, venue, choice, form)
    return _review(v, venue, choice, form)


def _form(
    v: Voice, venue: Venue, choice: Choice, form: Form, *, status: int = 200, refusal: str = ""
) -> Response:
    answer = page(
        "pages/who.html",
        v=v,
        status=status,
        venue=venue,
        choice=choice,
        facts=facts_of(v, choice),
        form=form,
        refusal=refusal,
        back=url_for(".find", slug=venue.slug, **query_of(choice)),
    )
    return typed(answer)


def _review(v: Voice, venue: Venue, choice: Choice, form: Form) -> Response:
    answer = page(
        "pages/review.html",
        v=v,
        venue=venue,
        choice=choice,
        facts=facts_of(v, choice),
        form=form,
        key=uuid4().hex,
    )
    return typed(answer)


def _book(v: Voice, venue: Venue, choice: Choice, form: Form) -> AnyResponse:
    key = request.form.get("key", "")
    if len(key) != _KEY_LENGTH or not key.isalnum() or not key.isascii():
        abort(400)
    try:
        placed = place_hold(_hold_request(v, venue, choice, form, key))
    except BookingError as error:
        refusal = in_words(v, error)
        return _form(v, venue, choice, form, status=status_of(type(error)), refusal=refusal)
    booking, _ = wait_for_decision(placed.booking, WAIT_SECONDS)
    return _to_outcome(booking)


def _hold_request(v: Voice, venue: Venue, choice: Choice, form: Form, key: str) -> HoldRequest:
    known, values = visitor(), form.values
    body = [list(map(str, choice.slot_ids)), choice.quantity, choice.guests, values, _hold(venue)]
    return HoldRequest(
        slot_ids=choice.slot_ids,
        quantity=choice.quantity,
        guests=choice.guests,
        customer=Contact(**{name: values.get(name) for name in ("email", "full_name", "phone")}),
        special_requests=values.get("special_requests"),
        language=v.tag,
        channel=FRAMED if request.blueprint == "embed" else CHANNEL,
        hold_minutes=_hold(venue),
        address=caller_address(),
        by=customer(known.id if known else None),
        user_id=known.id if known else None,
        only_venue=venue.id,
        idempotency=Idempotency(key=key, body=json.dumps(body, sort_keys=True).encode()),
        request_id=request_id(),
        traceparent=traceparent(),
    )


def _hold(venue: Venue) -> int | None:
    """Return for how long the places are only held: the reader has not made up their mind."""
    return venue.default_hold_minutes if request.form.get("step") == "hold" else None


def _to_outcome(booking: BookingView) -> AnyResponse:
    """Lead to the booking. In a frame on another site no cookie comes along: the link opens it."""
    token = access_token(booking)
    if request.blueprint == "embed":
        return redirect(url_for("embed_follow.show", reference=booking.reference, token=token), 303)
    answer = redirect(url_for("follow.show", reference=booking.reference), 303)
    cookies.open_booking(answer, booking.reference, token)
    return answer


def _choice(venue: Venue) -> Choice | None:
    try:
        return read_choice(venue, request.args)
    except (ChoiceInvalid, SlotNotFound):
        return None


def _not_offered(v: Voice, venue: Venue, choice: Choice | None) -> Response:
    refusal: Any = choice and choice.refusal
    return page(
        "pages/not_offered.html",
        v=v,
        status=422 if choice else 404,
        venue=venue,
        reason=in_words(v, refusal) if refusal else v.t("This time is no longer offered."),
    )
