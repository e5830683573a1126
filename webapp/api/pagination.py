"""Lists in pages: `{"items": [...], "next_cursor": ...}`. A cursor is signed and says nothing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from itsdangerous import BadData, URLSafeSerializer
from marshmallow import Schema, fields

from settings import settings
from webapp.api.fields import QueryWhole
from webapp.problems import InvalidInput

LARGEST_PAGE = 200
USUAL_PAGE = 50

_serializer = URLSafeSerializer(settings.secret_key, salt="holdfast.cursor")

Row = TypeVar("Row")


class PageQuery(Schema):
    """How much of a list, and from where."""

    limit = QueryWhole(
        least=1,
        most=LARGEST_PAGE,
        load_default=USUAL_PAGE,
        metadata={"description": "How many items at most."},
    )
    cursor = fields.String(
        load_default=None,
        metadata={"description": "The `next_cursor` of the page before, as it was given."},
    )


def read_cursor(cursor: str | None, listed: str) -> Any:
    """Return what the list put into its cursor, None for the first page. Raises InvalidInput."""
    if cursor is None:
        return None
    try:
        name, position = _serializer.loads(cursor)
    except (BadData, TypeError, ValueError):
        name = position = None
    if name != listed:
        raise InvalidInput([("cursor", "Not a cursor of this list.")])
    return position


def page_of(
    rows: Sequence[Row], limit: int, listed: str, position: Callable[[Row], Any]
) -> dict[str, Any]:
    """Return a page out of up to `limit` + 1 rows; one more than asked for means there are more."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return {
        "items": shown,
        "next_cursor": str(_serializer.dumps([listed, position(shown[-1])])) if more else None,
    }
