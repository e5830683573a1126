"""The way back to one's bookings: by reference and e-mail, or by a link that is mailed again."""

from flask import Blueprint, Response, redirect, request, url_for
from marshmallow import Schema, validate
from werkzeug.wrappers import Response as AnyResponse

from booking.access import access_token
from booking.errors import BookingError, BookingNotFound, WrongCredentials
from booking.links import look_at_link
from booking.views import BookingView, read_booking, read_bookings
from models import Purpose
from webapp.api.fields import Email, Phone, Text
from webapp.limits import refuse_many_failures
from webapp.lost_links import mail_link_later
from webapp.pages import cookies
from webapp.pages.forms import Form, filled_in
from webapp.pages.guard import private
from webapp.pages.rendering import page
from webapp.pages.visitors import visitor
from webapp.pages.voice import voice

MOST_LISTED = 100
LINK_PATH = "/bookings/mine"

blueprint = Blueprint("manage", __name__)


class ReferenceForm(Schema):
    """A booking and whose it is."""

    reference = Text(longest=7, required=True, validate=validate.Regexp(r"[A-Za-z0-9]{7}\Z"))
    email = Email(required=True)


class LostForm(Schema):
    """Where somebody can be reached, one of the two."""

    email = Email()
    phone = Phone()


@blueprint.get("")
def ask() -> AnyResponse:
    """Ask which booking it is about; who is signed in sees their own."""
    if visitor() is not None:
        return redirect(url_for("account.show"), 303)
    return _page(Form(ReferenceForm()), Form(LostForm()))


@blueprint.post("")
def take_reference() -> AnyResponse:
    """Open a booking to whoever knows its reference and its address, both."""
    v, form = voice(), filled_in(ReferenceForm())
    if not form.read(v):
        return _page(form, Form(LostForm()), status=422)
    reference = form.values["reference"].upper()
    try:
        with refuse_many_failures(f"reference:{reference}"):
            booking = _proven(reference, form.values["email"])
    except WrongCredentials:
        refusal = v.t("We know no booking with this reference and this address.")
        return _page(form, Form(LostForm()), status=404, refusal=refusal)
    answer = redirect(url_for("follow.show", reference=reference), 303)
    cookies.open_booking(answer, reference, access_token(booking))
    return answer


@blueprint.post("/lost")
def take_lost() -> AnyResponse:
    """Mail a link to all bookings of somebody; the answer is the same whether we know them."""
    v, form = voice(), filled_in(LostForm())
    is_right = form.read(v)
    if is_right and not form.values:
        form.wrong = {"email": v.t("Please give one of the two.")}
    if form.wrong:
        return _page(Form(ReferenceForm()), form, status=422)
    mail_link_later(
        email=form.values.get("email"),
        phone=form.values.get("phone"),
        path=LINK_PATH,
        language=v.tag,
    )
    return page(
        "pages/told.html",
        v=v,
        heading=v.t("Look into your mail"),
        text=v.t("If we know you, we have written to you, with a link to your bookings."),
    )


@blueprint.get("/mine")
def mine() -> Response:
    """List the bookings of whoever follows a mailed link. Looking uses nothing up."""
    v = voice()
    token = request.args.get("token", "")
    try:
        email = look_at_link(token=token, purpose=Purpose.SIGN_IN).email
    except BookingError:
        return page(
            "pages/told.html",
            v=v,
            status=410,
            heading=v.t("This link is no longer good"),
            text=v.t("It has been used already, or its time has passed."),
            ask_again=True,
        )
    bookings = read_bookings(email=email, limit=MOST_LISTED)
    return private(page("pages/mine.html", v=v, bookings=bookings, access_token=access_token))


def _proven(reference: str, email: str) -> BookingView:
    """Return a booking to its own address. A wrong one and no such booking are alike."""
    try:
        booking = read_booking(reference=reference)
    except BookingNotFound:
        raise WrongCredentials from None
    if not booking.email or booking.email.lower() != email.lower():
        raise WrongCredentials
    return booking


def _page(found: Form, lost: Form, *, status: int = 200, refusal: str = "") -> Response:
    return private(
        page("pages/manage.html", v=voice(), status=status, found=found, lost=lost, refusal=refusal)
    )
