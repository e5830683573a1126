"""The second factor: each code is good once, and who runs the installation must have one."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from flask import Flask, redirect, request
from flask_login import current_user
from flask_security import MfRecoveryCodesUtil, Totp, url_for_security
from passlib.exc import UsedTokenError
from passlib.totp import TotpMatch
from werkzeug.wrappers import Response

from admin.database import db
from admin.protection import is_admin_request
from admin.tenancy import lacks_second_factor
from booking.house_sessions import take_code_in, take_recovery_code_in
from models.accounts import Account
from settings import settings

# What an operator without a second factor needs to set one up, or to leave.
_ON_THE_WAY = frozenset(
    {
        "security.two_factor_setup",
        "security.two_factor_setup_validate",
        "security.verify",
        "security.logout",
        "security.static",
        "house.static",
        "admin.static",
    }
)


class OnceTotp(Totp):
    """Codes of an authenticator app, none of which is taken twice."""

    def set_last_counter(self, user: Account, tmatch: TotpMatch) -> None:  # type: ignore[override]
        """Note the time step of a code that fits. Raises UsedTokenError when it was used before.

        The library commits it together with whatever the code was for.
        """
        if not take_code_in(db.session(), user_id=user.id, counter=tmatch.counter):
            raise UsedTokenError


class OnceRecoveryCodes(MfRecoveryCodesUtil):
    """Codes for the day without the phone, each of which is used up as it is looked at."""

    def check_recovery_code(self, user: Account, code: str) -> bool:  # type: ignore[override]
        """Use a code up, together with the sign-in that it is for; False when it is none."""
        kept = zip(user.mf_recovery_codes or (), self.get_recovery_codes(user), strict=True)
        found = next((each for each, said in kept if said == code), None)
        return found is not None and take_recovery_code_in(
            db.session(), user_id=user.id, kept=found
        )

    def delete_recovery_code(self, user: Account, code: str) -> bool:  # type: ignore[override]
        """Do nothing: it was used up when it was looked at."""
        return True


def init_second_factor(app: Flask) -> None:
    """Lead operators without a second factor to where they set one up."""
    app.before_request(_lead_to_set_up)


def recovery_key() -> bytes:
    """Return the key under which recovery codes are kept."""
    key = settings.secret_key.encode()
    return urlsafe_b64encode(hmac.digest(key, b"holdfast.recovery", hashlib.sha256))


def _lead_to_set_up() -> Response | None:
    if not is_admin_request() or request.endpoint in _ON_THE_WAY:
        return None
    if current_user.is_authenticated and lacks_second_factor():
        return redirect(url_for_security("two_factor_setup"))
    return None
