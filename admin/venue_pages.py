"""The base of the pages of one venue, for those who run it; the venue stands in the address."""

from typing import Any

from flask import abort, redirect, request
from flask_admin import BaseView
from sqlalchemy import select
from werkzeug.wrappers import Response

from admin.database import db
from admin.tenancy import current_realm
from admin.views import Guarded
from models import Venue


class VenuePage(Guarded, BaseView):
    """A page about one venue: for its owners and for operators, and for nobody else."""

    def __init__(self, *, name: str, url: str) -> None:
        super().__init__(name=name, endpoint=f"house_{url.replace('-', '_')}", url=url)

    def is_visible(self) -> bool:
        return False

    def venue(self) -> Venue:
        """Return the venue of the address: 404 when it is of others, 403 for its staff."""
        given = request.args.get("venue", "")
        if not (given.isascii() and given.isdigit() and len(given) < 10):
            abort(404)
        realm = current_realm()
        query = select(Venue).where(Venue.id == int(given), realm.limit(Venue.id))
        venue = db.session.scalar(query)
        if venue is None:
            abort(404)
        if not realm.may_manage(venue.id):
            abort(403)
        return venue

    def back(self, venue_id: int, **query: Any) -> Response:
        """Lead back to the page after something was done."""
        return redirect(self.get_url(".index", venue=venue_id, **query))
