"""The pages that the links of an account lead to: prove an address, set a new password.

Looking at one changes nothing, since programs that scan mail follow links; a button does.
"""

from collections.abc import Callable

from flask import Blueprint, Response, request

from booking.accounts import PROOF_PATH, RESET_PATH, prove_email, reset_password
from booking.errors import LinkGone, PasswordTooWeak
from booking.links import look_at_link
from models import Purpose
from webapp.pages.guard import add_headers, private
from webapp.pages.rendering import page
from webapp.pages.voice import voice
from webapp.pages.words import in_words

blueprint = Blueprint("account_pages", __name__)
blueprint.after_request(add_headers)


@blueprint.get(PROOF_PATH)
def show_proof() -> Response:
    """Ask whether the account is theirs."""
    return _opened(Purpose.PROOF, lambda email: _page("prove", email=email))


@blueprint.post(PROOF_PATH)
def prove() -> Response:
    """Note that the address is proven."""
    try:
        prove_email(token=_token())
    except LinkGone:
        return _gone()
    v = voice()
    return _told(v.t("Thank you"), v.t("Your e-mail address is proven."))


@blueprint.get(RESET_PATH)
def show_reset() -> Response:
    """Ask for a new password."""
    return _opened(Purpose.RESET, lambda email: _page("reset", email=email))


@blueprint.post(RESET_PATH)
def reset() -> Response:
    """Set the new password."""
    try:
        reset_password(token=_token(), password=request.form.get("password", ""))
    except LinkGone:
        return _gone()
    except PasswordTooWeak as weak:
        refusal = in_words(voice(), weak)
        return _opened(
            Purpose.RESET,
            lambda email: _page("reset", status=422, email=email, refusal=refusal),
        )
    v = voice()
    text = v.t("Your password is set. You are signed out everywhere else.")
    return _told(v.t("Your new password"), text)


def _opened(purpose: Purpose, page: Callable[[str], Response]) -> Response:
    """Show a page to whom the link belongs."""
    try:
        return page(look_at_link(token=_token(), purpose=purpose).email)
    except LinkGone:
        return _gone()


def _token() -> str:
    return request.values.get("token", "")


def _gone() -> Response:
    v = voice()
    text = v.t("It has been used already, or its time has passed.")
    return _told(v.t("This link is no longer good"), text, status=410)


def _told(heading: str, text: str, *, status: int = 200) -> Response:
    return _page("told", status=status, heading=heading, text=text)


def _page(name: str, *, status: int = 200, **given: str) -> Response:
    answer = private(page(f"pages/{name}.html", v=voice(), status=status, token=_token(), **given))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
