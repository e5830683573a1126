"""Static files that may be kept for a year: their address changes with what is in them."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from flask import Response, current_app, request, url_for

A_YEAR = 365 * 24 * 3600


def asset(name: str) -> str:
    """Return the address of a static file, with the hash of its content."""
    return url_for("static", filename=name, v=_hash(Path(current_app.static_folder or ""), name))


def keep_assets(response: Response) -> Response:
    """Let a file that was asked for by its hash be kept; it never changes."""
    if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return response


def version() -> str:
    """Return what changes when one of the files of the pages changes."""
    folder = Path(current_app.static_folder or "")
    return _hash(folder, "pages.css") + _hash(folder, "pages.js")


@cache
def _hash(folder: Path, name: str) -> str:
    return blake2b((folder / name).read_bytes(), digest_size=6).hexdigest()
