"""Reports over the API: asked for, followed, fetched and cancelled by a venue's own people."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from marshmallow import Schema, fields, pre_dump, validate

from booking.actors import Actor, staff
from booking.api_tokens import Scope
from booking.errors import ReportNotFound, VenueNotFound
from models import FileFormat, Post, Report, ReportKind, ReportState
from reports.asking import Wanted, ask_for_report, cancel_report, list_reports, read_report
from reports.files import file_path
from reports.kinds import TYPES, kinds_for
from webapp.api import examples
from webapp.api.documented import ACCOUNT, fails
from webapp.api.fields import Day, Id, Instant
from webapp.api.headers import bearer_token
from webapp.api.identity import current_caller
from webapp.api.pagination import PageQuery, page_of, read_cursor
from webapp.api.parsing import Blueprint
from webapp.api.schemas import NoQuery, page, said
from webapp.api.venues import venue_of
from webapp.people import signed_in
from webapp.problems import SignInNeeded, TokenRefused

blueprint = Blueprint("reports", __name__, description="Reports of a venue, made by workers.")


class ReportRequest(Schema):
    """What a report is to be about."""

    kind = fields.String(required=True, validate=validate.OneOf(list(ReportKind)))
    format = fields.String(required=True, validate=validate.OneOf(list(FileFormat)))
    first_on = Day(required=True, metadata=said("The first day, by the venue's clock."))
    last_on = Day(required=True, metadata=said("The last day; it is included."))
    resource_id = Id(load_default=None, allow_none=True, metadata=said("Only of this resource."))


class ReportBody(Schema):
    """A report, and how far it is."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(list(ReportKind)))
    format = fields.String(validate=validate.OneOf(list(FileFormat)))
    first_on = fields.Date()
    last_on = fields.Date()
    resource_id = fields.UUID(allow_none=True)
    state = fields.String(validate=validate.OneOf(list(ReportState)))
    error = fields.String(
        allow_none=True, metadata=said("Why an attempt failed; `too_long` is for good.")
    )
    rows_done = fields.Integer()
    rows_total = fields.Integer(allow_none=True, metadata=said("Null until it is begun."))
    bytes = fields.Integer()
    created_at = Instant()
    finished_at = Instant(allow_none=True)
    expires_at = Instant(allow_none=True, metadata=said("When its file is removed."))
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata=said("`file`, once it is done: good for five minutes, without a token."),
    )

    @pre_dump
    def arrange(self, shown: "Shown", **_: Any) -> dict[str, Any]:
        """Name it by its key, and lead to its file."""
        report = shown.report
        links = {"self": f"/api/v1/venues/{report.venue.slug}/reports/{report.key}"}
        if report.state == ReportState.DONE:
            links["file"] = file_path(report.key, str(shown.reader.by))
        names = [name for name in self.fields if name not in ("id", "links")]
        plain = {name: getattr(report, name) for name in names}
        return plain | {"id": report.key, "links": links}


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody of a venue: which of its reports they may have, and who they are."""

    venue_id: int
    kinds: list[ReportKind]
    by: Actor
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A report, and to whom it is shown."""

    report: Report
    reader: Reader


@blueprint.post("/venues/<string:slug>/reports")
@blueprint.doc(security=ACCOUNT)
@blueprint.arguments(ReportRequest, example=examples.REPORT_REQUEST)
@blueprint.response(
    202, ReportBody, description="Written; a worker makes it.", example=examples.REPORT
)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def create_report(wanted: dict[str, Any], slug: str) -> Response:
    """Ask for a report."""
    reader = _reader(slug, may_write=True)
    if wanted["kind"] not in reader.kinds:
        raise ReportNotFound
    key = ask_for_report(
        Wanted(
            venue_id=reader.venue_id,
            kind=ReportKind(wanted["kind"]),
            format=FileFormat(wanted["format"]),
            first_on=wanted["first_on"],
            last_on=wanted["last_on"],
            by=reader.by,
            resource_id=wanted["resource_id"],
            user_id=reader.user_id,
        )
    )
    body = ReportBody().dump(_shown(reader, key))
    answer = jsonify(body)
    answer.status_code = 202
    answer.headers["Location"] = body["links"]["self"]
    return answer


@blueprint.get("/venues/<string:slug>/reports")
@blueprint.doc(security=[*ACCOUNT, {"session": []}])
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page(ReportBody), example=examples.REPORT_PAGE)
@fails(blueprint, 401, 403, 404)
def get_reports(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """List the reports of one's venue, newest first."""
    reader = _reader(slug)
    reports = list_reports(
        venue_id=reader.venue_id,
        kinds=reader.kinds,
        before_id=read_cursor(query["cursor"], "reports"),
        limit=query["limit"] + 1,
    )
    shown = [Shown(report, reader) for report in reports]
    return page_of(shown, query["limit"], "reports", lambda each: each.report.id)


@blueprint.get("/venues/<string:slug>/reports/<uuid:key>")
@blueprint.doc(security=[*ACCOUNT, {"session": []}])
@blueprint.arguments(NoQuery, location="query")
@blueprint.response(200, ReportBody, example=examples.REPORT)
@fails(blueprint, 401, 403, 404)
def get_report(_: object, slug: str, key: UUID) -> Shown:
    """Show a report, how far it is, and where its file is."""
    return _shown(_reader(slug), key)


@blueprint.post("/venues/<string:slug>/reports/<uuid:key>/cancel")
@blueprint.doc(security=ACCOUNT)
@blueprint.arguments(NoQuery, location="query")
@blueprint.response(200, ReportBody, example=examples.REPORT | {"state": "cancelled"})
@fails(blueprint, 401, 403, 404)
def post_cancel(_: object, slug: str, key: UUID) -> Shown:
    """Let a report be; one that is over stays as it is."""
    reader = _reader(slug, may_write=True)
    _shown(reader, key)
    cancel_report(key=key, by=reader.by)
    return _shown(reader, key)


def _shown(reader: Reader, key: UUID) -> Shown:
    report = read_report(key=key, venue_id=reader.venue_id)
    if report.kind not in reader.kinds:
        raise ReportNotFound
    return Shown(report, reader)


def _reader(slug: str, *, may_write: bool = False) -> Reader:
    """Return who calls. Raises SignInNeeded, TokenRefused, OutOfScope or VenueNotFound.

    An integration reads what an owner may. A session only reads: a page of another site could use
    it to write. A password alone opens nothing where a second factor is asked for.
    """
    caller = current_caller()
    venue = venue_of(slug)
    if caller is None:
        return _of_session(venue.id, may_write=may_write)
    if caller.integration is not None:
        caller.integration.require(Scope.BOOKINGS_READ)
        if caller.integration.venue_id != venue.id:
            raise VenueNotFound
        return Reader(venue.id, list(TYPES), caller.actor)
    account = caller.account
    if account is None or account.has_second_factor:
        raise VenueNotFound
    for post in account.posts:
        if post.venue_id == venue.id:
            return Reader(venue.id, kinds_for(post.post), staff(account.id), account.id)
    raise VenueNotFound


def _of_session(venue_id: int, *, may_write: bool) -> Reader:
    person = None if bearer_token() or may_write else signed_in()
    if person is None:
        raise TokenRefused if bearer_token() else SignInNeeded
    user_id, realm = person
    if venue_id not in realm.posts:
        raise VenueNotFound
    return Reader(venue_id, kinds_for(Post(realm.posts[venue_id])), staff(user_id), user_id)
