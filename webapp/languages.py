"""The language that a caller reads, as far as there is one that we write."""

from flask import request

from messages.languages import languages

_LONGEST_TAG = 35


def preferred_language() -> str | None:
    """Return the best tag of Accept-Language that messages are written in, None without one."""
    for tag, _ in request.accept_languages:
        base = tag.replace("_", "-").split("-")[0].lower()
        if base in languages() and len(tag) <= _LONGEST_TAG:
            return tag
    return None
