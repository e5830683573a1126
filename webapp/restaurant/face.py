"""The face as a whole: where it is served, how it answers errors, and who may call it from afar."""

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed

from webapp.problems import register_face
from webapp.restaurant import owner, views
from webapp.restaurant.cors import allow_origin, answer_preflight
from webapp.restaurant.refusals import answer_error

PREFIX = "/api/ConsumerApi/"
ADDRESS = f"{PREFIX}v1/Restaurant/<string:name>"


def init_app(app: Flask) -> None:
    """Serve the restaurant API."""
    register_face((PREFIX,), answer_error)
    for blueprint in (views.blueprint, owner.blueprint):
        app.register_blueprint(blueprint, url_prefix=ADDRESS)
    app.before_request(_before)
    app.after_request(_after)


def _before() -> Response | None:
    if not request.path.startswith(PREFIX):
        return None
    if request.method == "HEAD" and request.url_rule is not None:
        # Served by the framework with each GET; clients know it as 405.
        raise MethodNotAllowed(["GET"])
    return answer_preflight()


def _after(response: Response) -> Response:
    return allow_origin(response) if request.path.startswith(PREFIX) else response
