"""A venue's own pages: what it offers, live, and the way from a choice to a booking.

They are served twice: as pages of this site, and below /embed for a frame on the venue's own.
"""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from booking.correspondence import sender
from booking.errors import VenueNotFound
from models import Kind, Venue
from webapp.api.venues import venue_of
from webapp.pages import guard
from webapp.pages.asking import Asked, read_asked
from webapp.pages.boats import find_seats
from webapp.pages.booking import show_form, take_form
from webapp.pages.colours import palette
from webapp.pages.live import fingerprint, stream
from webapp.pages.offers import FEW, largest_party, most_guests
from webapp.pages.rendering import page
from webapp.pages.rooms import find_stay, make_calendar
from webapp.pages.tables import find_tables
from webapp.pages.voice import voice

A_DAY = 24 * 3600

blueprint = Blueprint("venue", __name__)


@blueprint.get("/<string:slug>")
def find(slug: str) -> Response:
    """Show what a venue offers to whoever asks for a day, a place or a stay."""
    venue = known_venue(slug)
    asked = read_asked(venue, request.args)
    look = _look(venue, asked)
    return page(
        f"pages/find_{venue.kind}.html",
        v=voice(venue.language),
        venue=venue,
        asked=asked,
        query=asked.query(venue.kind),
        seen=fingerprint(look),
        few=FEW,
        largest=largest_party(venue),
        most_guests=most_guests(venue),
        **look,
    )


@blueprint.get("/<string:slug>/live")
def live(slug: str) -> Response:
    """Say whenever what the same address shows has changed."""
    venue = known_venue(slug)
    asked = read_asked(venue, request.args)
    return stream(lambda: fingerprint(_look(venue, asked)), request.args.get("seen", ""))


@blueprint.get("/<string:slug>/book")
def who(slug: str) -> AnyResponse:
    """Ask who books what was chosen."""
    return show_form(known_venue(slug))


@blueprint.post("/<string:slug>/book")
def book(slug: str) -> AnyResponse:
    """Review what was filled in, or book it."""
    return take_form(known_venue(slug))


@blueprint.get("/<string:slug>/look.css")
def look(slug: str) -> Response:
    """Give the venue's colour as a style sheet, since no page has styles of its own."""
    css = render_template("pages/look.css", palette=palette(sender(known_venue(slug))))
    answer = Response(css, mimetype="text/css")
    answer.headers["Cache-Control"] = f"public, max-age={A_DAY}"
    return answer


def known_venue(slug: str) -> Venue:
    """Return a venue; without one the page is not there."""
    try:
        venue = venue_of(slug)
    except VenueNotFound:
        abort(404)
    if request.blueprint == "embed":
        guard.let_frame(venue.embed_origins)
    return venue


def _look(venue: Venue, asked: Asked) -> dict[str, Any]:
    """Return what there is, as the page of the venue's kind shows it."""
    match venue.kind:
        case Kind.RESTAURANT:
            return {"found": find_tables(venue, asked)}
        case Kind.BOATS:
            return {"found": find_seats(venue, asked)}
    return {"found": find_stay(venue, asked)} | _calendar(venue, asked)


def _calendar(venue: Venue, asked: Asked) -> dict[str, Any]:
    """Return two months to choose from, and which ones come before and after them."""
    months = make_calendar(venue, asked)
    first, last = months[0].first, months[-1].first
    return {
        "month": _written(first),
        "months": months,
        "earlier": _written(first - timedelta(days=1)) if first > asked.today else "",
        "later": _written(last) if _next(last) <= asked.last_day else "",
    }


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _written(month: date) -> str:
    return month.strftime("%Y-%m")
