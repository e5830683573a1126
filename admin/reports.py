"""Reports: those there are, how far they are, what they show, and what is made by itself."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, false, or_
from sqlalchemy.orm import Query, joinedload
from werkzeug.wrappers import Response as AnyResponse

from admin import words
from admin.report_forms import AskForm, RepeatForm, ReportFilters
from admin.report_words import EVERY_WORDS, FORMAT_WORDS, STATE_WORDS, error_words, size
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.actors import Actor, staff
from models import Report, ReportKind, ReportSchedule, ReportState
from reports.asking import OPEN, Wanted, ask_for_report, cancel_report
from reports.files import file_path
from reports.kinds import TYPES, kinds_for
from reports.schedules import Repeated, end_schedule, schedule_report

_NOT_YOURS = "Only owners of the venue may have this report."


class _OfReports(OwnerView):
    """Rows of a venue's own people: an operator who does not belong to it sees none of them."""

    def is_accessible(self) -> bool:
        return bool(current_realm().posts)

    def within(self, realm: Realm) -> ColumnElement[bool]:
        model = self.model
        return or_(
            false(),
            *(
                and_(model.venue_id == venue_id, model.kind.in_(kinds_for(post)))
                for venue_id, post in realm.posts.items()
            ),
        )

    def venue_id_of(self, row: Any) -> int:
        return int(row.venue_id)

    def is_theirs(self, row: Any) -> bool:
        """Whoever may see one may also cancel it."""
        return True

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(self.model.venue_id == int(venue_id))
        if (kind := filters.chosen("kind")) is not None:
            query = query.filter(self.model.kind == kind)
        return query

    def may_have(self, form: Any) -> bool:
        """Whether whoever is signed in may have such a report; the form says if they may not."""
        if TYPES[form.chosen_kind].is_for(current_realm().posts[form.venue_id]):
            return True
        form.kind.errors = [*form.kind.errors, _NOT_YOURS]
        return False


class ReportView(_OfReports):
    """All reports, newest first; one of them with its progress, its charts and its file."""

    list_template = "house/reports.html"
    details_template = "house/report.html"
    filters_class = ReportFilters
    column_list = ("kind", "venue", "first_on", "format", "state", "created_at")
    column_labels = {"first_on": "Days", "created_at": "Asked for"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "kind": lambda v, c, row, n: _title(row),
        "first_on": lambda v, c, row, n: days(row),
        "format": lambda v, c, row, n: FORMAT_WORDS[row.format],
        "state": lambda v, c, row, n: state_badge(row),
        "created_at": lambda v, c, row, n: words.local_time(row.created_at, row.venue.time_zone),
    }
    ordering = (Report.id.desc(),)
    eager = (joinedload(Report.venue), joinedload(Report.resource))

    def __init__(self) -> None:
        super().__init__(Report, name="Reports")

    @expose("/details/")
    def details_view(self) -> str:
        """Show one report; the page asks again by itself until it is made."""
        row = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            row=row,
            type=TYPES[ReportKind(row.kind)],
            title=_title(row),
            days=days(row),
            format=FORMAT_WORDS[row.format],
            size=size(row.bytes),
            state=state_badge(row),
            is_open=row.state in OPEN,
            is_done=row.state == ReportState.DONE,
            error=error_words(row),
            words=words,
        )
        return rendered

    @expose("/ask/", methods=("GET", "POST"))
    def ask_view(self) -> AnyResponse | str:
        """Ask for a report."""
        form = AskForm()
        if form.validate_on_submit() and self.may_have(form) and self._ask(form):
            flash("Your report is being made.", "success")
            back: AnyResponse = redirect(self.get_url(".index_view"))
            return back
        rendered: str = self.render("house/report_new.html", form=form, title="Ask for a report")
        return rendered

    @expose("/cancel/", methods=("POST",))
    def cancel_view(self) -> AnyResponse:
        """Let a report be."""
        row = self.get_one(request.form.get("id"))
        url, key, by = self.details_url(row), row.key, _who()
        self.obey(lambda: cancel_report(key=key, by=by))
        back: AnyResponse = redirect(url)
        return back

    @expose("/file/")
    def file_view(self) -> AnyResponse:
        """Lead to the file, by an address that is good for some minutes."""
        row = self.get_one(request.args.get("id"))
        if row.state != ReportState.DONE:
            abort(404)
        there: AnyResponse = redirect(file_path(row.key, str(_who())))
        return there

    def _ask(self, form: AskForm) -> bool:
        wanted = Wanted(
            venue_id=form.venue_id,
            kind=form.chosen_kind,
            format=form.chosen_format,
            first_on=form.first_on.data,
            last_on=form.last_on.data,
            by=_who(),
            resource_id=form.chosen_resource,
            user_id=current_user.id,
        )
        return self.obeyed(lambda: ask_for_report(wanted), form)


