"""HTTP: views, schemas and pages over the engine. No rules."""

from collections.abc import Callable
from typing import Any

from flask import Flask

import logs
import tracing
from admin import init_admin
from settings import settings
from webapp import (
    account_pages,
    booking_change,
    booking_page,
    calendar,
    hardening,
    health,
    house_stream,
    limits,
    openapi,
    pages,
    problems,
    report_files,
    requests,
    scrape,
)
from webapp.boats import views as boats_views
from webapp.hotel import views as rooms_views
from webapp.restaurant import face as restaurant


class Holdfast(Flask):
    """Our app: none of its functions is asynchronous, so none is asked whether it is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func


def create_app() -> Flask:
    """Make the web app. It connects to nothing before its first request, so it may be forked."""
    logs.configure()
    app = Holdfast(__name__)
    app.config["SECRET_KEY"] = settings.secret_key
    app.url_map.merge_slashes = False
    tracing.start("web")
    tracing.follow_requests(app)
    requests.init_app(app)
    hardening.init_app(app)
    limits.init_app(app)
    problems.init_app(app)
    openapi.init_app(app)
    boats_views.init_app(app)
    rooms_views.init_app(app)
    restaurant.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(scrape.blueprint)
    pages.init_app(app)
    app.register_blueprint(account_pages.blueprint)
    app.register_blueprint(booking_page.blueprint)
    app.register_blueprint(booking_change.blueprint)
    app.register_blueprint(calendar.blueprint)
    app.register_blueprint(report_files.blueprint)
    init_admin(app)
    app.register_blueprint(house_stream.blueprint)
    # Sign-in has put a JSON provider of its own in place, so this comes last.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    return app
