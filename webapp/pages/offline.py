"""What makes the pages installable, and bearable without a net."""

from flask import Blueprint, Response, jsonify, render_template

from webapp.pages.assets import asset, version
from webapp.pages.rendering import page
from webapp.pages.voice import voice

OUR_COLOUR, OUR_PAPER = "#14505c", "#f6f7f5"

blueprint = Blueprint("offline", __name__)


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """Describe the pages as something that can be put on a home screen."""
    sizes = ((192, "any"), (512, "any"), (512, "maskable"))
    answer = jsonify(
        {
            "name": "Holdfast",
            "short_name": "Holdfast",
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": OUR_PAPER,
            "theme_color": OUR_COLOUR,
            "icons": [
                {
                    "src": asset(f"icon-{'maskable-' if purpose == 'maskable' else ''}{size}.png"),
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for size, purpose in sizes
            ],
        }
    )
    answer.mimetype = "application/manifest+json"
    return answer


@blueprint.get("/sw.js")
def worker() -> Response:
    """Give the service worker, anew whenever one of the files that it keeps has changed."""
    files = [asset(name) for name in ("pages.css", "pages.js", "icon.svg")]
    script = render_template("pages/sw.js", version=version(), files=files)
    answer = Response(script, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    # What it asks for is bound by its own policy, not by that of the pages.
    answer.headers["Content-Security-Policy"] = "default-src 'self'"
    return answer


@blueprint.get("/offline")
def offline() -> Response:
    """Say that there is no net, and show the bookings that this browser keeps."""
    return page("pages/offline.html", v=voice())
