"""Accounts: register, sign in, carry on, sign out, and mail the links that prove and reset."""

from datetime import timedelta
from typing import Any

from flask import Response, after_this_request

from booking.account_tokens import Audience, make_token
from booking.accounts import (
    AccountView,
    ask_for_proof,
    ask_for_reset,
    read_account,
    register_account,
    sign_in,
)
from booking.errors import EmailTaken, RefreshRefused
from booking.passwords import refuse_weak
from booking.sessions import (
    ApiSession,
    begin_session,
    end_session,
    end_session_of,
    refresh_session,
)
from settings import settings
from webapp.api import examples
from webapp.api.auth_schemas import (
    AccountBody,
    LoginRequest,
    LogoutRequest,
    MessageBody,
    RefreshRequest,
    RegisteredBody,
    RegisterRequest,
    ResetRequest,
    TokensBody,
)
from webapp.api.documented import SIGNED_IN, fails
from webapp.api.identity import required_account
from webapp.api.parsing import Blueprint
from webapp.limits import refuse_many_failures

blueprint = Blueprint("auth", __name__, description="Accounts and their tokens.")

_WELCOME = "Sign in with your password. We have mailed you a link that proves your address."
_MAILED = "If there is such an account, we have mailed it a link."
_PROOF_MAILED = "We have mailed you a link, unless your address is proven already."


@blueprint.post("/auth/register")
@blueprint.arguments(RegisterRequest, example=examples.REGISTER_REQUEST)
@blueprint.response(201, RegisteredBody, example=examples.REGISTERED)
@fails(blueprint, 400, 413, 415)
def post_register(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make an account; the answer is the same where there was one already."""
    known = [wanted["email"], wanted["full_name"] or ""]
    refuse_weak(wanted["password"], known=known)
    try:
        register_account(**wanted)
    except EmailTaken:
        # Who reads the mail of that address knows; nobody else needs to.
        _ask_for_reset_later(wanted["email"])
    return {"email": wanted["email"], "full_name": wanted["full_name"], "message": _WELCOME}


@blueprint.post("/auth/login")
@blueprint.arguments(LoginRequest, example=examples.LOGIN_REQUEST)
@blueprint.response(200, TokensBody, example=examples.TOKENS)
@fails(blueprint, 400, 401, 413, 415)
def post_login(wanted: dict[str, Any]) -> dict[str, Any]:
    """Sign in; the access token is short-lived, the refresh token good once."""
    with refuse_many_failures(wanted["email"]):
        account = sign_in(**wanted)
    return _tokens(account, begin_session(account_id=account.id))


@blueprint.post("/auth/refresh")
@blueprint.arguments(RefreshRequest, example=examples.REFRESH_REQUEST)
@blueprint.response(200, TokensBody, example=examples.TOKENS)
@fails(blueprint, 400, 401, 413, 415)
def post_refresh(wanted: dict[str, Any]) -> dict[str, Any]:
    """Use a refresh token up for a new pair; one that comes again ends the whole sign-in."""
    session = refresh_session(**wanted)
    account = read_account(session.account_id)
    if account is None:
        raise RefreshRefused
    return _tokens(account, session)


@blueprint.post("/auth/logout")
@blueprint.doc(security=[{}, *SIGNED_IN])
@blueprint.arguments(LogoutRequest, required=False, example=examples.REFRESH_REQUEST)
@blueprint.response(204)
@fails(blueprint, 400, 401, 413, 415)
def post_logout(wanted: dict[str, Any]) -> None:
    """Sign out: all tokens that came of this sign-in are void. A second call changes nothing."""
    if wanted["refresh_token"] is not None:
        end_session_of(refresh_token=wanted["refresh_token"])
        return
    family = required_account().family
    if family is not None:
        end_session(family=family)


@blueprint.get("/auth/me")
@blueprint.doc(security=SIGNED_IN)
@blueprint.response(200, AccountBody, example=examples.ACCOUNT)
@fails(blueprint, 401)
def get_me() -> AccountView:
    """Show who is signed in."""
    return required_account().account


@blueprint.post("/auth/proof")
@blueprint.doc(security=SIGNED_IN)
@blueprint.response(202, MessageBody, example={"message": _PROOF_MAILED})
@fails(blueprint, 401)
def post_proof() -> dict[str, str]:
    """Mail the link again that proves one's address."""
    ask_for_proof(account_id=required_account().account.id)
    return {"message": _PROOF_MAILED}


@blueprint.post("/auth/reset")
@blueprint.arguments(ResetRequest, example={"email": examples.REGISTER_REQUEST["email"]})
@blueprint.response(202, MessageBody, example={"message": _MAILED})
@fails(blueprint, 400, 413, 415)
def post_reset(wanted: dict[str, Any]) -> dict[str, str]:
    """Mail a link that sets a new password; the answer tells nobody whether there is an account."""
    _ask_for_reset_later(wanted["email"])
    return {"message": _MAILED}


def _ask_for_reset_later(email: str) -> None:
    """Write to somebody after the answer has gone, so that its time tells nobody anything."""

    def later(response: Response) -> Response:
        response.call_on_close(lambda: ask_for_reset(email=email))
        return response

    after_this_request(later)


def _tokens(account: AccountView, session: ApiSession) -> dict[str, Any]:
    good_for = timedelta(minutes=settings.access_token_minutes)
    return {
        "access_token": make_token(account, Audience.NATIVE, good_for, family=session.family),
        "token_type": "Bearer",
        "expires_in": int(good_for.total_seconds()),
        "refresh_token": session.refresh_token,
        "refresh_expires_in": int(timedelta(days=settings.refresh_token_days).total_seconds()),
        "account": account,
    }
