"""The first page: each venue's day, what needs a hand, and how the next days fill."""

from datetime import UTC, datetime
from typing import Any

from flask import abort, request
from flask_admin import AdminIndexView, expose
from flask_security import current_user

from admin import words
from admin.attention import MOST_SHOWN, read_attention, read_waiting
from admin.charts import read_arrivals, read_occupancy
from admin.coming import Coming, read_coming
from admin.database import db
from admin.summary import read_today
from admin.tenancy import shown_realm
from admin.views import Guarded
from booking.views import read_newest_events_in

_PARTS = {"": "house/home.html", "live": "house/today.html"}


class HomeView(Guarded, AdminIndexView):
    """The index; closed to strangers, and kind to those who belong to no venue yet."""

    def __init__(self) -> None:
        super().__init__(name="Today")

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    @expose("/")
    def index(self) -> Any:
        """Show today at each venue; `part=live` is what a booking that comes in may change."""
        template = _PARTS.get(request.args.get("part", ""))
        if template is None:
            abort(400)
        realm, now = shown_realm(), datetime.now(UTC)
        # Before all else: what happens while the rest is read is told of by the stream.
        newest = max(read_newest_events_in(db.session(), realm.venue_ids()), default=0)
        venues = read_today(realm, now)
        first_day = venues[0].today if venues else now.date()
        return self.render(
            template,
            venues=venues,
            newest=newest,
            coming=read_coming(realm, now),
            nothing=Coming(),
            waiting=read_waiting(realm),
            hands=read_attention(realm, now),
            most_shown=MOST_SHOWN,
            charts={
                "occupancy": read_occupancy(realm, now, first_day),
                "arrivals": read_arrivals(realm, now),
            },
            now=now,
            words=words,
        )
