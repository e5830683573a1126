"""Who calls the native API with a bearer token: an account or a venue's integration."""

from dataclasses import dataclass

from flask import g

from booking.account_tokens import Audience, SignedIn, read_token
from booking.accounts import AccountView
from booking.actors import Actor, customer
from booking.api_tokens import PREFIX, Integration, authenticate_token
from webapp.api.headers import bearer_token
from webapp.limits import count_account
from webapp.problems import SignInNeeded, TokenRefused


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a good token belongs to: one of an account and an integration."""

    signed_in: SignedIn | None = None
    integration: Integration | None = None

    @property
    def account(self) -> AccountView | None:
        """The account, if it is one."""
        return self.signed_in.account if self.signed_in else None

    @property
    def actor(self) -> Actor:
        """Return who it is for the log of events."""
        if self.integration is not None:
            return self.integration.actor
        return customer(self.account.id if self.account else None)

    @property
    def scope(self) -> str:
        """Return what the caller's idempotency keys belong to."""
        return str(self.actor)


def current_caller() -> Caller | None:
    """Return who calls, None for a stranger or somebody with a booking's own token.

    Read once a request. Raises TokenRefused for a token of an account or an integration that is
    not good.
    """
    if "caller" not in g:
        g.caller = _read_caller(bearer_token())
    caller: Caller | None = g.caller
    return caller


def required_account() -> SignedIn:
    """Return the account that calls. Raises SignInNeeded or TokenRefused."""
    caller = current_caller()
    if caller is None or caller.signed_in is None:
        raise TokenRefused if bearer_token() else SignInNeeded
    return caller.signed_in


def _read_caller(token: str) -> Caller | None:
    if token.startswith(PREFIX):
        integration = authenticate_token(token)
        if integration is None:
            raise TokenRefused
        caller = Caller(integration=integration)
    elif _looks_like_an_account_s(token):
        signed_in = read_token(token, Audience.NATIVE)
        if signed_in is None:
            raise TokenRefused
        caller = Caller(signed_in=signed_in)
    else:
        return None
    count_account(caller.scope)
    return caller


def _looks_like_an_account_s(token: str) -> bool:
    """A JWT has three parts, the first of them a JSON object; a booking's token has two."""
    return token.startswith("eyJ") and token.count(".") == 2
