"""What guards the customers' pages: where a form comes from, and the headers of each answer.

A form is believed for where it was sent from, which every browser says, and not for a token of a
session: nobody needs a cookie to book, also not in a frame on another site, where there is none.
"""

from urllib.parse import urlsplit

from flask import Response, abort, g, request

_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self';"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)


def refuse_forgery() -> None:
    """Refuse a form that another site has sent, or that does not say where it comes from."""
    if request.method not in _SAFE and not _is_from_here():
        abort(403, "This form was sent from another site. Nothing was changed.")


def let_frame(origins: list[str]) -> None:
    """Let pages of these origins show this answer in a frame."""
    g.frame_ancestors = " ".join(origins)


def add_headers(response: Response) -> Response:
    """Add what every page has; a private one (see `private`) is kept by nobody."""
    if response.mimetype == "text/html":
        ancestors = g.get("frame_ancestors") or "'none'"
        response.headers["Content-Security-Policy"] = _POLICY.format(ancestors=ancestors)
        # Places go by the second: a page that shows them is asked for anew each time.
        response.headers.setdefault("Cache-Control", "no-cache")
    return response


def private(response: Response) -> Response:
    """Keep a page that shows somebody's booking out of caches and indexes."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def typed(response: Response) -> Response:
    """Keep a page that shows what its reader has just typed: the back button is to find it."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _is_from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # Over plain HTTP, and in browsers that are some years old, only the origin is said.
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
