"""The switch in the head of every page: one venue of several, or all of them."""

from dataclasses import dataclass
from typing import Any

from flask import abort, g, redirect, request, session
from flask_admin import BaseView, expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from admin.database import db
from admin.tenancy import CHOSEN, chosen_venue_id, current_realm
from admin.views import Guarded
from models import Venue

_MOST_CHOICES = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """A venue that the lists can be narrowed to."""

    id: int
    name: str
    is_chosen: bool


class SwitchView(Guarded, BaseView):
    """Keeps the choice in the session."""

    def __init__(self) -> None:
        super().__init__(name="At", endpoint="house_switch", url="at")

    def is_visible(self) -> bool:
        return False

    @expose("/", methods=("POST",))
    def index(self) -> Response:
        """Narrow the lists to one venue; without one, show all again."""
        given = request.form.get("venue", "")
        if not given:
            session.pop(CHOSEN, None)
        elif given.isascii() and given.isdigit() and len(given) < 10:
            if current_realm().at(int(given)).is_empty or db.session.get(Venue, int(given)) is None:
                abort(404)
            session[CHOSEN] = int(given)
        else:
            abort(404)
        return redirect(self.get_url("admin.index"))


def choices() -> list[Choice]:
    """Return the venues to choose from, by name; none where there is nothing to choose."""
    if "switch" not in g:
        g.switch = _read_choices()
    found: list[Choice] = g.switch
    return found


def _read_choices() -> list[Choice]:
    realm = current_realm()
    if not realm.is_operator and len(realm.posts) < 2:
        return []
    chosen = chosen_venue_id()
    rows: Any = db.session.execute(
        select(Venue.id, Venue.name)
        .where(realm.limit(Venue.id))
        .order_by(Venue.name, Venue.id)
        .limit(_MOST_CHOICES)
    )
    return [Choice(venue_id, name, venue_id == chosen) for venue_id, name in rows]
