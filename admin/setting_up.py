"""The base of the screens on which owners set up what is booked: made new, under what is theirs."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response

from admin.database import db
from admin.tenancy import current_realm, shown_realm
from admin.views import OwnerView
from models import Resource, Venue

_MOST_CHOICES = 500


class SetUpView(OwnerView):
    """A screen whose rows can be made new by those who run the venue.

    What is new belongs to a venue or a resource, named in the address. Without one, a page offers
    those that whoever is signed in may choose.
    """

    can_create = True
    new_label = "New"

    def may_create(self) -> bool:
        """Whether there is a venue at which whoever is signed in may set something up."""
        realm = current_realm()
        return realm.is_operator or any(realm.may_manage(venue_id) for venue_id in realm.posts)

    def new_url(self) -> str:
        """Return where something new is made: under what the list is narrowed to."""
        names = ("venue", "resource", "day")
        chosen = {name: request.args[name] for name in names if request.args.get(name)}
        url: str = self.get_url(".create_view", **chosen)
        return url

    def choose(self, what: str, choices: list[tuple[str, str]]) -> Any:
        """Offer what something new can belong to; a single one is taken at once."""
        if request.method == "POST":
            abort(404)
        if len(choices) == 1:
            return redirect(self.get_url(".create_view", **{what: choices[0][0]}))
        return self.render("house/choose.html", what=what, choices=choices)

    def saved(self, row: Any, said: str) -> Response:
        """Say what was done, and show it."""
        flash(said, "success")
        answer: Response = redirect(self.details_url(row))
        return answer


def managed_venues() -> list[tuple[str, str]]:
    """Return the venues that whoever is signed in runs, by name."""
    rows = db.session.execute(
        select(Venue.id, Venue.name)
        .where(shown_realm().limit(Venue.id))
        .order_by(Venue.name, Venue.id)
        .limit(_MOST_CHOICES)
    )
    return [(str(id_), name) for id_, name in rows if current_realm().may_manage(id_)]


def managed_resources() -> list[tuple[str, str]]:
    """Return the resources that are sold at those venues."""
    rows = db.session.execute(
        select(Resource.id, Resource.name, Venue.id, Venue.name)
        .join(Resource.venue)
        .where(shown_realm().limit(Venue.id), Resource.retired_at.is_(None))
        .order_by(Venue.name, Resource.position, Resource.name)
        .limit(_MOST_CHOICES)
    )
    return [
        (str(id_), f"{venue} – {name}")
        for id_, name, venue_id, venue in rows
        if current_realm().may_manage(venue_id)
    ]


def get_resource(given: str | None, *, to_manage: bool = True) -> Resource:
    """Return a resource of the realm with its venue; 404 for any other, 403 for staff."""
    try:
        resource_id = UUID(given or "")
    except ValueError:
        abort(404)
    resource = db.session.scalar(
        select(Resource)
        .join(Resource.venue)
        .options(contains_eager(Resource.venue))
        .where(Resource.id == resource_id, current_realm().limit(Resource.venue_id))
    )
    if resource is None:
        abort(404)
    if to_manage and not current_realm().may_manage(resource.venue_id):
        abort(403)
    return resource


def get_managed_venue(given: str | None) -> Venue:
    """Return a venue of the realm; 404 for any other, 403 for staff."""
    text = given or ""
    is_id = text.isascii() and text.isdigit() and len(text) <= 9
    venue = db.session.scalar(
        select(Venue).where(
            Venue.id == (int(text) if is_id else None), current_realm().limit(Venue.id)
        )
    )
    if venue is None:
        abort(404)
    if not current_realm().may_manage(venue.id):
        abort(403)
    return venue
