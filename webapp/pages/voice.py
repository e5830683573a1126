"""In which language a page is written, and how its reader chooses another one."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from messages.languages import Voice, languages, negotiate
from settings import settings
from webapp.languages import preferred_language

COOKIE = "holdfast_language"
A_YEAR = 365 * 24 * 3600
NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}

blueprint = Blueprint("language", __name__)


def voice(*otherwise: str | None) -> Voice:
    """Return the reader's language: chosen, else the browser's, else what is given, else English.

    A tag with a country (`de-CH`) is kept as long as its language is the chosen one: the country
    says how dates and money are written.
    """
    chosen, browser = chosen_language(), preferred_language()
    if chosen is not None:
        is_same = Voice(browser or "").language == chosen
        return Voice(browser if browser and is_same else chosen)
    return Voice(negotiate((browser, *otherwise)))


def chosen_language() -> str | None:
    """Return the language that the reader has chosen on a page, if they have."""
    tag = request.cookies.get(COOKIE)
    return tag if tag in languages() else None


def choices() -> list[tuple[str, str]]:
    """Return the languages there are, each with its own name for itself."""
    return [(tag, NAMES.get(tag, tag)) for tag in languages()]


@blueprint.post("/language")
def choose() -> AnyResponse:
    """Keep the chosen language and go back to where the choice was made."""
    tag = request.form.get("language", "")
    if tag not in languages():
        abort(400)
    answer: Response = redirect(local_path(request.form.get("back", "")), 303)  # type: ignore[assignment]
    keep(answer, tag)
    return answer


def keep(answer: AnyResponse, tag: str) -> None:
    """Set the cookie of a chosen language."""
    answer.set_cookie(
        COOKIE, tag, max_age=A_YEAR, samesite="Lax", httponly=True, secure=settings.secure_cookies
    )


def local_path(given: str) -> str:
    """Return an address of this site without its host; the first page for any other."""
    parts = urlsplit(given)
    is_local = given.startswith("/") and not given.startswith(("//", "/\\"))
    return given if is_local and not parts.netloc and given.isprintable() else "/"
