"""Who is signed in on the customers' pages.

Their cookie is a token of its own audience. It opens nothing under /admin, where a second factor
may be asked for, and an owner's session there opens nothing here.
"""

from datetime import timedelta

from flask import g, request
from werkzeug.wrappers import Response

from booking.account_tokens import Audience, SignedIn, make_token, read_token
from booking.accounts import AccountView
from booking.sessions import begin_session, end_session
from settings import settings
from webapp.pages import cookies


def visitor() -> AccountView | None:
    """Return the account of whoever looks at the page, if there is one."""
    found = _signed_in()
    return found.account if found else None


def begin_visit(answer: Response, account: AccountView) -> None:
    """Sign somebody in who has shown who they are."""
    days = settings.refresh_token_days
    session = begin_session(account_id=account.id)
    token = make_token(account, Audience.PAGES, timedelta(days=days), family=session.family)
    cookies.sign_in(answer, token, days=days)


def end_visit(answer: Response) -> None:
    """Sign out, here and wherever the cookie has been copied to."""
    found = _signed_in()
    if found is not None and found.family is not None:
        end_session(family=found.family)
    cookies.sign_out(answer)


def _signed_in() -> SignedIn | None:
    if "pages_visitor" not in g:
        token = request.cookies.get(cookies.ACCOUNT)
        g.pages_visitor = read_token(token, Audience.PAGES) if token else None
    found: SignedIn | None = g.pages_visitor
    return found
