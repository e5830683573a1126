"""Inner program: make a venue with its resources and slots out of a JSON file."""

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from rich.console import Console
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.catalogue import EVERY_DAY, Pattern, add_resource_in, add_schedule_in, add_venue_in
from booking.errors import CatalogueInvalid
from booking.people import ensure_owner_in
from booking.schedules import extend_schedule
from booking.transactions import transaction
from models import CountedIn, Kind
from settings import settings


class ScheduleInput(Schema):
    """When slots are, how many places each has, and what one costs."""

    name = fields.String(load_default="Every week", validate=validate.Length(1, 200))
    start_times = fields.List(fields.Time(format="%H:%M"), required=True)
    capacity = fields.Integer(strict=True, required=True, validate=validate.Range(0, 1_000_000))
    price = fields.Decimal(load_default=Decimal(0), places=2)
    minutes = fields.Integer(strict=True, load_default=None)
    checkout = fields.Time(format="%H:%M", load_default=None)
    weekdays = fields.List(fields.Integer(strict=True), load_default=EVERY_DAY)
    valid_from = fields.Date(load_default=None)
    valid_until = fields.Date(load_default=None)
    exceptions = fields.List(fields.Date(), load_default=())
    max_quantity = fields.Integer(strict=True, load_default=None, validate=validate.Range(1))
    attributes = fields.Dict(load_default=dict)


class ResourceInput(Schema):
    """A dining room, a boat or a room type."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    counted_in = fields.Enum(CountedIn, by_value=True, required=True)
    max_quantity = fields.Integer(strict=True, required=True, validate=validate.Range(1))
    people_per_room = fields.Integer(strict=True, load_default=None, validate=validate.Range(1))
    attributes = fields.Dict(load_default=dict)
    schedules = fields.List(fields.Nested(ScheduleInput), load_default=list)


class VenueInput(Schema):
    """A business that is booked."""

    slug = fields.String(
        required=True, validate=validate.Regexp(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}\Z")
    )
    name = fields.String(required=True, validate=validate.Length(1, 200))
    kind = fields.Enum(Kind, by_value=True, required=True)
    time_zone = fields.String(required=True)
    currency = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{3}\Z"))
    code_prefix = fields.String(load_default=None, validate=validate.Regexp(r"[A-Z]{2,5}\Z"))
    attributes = fields.Dict(load_default=dict)
    embed_origins = fields.List(fields.String(), load_default=list)
    resources = fields.List(fields.Nested(ResourceInput), load_default=list)


def main() -> int:
    """Make the venue, whole or not at all, and then its slots; return the exit code."""
    arguments = argparse.ArgumentParser(prog="holdfast add-venue")
    arguments.add_argument("file", type=Path)
    console = Console(stderr=True, soft_wrap=True)
    try:
        described = VenueInput().loads(arguments.parse_args().file.read_text())
        schedule_ids = _add(described)
    except (OSError, ValueError, ValidationError) as error:
        console.print(f"The venue was not made: {_in_words(error)}", markup=False)
        return 1
    made = 0
    with console.status("making its slots"):
        for schedule_id in schedule_ids:
            made += extend_schedule(schedule_id=schedule_id, days=settings.schedule_days).slots
    console.print(f"{described['name']} is there, with {made} slots. Its owner is ", end="")
    console.print(settings.owner_email, markup=False)
    return 0


def _add(described: dict[str, Any]) -> list[int]:
    resources = described.pop("resources")
    try:
        with transaction() as tx:
            venue = add_venue_in(tx, **described)
            ensure_owner_in(tx, email=settings.owner_email, password=None, venue_ids=[venue.id])
            return [
                schedule_id
                for position, given in enumerate(resources)
                for schedule_id in _add_resource(tx, venue, given, position)
            ]
    except CatalogueInvalid as error:
        raise ValueError(f"{error.field}: {error}") from None
    except IntegrityError:
        raise ValueError("there is a venue with that slug, or two resources of one name") from None


def _add_resource(tx: Session, venue: Any, given: dict[str, Any], position: int) -> list[int]:
    patterns = given.pop("schedules")
    resource = add_resource_in(tx, venue, position=position, **given)
    return [add_schedule_in(tx, resource.id, _pattern(each)).id for each in patterns]


def _pattern(given: dict[str, Any]) -> Pattern:
    lists = ("start_times", "weekdays", "exceptions")
    return Pattern(**given | {name: tuple(given[name]) for name in lists})


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(_fields(error.normalized_messages()))
    return str(error)


def _fields(messages: Any, path: str = "") -> list[str]:
    """Name each field by its dotted path, with what is wrong with it."""
    if isinstance(messages, dict):
        return [
            told
            for name, inner in messages.items()
            for told in _fields(inner, f"{path}.{name}" if path else str(name))
        ]
    return [f"{path}: {' '.join(map(str, messages))}"]


if __name__ == "__main__":
    sys.exit(main())
