"""Reading requests strictly: one way to read each body, no unknown field, no guessing."""

import json
import math
from typing import Any, NoReturn

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, ValidationError
from webargs.core import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from webapp.problems import InvalidInput, MalformedBody

JSON_TYPE = "application/json"
_LONGEST_NAME = 100
_MOST_ERRORS = 100


class StrictParser(FlaskParser):
    """The parser behind `Blueprint.arguments`."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the body, an empty one as no fields at all. Raises an HTTPException."""
        body = req.get_data(cache=True)
        if req.content_length is None and len(body) >= (req.max_content_length or len(body) + 1):
            # A body in chunks is cut off at the limit without a word.
            raise RequestEntityTooLarge
        if not body and not req.mimetype:
            return missing
        if req.mimetype != JSON_TYPE:
            raise UnsupportedMediaType(f"The body must be {JSON_TYPE}.")
        return read_json(body)

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """Return the query's fields. Raises InvalidInput for one that is given twice."""
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            raise InvalidInput([(_shown(name), "May be given only once.") for name in twice])
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Turn a schema's errors into ours."""
        fields = [
            (path or "body", message)
            for messages in error.normalized_messages().values()
            for path, message in _flatten(messages)
        ]
        raise InvalidInput(fields[:_MOST_ERRORS])


class Blueprint(SmorestBlueprint):
    """A blueprint whose arguments are read strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, **given: Any) -> Any:
        """Read a call's arguments; the schema is made once, not for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **given)


def known_parameters(req: Request, schema: Any) -> dict[str, str]:
    """Return the query's fields that a schema knows. Raises InvalidInput for one given twice."""
    known = {field.data_key or name for name, field in schema.fields.items()}
    twice = sorted(name for name in known if len(req.args.getlist(name)) > 1)
    if twice:
        raise InvalidInput([(name, "May be given only once") for name in twice])
    return {name: value for name, value in req.args.items() if name in known}


def read_json(body: bytes) -> Any:
    """Parse a JSON text. Raises MalformedBody for what could be read in two ways or not at all."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body is not valid UTF-8.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not valid JSON ({place}).") from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise MalformedBody("The body holds a number that is too large.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise MalformedBody(f'The field "{_shown(name)}" is given twice.')
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not a JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedBody("The body holds a number that is too large.")
    return number


def _flatten(messages: Any, path: str = "") -> list[tuple[str, str]]:
    """Turn `{"customer": {"email": ["Missing."]}}` into `("customer.email", "Missing.")`."""
    if isinstance(messages, dict):
        return [
            found
            for name, inner in messages.items()
            for found in _flatten(inner, path if name == "_schema" else _join(path, name))
        ]
    if isinstance(messages, list):
        return [(path, str(message)) for message in messages]
    return [(path, str(messages))]


def _join(path: str, name: Any) -> str:
    return f"{path}.{_shown(str(name))}" if path else _shown(str(name))


def _shown(name: str) -> str:
    """A caller's own field name, short, and without what cannot be encoded."""
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode()
