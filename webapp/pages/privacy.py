"""What is kept of somebody: ask for a link, look, take it along, have it erased."""

from uuid import UUID

from flask import Blueprint, Response, json, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from booking.errors import LinkGone, PrivacyRequestNotFound
from booking.privacy.erasing import ask_for_privacy, read_request, request_erasure
from booking.privacy.people import export, preview
from models import OnFuture
from webapp.api.auth_schemas import ResetRequest
from webapp.pages.forms import Form, filled_in
from webapp.pages.guard import private
from webapp.pages.rendering import page
from webapp.pages.voice import voice

blueprint = Blueprint("my_data", __name__)


@blueprint.get("")
def show() -> Response:
    """Show what is kept of whoever follows a mailed link; without one, ask for the address."""
    token = request.args.get("token")
    if token is None:
        return _ask(Form(ResetRequest()))
    try:
        found = preview(token=token)
    except LinkGone:
        return _gone()
    return _page("privacy", found=found, token=token)


@blueprint.post("")
def take_ask() -> Response:
    """Mail a link; the answer is the same whether the address is known."""
    v, form = voice(), filled_in(ResetRequest())
    if not form.read(v):
        return _ask(form, status=422)
    ask_for_privacy(email=form.values["email"], venue=None, language=v.tag)
    text = v.t("We have written to you, with a link to what is kept of you.")
    return _page("told", heading=v.t("Look into your mail"), text=text)


@blueprint.post("/export")
def take_along() -> Response:
    """Give all of it as a file. The link stays good."""
    try:
        found = export(token=request.form.get("token", ""))
    except LinkGone:
        return _gone()
    answer = private(Response(json.dumps(found, indent=1), mimetype="application/json"))
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@blueprint.post("/erasure")
def take_erasure() -> AnyResponse:
    """Use the link up and have it erased."""
    wish = OnFuture.CANCEL if request.form.get("on_future") == "cancel" else OnFuture.KEEP
    try:
        asked = request_erasure(token=request.form.get("token", ""), on_future=wish)
    except LinkGone:
        return _gone()
    return redirect(url_for(".follow", request_id=asked.id), 303)


@blueprint.get("/requests/<uuid:request_id>")
def follow(request_id: UUID) -> Response:
    """Show how far an erasure is."""
    v = voice()
    try:
        asked = read_request(request_id=request_id)
    except PrivacyRequestNotFound:
        return _gone()
    waits_for = {
        "future": v.t("The rest goes as soon as your last booking is over."),
        "legal_hold": v.t("The rest has to be kept by law for the time being, and goes then."),
        "message": v.t("The rest goes as soon as the last message to you is on its way."),
    }.get(asked.waits_for or "")
    due = v.moment(asked.due_at, "UTC")
    text = {
        "open": v.t("It will be done by %(deadline)s (UTC) at the latest.", deadline=due),
        "waiting": waits_for or "",
        "done": v.t("Nothing is kept of you any more."),
    }[asked.state]
    return _page("told", heading=v.t("Your data is being erased"), text=text)


def _ask(form: Form, *, status: int = 200) -> Response:
    return _page("privacy_ask", status=status, form=form)


def _gone() -> Response:
    v = voice()
    text = v.t("It has been used already, or its time has passed.")
    return _page("told", status=410, heading=v.t("This link is no longer good"), text=text)


def _page(name: str, *, status: int = 200, **given: object) -> Response:
    answer = private(page(f"pages/{name}.html", v=voice(), status=status, **given))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
