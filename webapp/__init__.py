"""HTTP: views, schemas and pages over the engine. No rules."""

from flask import Flask

import logs
from admin import init_admin
from settings import settings
from webapp import health, openapi, pages, problems, requests
from webapp.boats import views as boats_views


def create_app() -> Flask:
    """Make the web app. It connects to nothing before its first request, so it may be forked."""
    logs.configure()
    app = Flask(__name__)
    app.config["SECRET_KEY"] = settings.secret_key
    app.url_map.merge_slashes = False
    requests.init_app(app)
    problems.init_app(app)
    openapi.init_app(app)
    boats_views.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(pages.blueprint)
    init_admin(app)
    # Sign-in has put a JSON provider of its own in place, so this comes last.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    return app
