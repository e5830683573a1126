"""Who calls this face: an account with a token for a day, and the role that it has just now."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import g

from booking.account_tokens import Audience, make_token, read_token
from booking.accounts import AccountView
from webapp.api.headers import bearer_token
from webapp.hotel.answers import Refusal, user_body
from webapp.limits import count_account

View = TypeVar("View", bound=Callable[..., Any])

# Its clients never ask for another token.
GOOD_FOR = timedelta(hours=24)


def needs_login(view: View) -> View:
    """Let only accounts through, before anything else of the request is looked at."""
    return _guard(view, lambda _: True)


def needs_admin(view: View) -> View:
    """Let only those through who manage a venue that lets rooms."""
    return _guard(view, lambda account: account.lets_rooms_at is not None)


def current_account() -> AccountView:
    """Return the account that a guard has let through."""
    account: AccountView = g.room_platform_account
    return account


def with_token(account: AccountView) -> dict[str, Any]:
    """Return an account with a token that it can use at once."""
    return {
        "user": user_body(account),
        "token": make_token(account, Audience.ROOM_PLATFORM, GOOD_FOR),
    }


def _guard(view: View, is_allowed: Callable[[AccountView], bool]) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        account = _read_account()
        if not is_allowed(account):
            raise Refusal(HTTPStatus.FORBIDDEN, "This is for those who let rooms")
        g.room_platform_account = account
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def _read_account() -> AccountView:
    token = bearer_token()
    if not token:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "Please sign in: no token was sent")
    signed_in = read_token(token, Audience.ROOM_PLATFORM)
    if signed_in is None:
        raise Refusal(HTTPStatus.FORBIDDEN, "Please sign in again: the token is no longer valid")
    count_account(f"customer:{signed_in.account.id}")
    return signed_in.account
