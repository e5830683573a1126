"""The sessions behind the cookies: listed for whoever they are of, and ended one by one."""

from typing import Any
from uuid import UUID

from flask import Flask, abort, flash, redirect, request, session
from flask_admin import BaseView, expose
from flask_login import user_logged_in, user_logged_out
from flask_security import current_user, password_changed
from werkzeug.wrappers import Response

from admin import words
from admin.database import db, give_back_connection
from admin.forms import StepForm
from admin.views import Guarded
from booking.house_sessions import (
    begin_house_session_in,
    end_house_session,
    end_house_sessions_in,
    is_open,
    list_house_sessions,
)
from models.accounts import Account

_NAME = "house_session"
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def init_sessions(app: Flask) -> None:
    """Let a cookie count for as long as the row of its session does."""
    manager: Any = app.login_manager  # type: ignore[attr-defined]
    load = manager._user_callback

    def load_of_open_session(stamp: str) -> Account | None:
        given = _current_id()
        # Asked first, while this request holds no connection yet.
        if given is None or not is_open(given, stamp=str(stamp)):
            return None
        user: Account | None = load(stamp)
        return user

    manager.user_loader(load_of_open_session)
    user_logged_in.connect(_begin, app)
    user_logged_out.connect(_end, app)
    password_changed.connect(_end_others, app)


class SessionsView(Guarded, BaseView):
    """Where somebody is signed in."""

    def __init__(self) -> None:
        super().__init__(name="Sessions", endpoint="house_sessions", url="sessions")

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> Any:
        """List the sessions that are open."""
        found = list_house_sessions(current_user.id)
        return self.render(
            "house/sessions.html", sessions=found, own=_current_id(), words=words, form=StepForm()
        )

    @expose("/end/", methods=("POST",))
    def end_view(self) -> Response:
        """End one of them; the cookie of that browser is void at once."""
        given = _as_id(request.form.get("id"))
        user_id = current_user.id
        give_back_connection()
        if given is None or not end_house_session(session_id=given, user_id=user_id):
            abort(404)
        flash("That browser is signed out.", "success")
        return redirect(self.get_url(".index"))


def browser_words(agent: str) -> str:
    """Say in two words which browser it is: `Firefox on Linux`."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser


def _begin(_: Flask, *, user: Account, **__: Any) -> None:
    # In the library's transaction, which it commits when all of the sign-in has gone well.
    session[_NAME] = str(
        begin_house_session_in(
            db.session(),
            user_id=user.id,
            browser=browser_words(request.user_agent.string),
            instead_of=_current_id(),
        )
    )


def _end(_: Flask, *, user: Account | None, **__: Any) -> None:
    ended = _current_id()
    session.pop(_NAME, None)
    if ended is not None and user is not None and user.is_authenticated:
        user_id = user.id
        give_back_connection()
        end_house_session(session_id=ended, user_id=user_id)


def _end_others(_: Flask, *, user: Account, **__: Any) -> None:
    end_house_sessions_in(db.session(), user_id=user.id, but=_current_id())


def _current_id() -> UUID | None:
    return _as_id(session.get(_NAME))


def _as_id(given: object) -> UUID | None:
    try:
        return UUID(str(given)) if given else None
    except ValueError:
        return None
