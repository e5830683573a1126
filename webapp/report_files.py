"""The files of reports: behind a short-lived address, and behind the link of a mail.

Looking at a mailed link uses nothing up, since programs that scan mail follow links; a button does.
"""

from itertools import chain
from uuid import UUID

import structlog
from flask import Blueprint, Response, redirect, request
from sqlalchemy import select
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from booking.actors import Actor, staff
from booking.errors import LinkGone
from booking.links import consume_link, look_at_link
from booking.transactions import reading
from models import Membership, Post, Purpose, Report, ReportKind, ReportState
from reports.asking import note_fetched, read_report
from reports.files import TYPES as MIME_TYPES
from reports.files import file_name, file_path, open_token, read_file
from reports.kinds import TYPES
from storage import StorageError
from webapp.pages.guard import add_headers, private
from webapp.pages.rendering import page
from webapp.pages.voice import voice

logger = structlog.get_logger(__name__)

blueprint = Blueprint("report_files", __name__, url_prefix="/reports")
blueprint.after_request(add_headers)


@blueprint.get("/files/<string:token>")
def fetch(token: str) -> Response:
    """Send a file to whom it was promised some minutes ago. Raises LinkGone."""
    fetched = open_token(token)
    report = read_report(key=fetched.key)
    if report.state != ReportState.DONE:
        raise LinkGone
    chunks = read_file(report)
    try:
        # The first one tells whether the storage is there, while that can still be said.
        first = next(chunks, b"")
    except StorageError as error:
        logger.warning("report_unreadable", report_id=report.id, error=str(error))
        raise ServiceUnavailable("The file cannot be read at this moment; try again.") from None
    note_fetched(report, Actor(*fetched.actor.split(":", 1)))
    answer = Response(chain([first], chunks), mimetype=MIME_TYPES[report.format])
    answer.content_length = report.bytes
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name(report)}"'
    # Nothing of it is ever a page of ours, whatever a browser makes of it.
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return private(answer)


@blueprint.get("/<uuid:key>")
def show(key: UUID) -> Response:
    """Ask whether they want the file now: the link is good once."""
    try:
        look_at_link(token=_token(), purpose=Purpose.REPORT)
    except LinkGone:
        return _gone()
    return _page("report")


@blueprint.post("/<uuid:key>")
def open_link(key: UUID) -> AnyResponse:
    """Use the link up and lead to the file, if they still work there and may have it."""
    try:
        report = read_report(key=key)
        link = consume_link(token=_token(), purpose=Purpose.REPORT)
    except LinkGone:
        return _gone()
    may_have = report.user_id is not None and report.user_id == link.user_id and _may(report)
    if report.state != ReportState.DONE or not may_have or link.user_id is None:
        return _gone()
    there: AnyResponse = redirect(file_path(report.key, str(staff(link.user_id))), 303)
    return there


def _may(report: Report) -> bool:
    with reading() as tx:
        post = tx.scalar(
            select(Membership.post).where(
                Membership.user_id == report.user_id, Membership.venue_id == report.venue_id
            )
        )
    return post is not None and TYPES[ReportKind(report.kind)].is_for(Post(post))


def _token() -> str:
    return request.values.get("token", "")


def _gone() -> Response:
    v = voice()
    return _page(
        "told",
        status=410,
        heading=v.t("This link is no longer good"),
        text=v.t("It has been used already, or its time has passed."),
    )


def _page(name: str, *, status: int = 200, **given: str) -> Response:
    answer = private(page(f"pages/{name}.html", v=voice(), status=status, token=_token(), **given))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
