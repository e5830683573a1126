"""Frozen dataclasses as JSON and back, by the types of their fields."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")

_READ: dict[Any, Callable[[Any], Any]] = {
    UUID: UUID,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def write(found: Sequence[object]) -> str:
    """Return a list of dataclasses as JSON; each is a list of its values."""
    return json.dumps(found, default=_plain)


def read(written: bytes | str, kind: type[T]) -> list[T]:
    """Return what `write` was given. Raises ValueError or TypeError when it was something else."""
    reader = _reader(kind)  # type: ignore[arg-type]
    return [reader(each) for each in json.loads(written)]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [getattr(value, name) for name in _names(type(value))]  # type: ignore[arg-type]


@cache
def _names(kind: type) -> tuple[str, ...]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind} cannot be written")
    return tuple(each.name for each in fields(kind))


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a value of that type out of JSON."""
    if kind in _READ:
        return _READ[kind]
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        each = _reader(arguments[0])
        return lambda values: tuple(each(value) for value in values)
    if get_origin(kind) in (Union, UnionType):
        [inner] = [_reader(one) for one in arguments if one is not type(None)]
        return lambda value: None if value is None else inner(value)
    return lambda value: value


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = [_reader(hints[each.name]) for each in fields(kind)]
    return lambda values: kind(
        *(reader(value) for reader, value in zip(readers, values, strict=True))
    )
