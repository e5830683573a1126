"""The OpenAPI document, made from the code that serves, and Swagger UI from our own files."""

from typing import Any

from flask import Flask, Response, render_template
from flask_smorest import Api

from webapp.api import auth, bookings, events, history, privacy, reports, venues
from webapp.api.documented import ADDRESS_TOO_LONG
from webapp.api.fields import InstantOrDay
from webapp.boats import views as boats
from webapp.hotel import views as rooms
from webapp.requests import CONTENT_SECURITY_POLICY
from webapp.restaurant.documented import write_calls as write_restaurant_calls

PREFIX = "/api/v1"

_ABOUT = """\
Holdfast turns a booking request into a pending hold, which a worker decides within moments.

`POST /api/v1/bookings` answers 202 with an `access_token`; follow the booking with it, by
`Prefer: wait`, by `?wait=N` or by server-sent events.
Errors are RFC 9457 `application/problem+json`.
"""

_SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `access_token` of a booking; it opens that booking and no other.",
    },
    "account": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of a sign-in at `/api/v1/auth/login`.",
    },
    "api_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A venue's token for an integration, within its scopes.",
    },
    "room_platform": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `token` of a sign-in at the room platform API; good for a day.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "holdfast",
        "description": "The session of somebody who has signed in at /admin/login.",
    },
}


# What is refused before the app sees it has the web server's own shape, below every face.
_FROM_THE_SERVER = {
    ADDRESS_TOO_LONG: {
        "description": "The address is too long to be read (8,190 bytes); the web server says so.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


class _Api(Api):
    """flask-smorest without its own error handler: errors are answered by webapp/problems.py."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass


def init_app(app: Flask) -> None:
    """Serve the API, its document and its documentation."""
    app.config.update(
        API_TITLE="Holdfast",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        API_SPEC_OPTIONS={
            "info": {
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            }
        },
    )
    api = _Api(app)
    api.register_field(InstantOrDay, "string", None)
    for name, scheme in _SECURITY_SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    for name, answer in _FROM_THE_SERVER.items():
        api.spec.components.response(name, answer)
    for blueprint in (
        venues.blueprint,
        bookings.blueprint,
        history.blueprint,
        reports.blueprint,
        events.blueprint,
        auth.blueprint,
        privacy.blueprint,
    ):
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    api.register_blueprint(rooms.blueprint, url_prefix=f"{rooms.PREFIX}/v1")
    api.register_blueprint(boats.blueprint, url_prefix="/api")
    write_restaurant_calls(api.spec)
    app.add_url_rule("/api-docs", "api_docs", _swagger_ui, strict_slashes=False)


def _swagger_ui() -> Response:
    page = Response(render_template("swagger_ui.html"), mimetype="text/html")
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page
