"""The first page: which venues there are, and where to go from here."""

from flask import Blueprint, Response, jsonify, request

from booking.availability import list_venues
from webapp.pages.rendering import page
from webapp.pages.voice import voice

MOST_VENUES = 50

blueprint = Blueprint("pages", __name__)

_LINKS = {
    "venues": "/api/v1/venues",
    "documentation": "/api-docs",
    "openapi": "/openapi.json",
    "admin": "/admin/",
    "health": "/health/ready",
}


@blueprint.get("/")
def start() -> Response:
    """Show the venues, or the addresses to whoever wants JSON."""
    if _wants_json():
        answer = jsonify({"name": "Holdfast", "links": _LINKS})
    else:
        answer = page("pages/start.html", v=voice(), venues=list_venues(limit=MOST_VENUES))
    answer.vary.add("Accept")
    return answer


def _wants_json() -> bool:
    # Who takes anything, or does not say, is a program: one client of the restaurant API asks here
    # for life. A browser names HTML.
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) != "text/html"
