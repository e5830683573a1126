"""The pages that the links of an account lead to: prove an address, set a new password.

Looking at one changes nothing, since programs that scan mail follow links; a button does.
"""

from collections.abc import Callable

from flask import Blueprint, Response, render_template, request

from booking.accounts import PROOF_PATH, RESET_PATH, prove_email, reset_password
from booking.errors import LinkGone, PasswordTooWeak
from booking.links import look_at_link
from models import Purpose

blueprint = Blueprint("account_pages", __name__)


@blueprint.get(PROOF_PATH)
def show_proof() -> Response:
    """Ask whether the account is theirs."""
    return _opened(Purpose.PROOF, lambda email: _page("prove.html", email=email))


@blueprint.post(PROOF_PATH)
def prove() -> Response:
    """Note that the address is proven."""
    try:
        prove_email(token=_token())
    except LinkGone as gone:
        return _gone(gone)
    return _page("done.html", title="Thank you", text="Your e-mail address is proven.")


@blueprint.get(RESET_PATH)
def show_reset() -> Response:
    """Ask for a new password."""
    return _opened(Purpose.RESET, lambda email: _page("reset.html", email=email))


@blueprint.post(RESET_PATH)
def reset() -> Response:
    """Set the new password."""
    try:
        reset_password(token=_token(), password=request.form.get("password", ""))
    except LinkGone as gone:
        return _gone(gone)
    except PasswordTooWeak as weak:
        refusal = str(weak)
        return _opened(
            Purpose.RESET,
            lambda email: _page("reset.html", status=422, email=email, refusal=refusal),
        )
    text = "Your password is set. You are signed out everywhere else."
    return _page("done.html", title="Your new password", text=text)


def _opened(purpose: Purpose, page: Callable[[str], Response]) -> Response:
    """Show a page to whom the link belongs."""
    try:
        return page(look_at_link(token=_token(), purpose=purpose).email)
    except LinkGone as gone:
        return _gone(gone)


def _token() -> str:
    return request.values.get("token", "")


def _gone(gone: LinkGone) -> Response:
    return _page("done.html", status=410, title="This link is no longer good", text=str(gone))


def _page(template: str, *, status: int = 200, **given: str) -> Response:
    page = Response(
        render_template(f"account/{template}", token=_token(), **given),
        status,
        mimetype="text/html",
    )
    page.headers["Cache-Control"] = "no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex"
    return page
