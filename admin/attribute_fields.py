"""What a resource or a slot says of itself, as fields of a form: one for each attribute.

Which attributes there are, and what they may hold, is checked by booking/attributes.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired

from models import Kind

_PREFIX = "attributes."


class LinesField(TextAreaField):
    """A list of short texts, one a line."""

    def _value(self) -> str:
        return "\n".join(self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = [line.strip() for line in valuelist[0].splitlines() if line.strip()]


def _text(label: str) -> Callable[[], Field]:
    return lambda: StringField(label, filters=[_stripped])


def _long(label: str) -> Callable[[], Field]:
    return lambda: TextAreaField(label, filters=[_stripped], render_kw={"rows": 3})


def _stripped(text: str | None) -> str:
    return (text or "").strip()


_RESOURCES: dict[Kind, dict[str, Callable[[], Field]]] = {
    Kind.RESTAURANT: {"cuisine": _text("Cuisine"), "description": _text("Description")},
    Kind.BOATS: {
        "has_ac": lambda: BooleanField("Air conditioning"),
        "capacity": lambda: IntegerField("Seats on board", [InputRequired("Give a number.")]),
        "description": _text("Description"),
    },
    Kind.HOTEL: {
        "title": _text("Title"),
        "beds": _text("Beds"),
        "amenities": lambda: LinesField("Amenities, one a line", render_kw={"rows": 4}),
        "location": _text("Location"),
        "description": _long("Description"),
    },
}
_SLOTS: dict[Kind, dict[str, Callable[[], Field]]] = {
    Kind.RESTAURANT: {"note": _text("Note")},
    Kind.BOATS: {"destination": _text("Destination")},
    Kind.HOTEL: {"note": _text("Note")},
}


def of_resource(base: type[FlaskForm], kind: str) -> type[FlaskForm]:
    """Return the form with the fields of a resource at a venue of that kind."""
    return _with(base, _RESOURCES[Kind(kind)])


def of_slot(base: type[FlaskForm], kind: str) -> type[FlaskForm]:
    """Return the form with the fields of a slot at a venue of that kind."""
    return _with(base, _SLOTS[Kind(kind)])


def as_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as a form takes its first values."""
    return {f"{_PREFIX}{name}": value for name, value in attributes.items()}


def typed_in(form: FlaskForm, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a form that was sent; what has no field stays as it was."""
    fields = {f.name.removeprefix(_PREFIX): f for f in form if f.name.startswith(_PREFIX)}
    kept = {name: value for name, value in before.items() if name not in fields}
    given = {name: f.data for name, f in fields.items() if f.data or f.data in (0, False)}
    return {
        name: value
        for name, value in (kept | given).items()
        if value != "" and value != [] and value is not None
    }


def _with(base: type[FlaskForm], fields: Mapping[str, Callable[[], Field]]) -> type[FlaskForm]:
    # Named as the engine names what it refuses, so that its words find their field.
    made = {f"{_PREFIX}{name}": make() for name, make in fields.items()}
    return type(base.__name__, (base,), made)
