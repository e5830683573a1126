"""What a resource and its slots may say of themselves, by the kind of the venue."""

from typing import Any

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, Range

from booking.errors import CatalogueInvalid
from models import Kind


def _text() -> fields.String:
    return fields.String(validate=Length(min=1, max=200))


class _DiningRoom(Schema):
    cuisine = _text()
    description = _text()


class _Sitting(Schema):
    note = _text()


class _Boat(Schema):
    has_ac = fields.Boolean(required=True)
    capacity = fields.Integer(required=True, strict=True, validate=Range(min=1))
    description = _text()


class _Departure(Schema):
    destination = _text()


class _RoomType(Schema):
    amenities = fields.List(_text(), validate=Length(max=50))
    beds = _text()
    description = fields.String(validate=Length(max=2000))
    location = _text()
    title = _text()


class _Night(Schema):
    note = _text()


_RESOURCES: dict[Kind, Schema] = {
    Kind.RESTAURANT: _DiningRoom(),
    Kind.BOATS: _Boat(),
    Kind.HOTEL: _RoomType(),
}
_SLOTS: dict[Kind, Schema] = {
    Kind.RESTAURANT: _Sitting(),
    Kind.BOATS: _Departure(),
    Kind.HOTEL: _Night(),
}


def check_resource_attributes(kind: str, attributes: dict[str, Any]) -> None:
    """Raise CatalogueInvalid for what a resource of that kind cannot have."""
    _check(_RESOURCES[Kind(kind)], attributes)


def check_slot_attributes(kind: str, attributes: dict[str, Any]) -> None:
    """Raise CatalogueInvalid for what a slot of that kind cannot have."""
    _check(_SLOTS[Kind(kind)], attributes)


def _check(schema: Schema, attributes: dict[str, Any]) -> None:
    try:
        schema.load(attributes)
    except ValidationError as error:
        messages = error.normalized_messages()
        name = next(iter(messages))
        raise CatalogueInvalid(f"attributes.{name}", f"{name}: {messages[name]}") from None
