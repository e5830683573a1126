"""This face in the OpenAPI document: its calls, out of the same field tables that read the forms.

The schemas of its answers follow from the examples, which show every member that there is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from werkzeug.routing import Map, Rule

from webapp.api.documented import ADDRESS_TOO_LONG
from webapp.restaurant import examples, refusals
from webapp.restaurant.schemas import BOOKING, CANCEL, CHANGE, LISTING, SEARCH, UPDATE, Field
from webapp.restaurant.values import LARGEST, read_boolean, read_date, read_integer, read_time

ADDRESS = "/api/ConsumerApi/v1/Restaurant/<string:name>"
ONE = "/Booking/<string:reference>"

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_KINDS: dict[Callable[[str], Any], dict[str, Any]] = {
    read_date: {"type": "string", "format": "date"},
    read_time: {"type": "string", "description": "HH:MM or HH:MM:SS"},
    read_integer: {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
    read_boolean: {"type": "boolean"},
}
_MAY_BE_NULL = {
    "title": "string",
    "first_name": "string",
    "surname": "string",
    "email": "string",
    "mobile": "string",
    "phone": "string",
    "special_requests": "string",
    "is_leave_time_confirmed": "boolean",
    "room_number": "string",
}
_SENTENCES: dict[int, Any] = {
    400: refusals.NOT_AVAILABLE,
    401: refusals.BAD_TOKEN,
    404: refusals.NO_RESTAURANT,
    413: "A body has 64 KB at most.",
    422: [refusals.missing("body", "VisitTime")],
    429: "Too many calls; try again later.",
    500: "Something went wrong here; it has been noted.",
    503: "The database cannot be reached at this moment; try again.",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the document tells it."""

    method: str
    path: str
    summary: str
    schema: str
    example: Any
    form: tuple[Field, ...] = ()
    form_example: dict[str, Any] | None = None
    query: tuple[Field, ...] = ()
    needs_token: bool = True


CALLS = (
    Call(
        "post",
        "/AvailabilitySearch",
        "List the slots of one day that are large enough, bookable or not.",
        "TableSlots",
        examples.SLOTS,
        SEARCH,
        examples.SEARCH_FORM,
    ),
    Call(
        "post",
        "/BookingWithStripeToken",
        "Book a table; the answer is the outcome.",
        "TableBooked",
        examples.CREATED,
        BOOKING,
        examples.BOOKING_FORM,
    ),
    Call("get", ONE, "Show a booking.", "TableBooking", examples.BOOKING),
    Call(
        "patch",
        ONE,
        "Change a booking, whole or not at all.",
        "TableChanged",
        examples.CHANGED,
        CHANGE,
        examples.CHANGE_FORM,
    ),
    Call(
        "post",
        f"{ONE}/Cancel",
        "Cancel a booking, with a reason.",
        "TableCancelled",
        examples.CANCELLED,
        CANCEL,
        examples.CANCEL_FORM,
    ),
    Call(
        "post",
        f"{ONE}/Update",
        "For owners: change a booking to exactly this day, time and party.",
        "TableUpdated",
        examples.UPDATED,
        UPDATE,
        examples.UPDATE_FORM,
    ),
    Call(
        "get",
        "/Bookings",
        "For owners: list bookings, the latest visit first.",
        "TableRow",
        [examples.ROW],
        query=LISTING,
    ),
    Call(
        "get",
        "/CancellationReasons",
        "List the reasons that may be given with a cancellation.",
        "TableReason",
        [examples.REASON],
        needs_token=False,
    ),
)


def write_calls(spec: APISpec) -> None:
    """Write the face's calls into the document."""
    spec.tag({"name": "restaurant", "description": "Tables by day and time, for existing clients."})
    spec.components.security_scheme(
        "restaurant_token",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that the operator accepts for the restaurant API.",
        },
    )
    spec.components.schema("RestaurantError", _error_schema())
    for call in CALLS:
        one = call.example[0] if isinstance(call.example, list) else call.example
        spec.components.schema(call.schema, _schema(one))
    for path in dict.fromkeys(call.path for call in CALLS):
        rule = Rule(ADDRESS + path, defaults={})
        Map([rule])
        # The document's plugin takes the path and its parameters from a rule that is in a map.
        spec.path(
            rule=rule,
            operations={call.method: _operation(call) for call in CALLS if call.path == path},
        )


def _operation(call: Call) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{call.schema}"}
    if isinstance(call.example, list):
        schema = {"type": "array", "items": schema}
    good = {"description": "OK", "content": _json(schema, call.example)}
    if call.query:
        good["headers"] = {
            "Link": {"description": "The next page's address.", "schema": {"type": "string"}},
            "X-Next-Cursor": {
                "description": "The next page's `cursor`.",
                "schema": {"type": "string"},
            },
        }
    operation: dict[str, Any] = {
        "summary": call.summary,
        "tags": ["restaurant"],
        "responses": {"200": good}
        | {str(status): _error(status) for status in _statuses(call)}
        | {"414": {"$ref": f"#/components/responses/{ADDRESS_TOO_LONG}"}},
    }
    if call.needs_token:
        # A public restaurant's customers need none.
        operation["security"] = [{"restaurant_token": []}, {}]
    if call.form:
        content = {"schema": _form_schema(call.form), "example": call.form_example}
        operation["requestBody"] = {"content": dict.fromkeys(_FORMS, content)}
    if call.query:
        operation["parameters"] = [
            {"in": "query", "name": field.name, "schema": _field_schema(field)}
            for field in call.query
        ]
    return operation


def _statuses(call: Call) -> list[int]:
    always = [400, 404, 413, 429, 500, 503]
    return sorted([*always, 401, 422] if call.needs_token else always)


def _error(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": _json(
            {"$ref": "#/components/schemas/RestaurantError"}, {"detail": _SENTENCES[status]}
        ),
    }


def _json(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}


def _form_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field_schema(field) for field in fields},
        "required": [field.name for field in fields if field.is_required],
    }


def _field_schema(field: Field) -> dict[str, Any]:
    return _KINDS.get(field.read, {"type": "string"})


def _error_schema() -> dict[str, Any]:
    entry = _schema(refusals.missing("body", "VisitTime"))
    entry["properties"]["input"] = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {
            "detail": {"oneOf": [{"type": "string"}, {"type": "array", "items": entry}]}
        },
        "required": ["detail"],
    }


def _schema(example: Any, name: str = "") -> dict[str, Any]:
    """Return the schema of a value like this one."""
    if name == "cancellation_reason" and example is None:
        return {"oneOf": [_schema(examples.REASON), {"type": "null"}]}
    if name == "updates":
        # Only what really changed is in it.
        return {"type": "object"}
    if name in _MAY_BE_NULL:
        return {"type": [_MAY_BE_NULL[name], "null"]}
    match example:
        case dict():
            members = {key: _schema(value, key) for key, value in example.items()}
            return {"type": "object", "properties": members, "required": list(members)}
        case [first, *_]:
            return {"type": "array", "items": _schema(first)}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
    return {"type": "string"}