class RepeatView(_OfReports):
    """What is made by itself, and to whom a link is mailed."""

    list_template = "house/report_schedules.html"
    filters_class = ReportFilters
    column_list = ("kind", "venue", "every", "format", "next_at", "user")
    column_labels = {"every": "Made", "next_at": "Next", "user": "Mailed to"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "kind": lambda v, c, row, n: _title(row),
        "every": lambda v, c, row, n: f"{EVERY_WORDS[row.every]}, {row.at_hour:02}:00",
        "format": lambda v, c, row, n: FORMAT_WORDS[row.format],
        "next_at": lambda v, c, row, n: words.local_time(row.next_at, row.venue.time_zone),
    }
    column_details_list = column_list
    column_formatters_detail = column_formatters
    ordering = (ReportSchedule.next_at, ReportSchedule.id)
    eager = (
        joinedload(ReportSchedule.venue),
        joinedload(ReportSchedule.resource),
        joinedload(ReportSchedule.user),
    )

    def __init__(self) -> None:
        super().__init__(ReportSchedule, name="Repeats")
        self.name = "Repeated reports"

    def heading(self, row: ReportSchedule) -> str:
        return _title(row)

    def is_visible(self) -> bool:
        """The way to it is on the page of the reports."""
        return False

    @expose("/ask/", methods=("GET", "POST"))
    def ask_view(self) -> AnyResponse | str:
        """Have a report made again and again."""
        form = RepeatForm()
        if form.validate_on_submit() and self.may_have(form) and self._schedule(form):
            flash("It will be made by itself; you are mailed a link to each.", "success")
            back: AnyResponse = redirect(self.get_url(".index_view"))
            return back
        rendered: str = self.render("house/report_new.html", form=form, title="Repeat a report")
        return rendered

    @expose("/end/", methods=("POST",))
    def end_view(self) -> AnyResponse:
        """Make no more of one."""
        row = self.get_one(request.form.get("id"))
        schedule_id, by = row.id, _who()
        self.obey(lambda: end_schedule(schedule_id=schedule_id, by=by))
        flash("No more of it is made.", "success")
        back: AnyResponse = redirect(self.get_url(".index_view"))
        return back

    def _schedule(self, form: RepeatForm) -> bool:
        wanted = Repeated(
            venue_id=form.venue_id,
            kind=form.chosen_kind,
            format=form.chosen_format,
            every=form.chosen_every,
            at_hour=form.at_hour.data,
            user_id=current_user.id,
            by=_who(),
            resource_id=form.chosen_resource,
        )
        return self.obeyed(lambda: schedule_report(wanted), form)


def days(row: Report) -> str:
    """Write the days that a report is about."""
    if row.first_on == row.last_on:
        return words.day(row.first_on)
    return f"{words.day(row.first_on)} – {words.day(row.last_on)}"


def state_badge(row: Report) -> Markup:
    """Write how far a report is, while it is made with its rows."""
    label = STATE_WORDS[ReportState(row.state)]
    if row.state == ReportState.RUNNING and row.rows_total:
        label += f", {100 * row.rows_done // row.rows_total} %"
    return words.badge(f"report-{row.state}", label)


def _title(row: Report | ReportSchedule) -> str:
    title = TYPES[ReportKind(row.kind)].title
    return f"{title}: {row.resource.name}" if row.resource else title


def _who() -> Actor:
    return staff(current_user.id)
