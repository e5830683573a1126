"""Customers' pages: find, book, follow, change. They call the engine's verbs, never our own API."""

from flask import Blueprint, Flask

from booking.privacy.erasing import PAGE
from webapp.pages import (
    account,
    assets,
    embed,
    follow,
    guard,
    manage,
    offline,
    privacy,
    start,
    venue,
    voice,
)
from webapp.pages.failures import error_page
from webapp.problems import register_error_page


def init_app(app: Flask) -> None:
    """Add the pages to the web app."""
    register_error_page(error_page)
    app.after_request(assets.keep_assets)
    for blueprint, prefix in (
        (start.blueprint, None),
        (voice.blueprint, None),
        (venue.blueprint, "/venues"),
        (follow.blueprint, "/bookings"),
        (manage.blueprint, "/bookings"),
        (account.blueprint, "/account"),
        (privacy.blueprint, PAGE),
        (embed.blueprint, None),
        (offline.blueprint, None),
    ):
        _guard(blueprint)
        app.register_blueprint(blueprint, url_prefix=prefix)
    # Once more, for a frame on a venue's own site.
    app.register_blueprint(venue.blueprint, url_prefix="/embed", name="embed")
    app.register_blueprint(follow.blueprint, url_prefix="/embed/bookings", name="embed_follow")


def _guard(blueprint: Blueprint) -> None:
    blueprint.before_request(guard.refuse_forgery)
    blueprint.after_request(guard.add_headers)
