"""Messages as their readers see them: in a frame of their own, where nothing runs or is fetched."""

from flask import Response

from booking.correspondence import Owed
from messages.letters import write_letter
from messages.rendering import look_of, render_html

_CLOSED = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


def letter_page(owed: Owed) -> Response:
    """Return a message as HTML, with links that open nothing."""
    letter = write_letter(owed, links_work=False)
    page = Response(render_html(letter, look_of(owed.sender)), mimetype="text/html")
    page.headers["Content-Security-Policy"] = _CLOSED
    page.headers["X-Frame-Options"] = "SAMEORIGIN"
    return page
