"""An account's own pages: register, sign in, one's bookings and choices, sign out."""

from flask import Blueprint, Response, after_this_request, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from booking.access import access_token
from booking.accounts import ask_for_reset, choose, register_account, sign_in
from booking.errors import EmailTaken, PasswordTooWeak, SignInBusy, WrongCredentials
from booking.passwords import refuse_weak
from booking.views import read_bookings
from messages.languages import Voice, languages
from webapp.api.auth_schemas import LoginRequest, RegisterRequest, ResetRequest
from webapp.limits import refuse_many_failures
from webapp.pages.forms import Form, filled_in
from webapp.pages.guard import private
from webapp.pages.rendering import page
from webapp.pages.visitors import begin_visit, end_visit, visitor
from webapp.pages.voice import keep, local_path, voice
from webapp.pages.words import in_words

MOST_LISTED = 100

blueprint = Blueprint("account", __name__)


@blueprint.get("")
def show() -> AnyResponse:
    """Show one's bookings and choices."""
    known = visitor()
    if known is None:
        return redirect(url_for(".ask_sign_in"), 303)
    bookings = read_bookings(
        user_id=known.id,
        proven_email=known.email if known.is_confirmed else None,
        limit=MOST_LISTED,
    )
    answer = page(
        "pages/account.html",
        v=voice(),
        account=known,
        bookings=bookings,
        access_token=access_token,
    )
    return private(answer)


@blueprint.post("")
def take_choices() -> AnyResponse:
    """Keep the language of somebody's messages, and whether they are reminded."""
    known = visitor()
    if known is None:
        return redirect(url_for(".ask_sign_in"), 303)
    tag = request.form.get("language", "")
    choose(
        account_id=known.id,
        language=tag if tag in languages() else None,
        wants_reminders="reminders" in request.form,
    )
    answer = redirect(url_for(".show"), 303)
    if tag in languages():
        keep(answer, tag)
    return answer


@blueprint.get("/sign-in")
def ask_sign_in() -> Response:
    """Ask who it is."""
    return _form("sign_in", voice(), Form(LoginRequest()))


@blueprint.post("/sign-in")
def take_sign_in() -> AnyResponse:
    """Sign in."""
    v, form = voice(), filled_in(LoginRequest())
    if not form.read(v):
        return _form("sign_in", v, form, status=422)
    try:
        with refuse_many_failures(form.values["email"]):
            account = sign_in(**form.values)
    except (WrongCredentials, SignInBusy) as error:
        return _form("sign_in", v, form, status=401, refusal=in_words(v, error))
    back = request.form.get("back", "")
    answer = redirect(local_path(back) if back else url_for(".show"), 303)
    begin_visit(answer, account)
    if account.language in languages():
        keep(answer, account.language)
    return answer


@blueprint.get("/register")
def ask_registration() -> Response:
    """Ask who wants an account."""
    return _form("register", voice(), Form(RegisterRequest()))


@blueprint.post("/register")
def take_registration() -> AnyResponse:
    """Make an account. The answer is the same where there was one already."""
    v, form = voice(), filled_in(RegisterRequest())
    if not form.read(v):
        return _form("register", v, form, status=422)
    email, name = form.values["email"], form.values["full_name"]
    try:
        refuse_weak(form.values["password"], known=[email, name or ""])
        register_account(**form.values)
    except PasswordTooWeak as weak:
        form.wrong = {"password": in_words(v, weak)}
        return _form("register", v, form, status=422)
    except SignInBusy as busy:
        return _form("register", v, form, status=503, refusal=in_words(v, busy))
    except EmailTaken:
        _ask_for_reset_later(email)
    return _told(
        v,
        v.t("Look into your mail"),
        v.t("We have mailed you a link that proves your address. You can sign in at once."),
    )


@blueprint.get("/forgotten")
def ask_forgotten() -> Response:
    """Ask whose password is to be set anew."""
    return _form("forgotten", voice(), Form(ResetRequest()))


@blueprint.post("/forgotten")
def take_forgotten() -> AnyResponse:
    """Mail a link that sets a new password, if there is such an account."""
    v, form = voice(), filled_in(ResetRequest())
    if not form.read(v):
        return _form("forgotten", v, form, status=422)
    _ask_for_reset_later(form.values["email"])
    return _told(
        v,
        v.t("Look into your mail"),
        v.t("If there is such an account, we have mailed it a link."),
    )


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """Sign out, and have the browser forget the bookings that it keeps for times without a net."""
    answer = redirect("/", 303)
    end_visit(answer)
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


def _form(name: str, v: Voice, form: Form, *, status: int = 200, refusal: str = "") -> Response:
    answer = page(
        f"pages/{name}.html",
        v=v,
        status=status,
        form=form,
        refusal=refusal,
        back=request.values.get("back", ""),
    )
    return private(answer)


def _told(v: Voice, heading: str, text: str) -> Response:
    return private(page("pages/told.html", v=v, heading=heading, text=text, sign_in=True))


def _ask_for_reset_later(email: str) -> None:
    """Write to somebody after the answer has gone, so that its time tells nobody anything."""

    def later(response: Response) -> Response:
        response.call_on_close(lambda: ask_for_reset(email=email))
        return response

    after_this_request(later)
