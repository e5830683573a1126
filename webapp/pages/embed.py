"""A venue's booking form on its own site: one line of script there puts a frame in its place."""

from flask import Blueprint, Response, abort, render_template, url_for

from booking.errors import VenueNotFound
from settings import settings
from webapp.api.venues import venue_of

AN_HOUR = 3600

blueprint = Blueprint("embed_script", __name__)


@blueprint.get("/embed/<string:slug>.js")
def script(slug: str) -> Response:
    """Give the script that makes the frame. Whether it shows anything is the frame's to say."""
    try:
        venue = venue_of(slug)
    except VenueNotFound:
        abort(404)
    address = f"{settings.base_url}{url_for('embed.find', slug=slug)}"
    code = render_template(
        "pages/embed.js", address=address, origin=settings.base_url, name=venue.name
    )
    answer = Response(code, mimetype="text/javascript")
    answer.headers["Cache-Control"] = f"public, max-age={AN_HOUR}"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
