"""How a page is made: in its reader's language, with what all pages have."""

from typing import Any

from flask import Response, render_template, request

from messages.languages import Voice
from models import Status
from webapp.pages import cookies
from webapp.pages.assets import asset
from webapp.pages.voice import choices


def page(template: str, *, v: Voice, status: int = 200, **given: Any) -> Response:
    """Return a page. Texts in templates are `t("…")` and `n("…", "…", count)`."""
    content = render_template(
        template,
        v=v,
        t=v.t,
        n=v.n,
        asset=asset,
        languages=choices(),
        here=request.full_path.rstrip("?") if request.method == "GET" else "/",
        is_signed_in=cookies.ACCOUNT in request.cookies,
        statuses=status_names(v),
        embedded=request.blueprint is not None and request.blueprint.startswith("embed"),
        **given,
    )
    return Response(content, status, mimetype="text/html")


def status_names(v: Voice) -> dict[Status, str]:
    """Return what the status of a booking is called."""
    return {
        Status.PENDING: v.t("being decided"),
        Status.HELD: v.t("held for you"),
        Status.CONFIRMED: v.t("confirmed"),
        Status.REJECTED: v.t("refused"),
        Status.EXPIRED: v.t("ended"),
        Status.CANCELLED: v.t("cancelled"),
        Status.CHECKED_IN: v.t("begun"),
        Status.COMPLETED: v.t("over"),
        Status.NO_SHOW: v.t("missed"),
    }
