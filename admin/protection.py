"""What guards the pages under /admin: tokens against forgery, headers, and plain refusals."""

import secrets
from typing import cast

from flask import Flask, Response, abort, g, render_template, request
from flask_security import current_user
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException

PREFIX = "/admin"

_csrf = CSRFProtect()

_ASIDE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_WORDS = {
    400: ("That cannot be done", "The request was not understood. Nothing was changed."),
    403: ("Not for you", "Your post at this venue does not include this."),
    404: ("Not here", "There is no such page, or it is not one of your venues."),
    405: ("That cannot be done", "This page cannot be called that way. Nothing was changed."),
}


def init_protection(app: Flask) -> None:
    """Guard everything under /admin, and nothing else."""
    # The API has its own proofs; only forms of the admin need tokens.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    # A token is as old as its session, so that a page left open over lunch still works.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    _csrf.init_app(app)
    app.before_request(_refuse_forgery)
    app.after_request(_add_headers)


def nonce() -> str:
    """Return the nonce of this request: a script without it does not run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    value: str = g.csp_nonce
    return value


def error_page(error: HTTPException) -> Response:
    """Say in plain words what was refused, as a page."""
    answer = error.get_response()
    title, text = _WORDS.get(
        answer.status_code, ("That did not work", "Please try again in a moment.")
    )
    # Who is signed in stands in the database, which may be what failed.
    answer.set_data(
        render_template(
            "house/error.html", title=title, text=text, is_bare=answer.status_code >= 500
        )
    )
    return cast(Response, answer)


def is_admin_request() -> bool:
    """Whether the request is for a page under /admin."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def _refuse_forgery() -> None:
    """Refuse every unsafe request without the session's token, whichever view it is for.

    A stranger's is let through to be sent to the sign-in, where the token is asked for.
    """
    if not is_admin_request():
        return
    # It would mail somebody for help with a second factor; there is no such somebody yet.
    if request.endpoint == "security.two_factor_rescue":
        abort(404)
    if request.blueprint == "security" or current_user.is_authenticated:
        _csrf.protect()


def _add_headers(response: Response) -> Response:
    if not is_admin_request():
        return response
    # The frames in which letters are shown have brought stricter rules of their own.
    if "Content-Security-Policy" not in response.headers:
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Content-Security-Policy"] = (
            "default-src 'self';"
            f" script-src 'self' 'nonce-{nonce()}';"
            f" style-src 'self' 'nonce-{nonce()}';"
            " img-src 'self' data:; object-src 'none'; base-uri 'none';"
            " form-action 'self'; frame-ancestors 'none'"
        )
    response.headers.update(_ASIDE)
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = "no-store"
    return response
