"""The messages: what was owed to whom, when it went out, and what came in between."""

from typing import Any

from flask import Response, abort, flash, redirect, request
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, selectinload
from werkzeug.wrappers import Response as AnyResponse

from admin import words
from admin.database import db, give_back_connection
from admin.finding import among_newest
from admin.forms import MessageFilters, StepForm
from admin.letters import letter_page
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.correspondence import read_owed
from booking.outbox import requeue
from models import Notification, NotificationState

_FORMATS = {
    "kind": lambda v, c, row, n: words.NOTICE_WORDS[row.kind],
    "state": lambda v, c, row, n: words.badge(row.state, words.MESSAGE_STATE_WORDS[row.state]),
    "about": lambda v, c, row, n: _about(row),
    "created_at": lambda v, c, row, n: _local(row, row.created_at),
    "sent_at": lambda v, c, row, n: _local(row, row.sent_at),
}


class MessageView(OwnerView):
    """All messages, newest first. What one says is shown to the venue's own people alone."""

    filters_class = MessageFilters
    details_template = "house/message.html"
    column_list = ("kind", "state", "venue", "about", "created_at", "sent_at", "attempts")
    column_labels = {"created_at": "Owed since", "sent_at": "Sent"}  # noqa: RUF012
    column_formatters = _FORMATS
    can_export = True
    ordering = (Notification.id.desc(),)
    eager = (selectinload(Notification.venue), selectinload(Notification.booking))

    def __init__(self) -> None:
        super().__init__(Notification, name="Messages")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Notification.venue_id)

    def venue_id_of(self, row: Notification) -> int:
        return row.venue_id or 0

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        venue_id = filters.chosen("venue")
        if venue_id is not None:
            query = query.filter(Notification.venue_id == int(venue_id))
        chosen = [
            column == value
            for column, value in (
                (Notification.state, filters.chosen("state")),
                (Notification.kind, filters.chosen("kind")),
            )
            if value is not None
        ]
        if chosen:
            # No index has these: the newest are looked through, as with the bookings.
            ours = [self._own()]
            if venue_id is not None:
                ours.append(Notification.venue_id == int(venue_id))
            query = query.filter(*chosen, among_newest(Notification.id, *ours))
        return query

    @expose("/details/")
    def details_view(self) -> str:
        """Show one message: its way so far and, to the venue's own people, its text."""
        row = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            row=row,
            words=words,
            about=_about(row),
            zone=row.venue.time_zone if row.venue else "UTC",
            may_read=_may_read(row),
            may_retry=_has_failed(row) and self.is_theirs(row),
            step_form=StepForm(id=str(row.id)),
        )
        return rendered

    @expose("/body/")
    def body_view(self) -> Response:
        """Show what a message says, as it would be written now; nothing of it is stored."""
        row = self.get_one(request.args.get("id"))
        if not _may_read(row):
            abort(403)
        owed = read_owed(db.session(), row.id)
        give_back_connection()
        return letter_page(owed)

    @expose("/retry/", methods=("POST",))
    def retry_view(self) -> AnyResponse:
        """Try a refused or dead message again."""
        row = self.get_one(request.form.get("id"))
        self.require_owner(row)
        if not StepForm().validate():
            abort(400)
        url = self.details_url(row)
        give_back_connection()
        if requeue(row.id):
            flash("It will be tried again within seconds.", "success")
        else:
            flash("It is on its way already.", "error")
        back: AnyResponse = redirect(url)
        return back


def _may_read(row: Notification) -> bool:
    """Whether whoever is signed in works at the venue; links that sign people in stay unread."""
    return row.link_id is None and row.venue_id in current_realm().posts


def _has_failed(row: Notification) -> bool:
    return row.state in (NotificationState.REFUSED, NotificationState.DEAD)


def _about(row: Notification) -> Any:
    if row.booking is not None:
        return Markup('<span class="reference">{}</span>').format(row.booking.reference)
    if row.slot_id is not None:
        return "a slot"
    return words.day(row.period_on) if row.period_on else "a link"


def _local(row: Notification, at: Any) -> Markup:
    return words.local_time(at, row.venue.time_zone if row.venue else "UTC")
