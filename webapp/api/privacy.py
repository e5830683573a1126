"""A person's own data: ask for a link by mail, look, take along, erase."""

from typing import Any
from uuid import UUID

from flask import Response, json

from booking.privacy.erasing import (
    RequestView,
    ask_for_privacy,
    read_request,
    request_erasure,
)
from booking.privacy.people import Preview, export, preview
from models import OnFuture
from webapp.api import examples
from webapp.api.auth_schemas import MessageBody
from webapp.api.documented import fails
from webapp.api.parsing import Blueprint
from webapp.api.privacy_schemas import (
    ErasureAsked,
    ErasureBody,
    PreviewBody,
    PrivacyAsked,
    PrivacyToken,
)

blueprint = Blueprint("privacy", __name__, description="A person's own data.")

_MAILED = (
    "We have mailed a link to this address; with it you can see, take along or erase your data."
)


@blueprint.post("/privacy/requests")
@blueprint.arguments(PrivacyAsked, example=examples.PRIVACY_ASKED)
@blueprint.response(202, MessageBody, example={"message": _MAILED})
@fails(blueprint, 400, 404, 413, 415)
def post_request(wanted: dict[str, Any]) -> dict[str, str]:
    """Mail a link that proves the address; the answer is the same whether it is known or not."""
    ask_for_privacy(**wanted)
    return {"message": _MAILED}


@blueprint.post("/privacy/preview")
@blueprint.arguments(PrivacyToken, example=examples.PRIVACY_TOKEN)
@blueprint.response(200, PreviewBody, example=examples.PRIVACY_PREVIEW)
@fails(blueprint, 400, 410, 413, 415)
def post_preview(wanted: dict[str, Any]) -> Preview:
    """Say what an erasure would do. The link stays good."""
    return preview(**wanted)


@blueprint.post("/privacy/export")
@blueprint.arguments(PrivacyToken, example=examples.PRIVACY_TOKEN)
@blueprint.response(
    200,
    {"type": "object"},
    content_type="application/json",
    description="All that is kept of the person, as a file.",
    example=examples.PRIVACY_EXPORT,
)
@fails(blueprint, 400, 410, 413, 415)
def post_export(wanted: dict[str, Any]) -> Response:
    """Give a person all that is kept of them. The link stays good; nothing is stored for it."""
    answer = Response(json.dumps(export(**wanted), indent=1), mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/privacy/erasure")
@blueprint.arguments(ErasureAsked, example=examples.ERASURE_ASKED)
@blueprint.response(202, ErasureBody, example=examples.ERASURE)
@fails(blueprint, 400, 410, 413, 415)
def post_erasure(wanted: dict[str, Any]) -> RequestView:
    """Use the link up and erase its person in a day; what is to come never goes silently."""
    return request_erasure(token=wanted["token"], on_future=OnFuture(wanted["on_future"]))


@blueprint.get("/privacy/requests/<uuid:request_id>")
@blueprint.response(200, ErasureBody, example=examples.ERASURE)
@fails(blueprint, 404)
def get_request(request_id: UUID) -> RequestView:
    """Show how far an erasure is."""
    return read_request(request_id=request_id)
