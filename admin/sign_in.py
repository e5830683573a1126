"""Sign-in of people, by Flask-Security: passwords, a second factor, sessions."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, redirect, request, session
from flask_login import current_user, user_logged_in
from flask_security import Security, SQLAlchemyUserDatastore
from werkzeug.wrappers import Response

from admin.database import db
from admin.second_factor import OnceRecoveryCodes, OnceTotp, init_second_factor, recovery_key
from admin.sessions import init_sessions
from models.accounts import Account, AccountRole
from settings import settings

_PAGES = {
    "LOGIN_USER_TEMPLATE": "house/sign_in.html",
    "VERIFY_TEMPLATE": "house/sign_in_again.html",
    "CHANGE_PASSWORD_TEMPLATE": "house/change_password.html",
    "TWO_FACTOR_SETUP_TEMPLATE": "house/second_factor.html",
    "TWO_FACTOR_VERIFY_CODE_TEMPLATE": "house/second_factor_code.html",
    "MULTI_FACTOR_RECOVERY_TEMPLATE": "house/recovery.html",
    "MULTI_FACTOR_RECOVERY_CODES_TEMPLATE": "house/recovery_codes.html",
}

_SECURITY: dict[str, Any] = {
    "URL_PREFIX": "/admin",
    "POST_LOGIN_VIEW": "/admin/",
    "POST_LOGOUT_VIEW": "/admin/login",
    "LOGOUT_METHODS": ["POST"],
    # Plain argon2, so that the first owner can be made without loading a web framework.
    "PASSWORD_HASH": "argon2",
    "PASSWORD_SINGLE_HASH": True,
    "PASSWORD_SCHEMES": ["argon2"],
    "PASSWORD_LENGTH_MIN": 12,
    "PASSWORD_NORMALIZE_FORM": None,
    "CHANGEABLE": True,
    "SEND_PASSWORD_CHANGE_EMAIL": False,
    # An unknown address and a wrong password read alike and take as long.
    "RETURN_GENERIC_RESPONSES": True,
    "MSG_GENERIC_AUTHN_FAILED": (
        "This e-mail address and password do not belong together.",
        "error",
    ),
    "EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
    "TWO_FACTOR": True,
    "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
    "TWO_FACTOR_RESCUE_EMAIL": False,
    "TWO_FACTOR_POST_SETUP_VIEW": "/admin/mf-recovery-codes",
    "MULTI_FACTOR_RECOVERY_CODES": True,
    "MULTI_FACTOR_RECOVERY_CODES_N": 8,
    "TOTP_ISSUER": "Holdfast",
    "API_ENABLED_METHODS": ["session"],
    "DATETIME_FACTORY": lambda: datetime.now(UTC),
}


def init_sign_in(app: Flask) -> None:
    """Set up sign-in under /admin, and the cookie that keeps it."""
    app.config.update(_session_settings())
    app.config.update({f"SECURITY_{name}": value for name, value in (_SECURITY | _PAGES).items()})
    app.config["SECURITY_TOTP_SECRETS"] = {"1": settings.secret_key}
    app.config["SECURITY_PASSWORD_SALT"] = settings.secret_key
    app.config["SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS"] = [recovery_key()]
    datastore = SQLAlchemyUserDatastore(db, Account, AccountRole)
    security = Security(
        app, datastore, totp_cls=OnceTotp, mf_recovery_codes_util_cls=OnceRecoveryCodes
    )
    _leave_other_requests_alone(app, security)
    user_logged_in.connect(_renew_session, app)
    init_sessions(app)
    app.before_request(_keep_signed_in)
    init_second_factor(app)


def _session_settings() -> dict[str, Any]:
    secure = settings.secure_cookies
    return {
        "SECRET_KEY": settings.secret_key,
        # A browser takes a cookie of this name only over TLS and from this very host.
        "SESSION_COOKIE_NAME": "__Host-holdfast" if secure else "holdfast",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": secure,
    }


def _leave_other_requests_alone(app: Flask, security: Security) -> None:
    """Keep the library from looking for a user, and into the body, of every request there is.

    It would read each JSON body of the API for a token of its own before the API can refuse it.
    """
    security.principal.identity_loaders.clear()
    app.login_manager.request_loader(None)  # type: ignore[attr-defined]


def _renew_session(*_: Any, **__: Any) -> None:
    """Let nothing that was known before the sign-in, such as a planted token, count after it."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)


def _keep_signed_in() -> Response | None:
    """Lead home who is signed in and asked for no code; the library would sign them out.

    A link on any other site could do that to them.
    """
    if request.endpoint != "security.two_factor_token_validation":
        return None
    if session.get("tf_state") == "validating_profile" or not current_user.is_authenticated:
        return None
    return redirect(_SECURITY["POST_LOGIN_VIEW"])
