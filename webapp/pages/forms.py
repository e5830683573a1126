"""Forms whose rules are those of the API: the schema of a body gives the attributes of its fields.

What the schema refuses is said beside the field, in the reader's words.
"""

from collections.abc import Mapping
from typing import Any

from flask import request
from markupsafe import Markup, escape
from marshmallow import Schema, ValidationError

from messages.languages import Voice
from webapp.api.auth_schemas import Password
from webapp.api.fields import Day, Email, Phone, QueryWhole, Text
from webapp.api.schemas import BookingRequest, CustomerRequest


class ContactForm(CustomerRequest):
    """Who books, as a person says it: on a page a name is asked for."""

    full_name = Text(longest=200, required=True)
    special_requests = BookingRequest().fields["special_requests"]


class Form:
    """What somebody has filled in, what is understood of it, and what is wrong with it."""

    def __init__(self, schema: Schema, given: Mapping[str, str] | None = None) -> None:
        self.schema = schema
        self.given = {name: (given or {}).get(name, "") for name in schema.fields}
        self.values: dict[str, Any] = {}
        self.wrong: dict[str, str] = {}

    def read(self, v: Voice) -> bool:
        """Read what is filled in; whether all of it is right."""
        filled = {name: text for name, text in self.given.items() if text.strip()}
        try:
            self.values = self.schema.load(filled)
        except ValidationError as error:
            self.values = error.valid_data if isinstance(error.valid_data, dict) else {}
            found = error.normalized_messages()
            self.wrong = {
                name: _in_words(v, name, is_missing=name not in filled)
                for name in sorted(found, key=_place)
            }
        return not self.wrong

    def rules(self, name: str, id_: str) -> Markup:
        """Return a field's rules as HTML attributes, with what is filled in as its value."""
        field = self.schema.fields[name]
        found: dict[str, str | None] = {"id": id_, "name": field.data_key or name}
        found["type"] = next((kind for of, kind in _TYPES if isinstance(field, of)), "text")
        limits = field.metadata
        found |= {
            html: str(limits[said])
            for said, html in _LIMITS.items()
            if said in limits and not (html == "minlength" and limits[said] <= 1)
        }
        if field.required:
            found["required"] = None
        if name in self.wrong:
            found |= {"aria-invalid": "true", "aria-describedby": f"{id_}-wrong"}
            if name == next(iter(self.wrong)):
                found["autofocus"] = None
        if not isinstance(field, Password):
            found["value"] = self.given[name]
        return _attributes(found)


def filled_in(schema: Schema) -> Form:
    """Return the form of this request's body, not read yet."""
    return Form(schema, request.form.to_dict())


_TYPES = (
    (Email, "email"),
    (Phone, "tel"),
    (Password, "password"),
    (Day, "date"),
    (QueryWhole, "number"),
)
_LIMITS = {
    "minLength": "minlength",
    "maxLength": "maxlength",
    "minimum": "min",
    "maximum": "max",
}


# The order in which pages show them, so that the first one that is wrong gets the focus.
_ORDER = ("reference", "full_name", "email", "password", "phone")


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _attributes(found: dict[str, str | None]) -> Markup:
    return Markup(" ").join(
        escape(name) if value is None else Markup('{}="{}"').format(name, value)
        for name, value in found.items()
    )


def _in_words(v: Voice, name: str, *, is_missing: bool) -> str:
    """Say what to do about a field, rather than what a program thinks of it."""
    match name:
        case "email":
            return v.t("Please give your e-mail address, such as ada@example.com.")
        case "full_name":
            return v.t("Please give your name.")
        case "phone":
            return v.t("Please give a telephone number such as +44 20 7946 0958, or none.")
        case "password":
            return v.t("Please give a password.")
        case "reference":
            return v.t("A reference has seven letters and digits, such as K7RM2QX.")
        case "day" | "arrive" | "leave":
            return v.t("Please choose a day.")
        case _ if is_missing:
            return v.t("Please fill this in.")
    return v.t("Please check this.")
