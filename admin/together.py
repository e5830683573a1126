"""Many bookings at once: chosen, cancelled or moved by a worker, and watched while it does."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from flask import Response as FlaskResponse
from flask import abort, flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from admin import words
from admin.database import db
from admin.desk_forms import TogetherForm
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.actors import staff
from booking.bulk import ABOUT, MOST_ITEMS, Together, begin_bulk, read_progress
from booking.errors import BookingError
from models import Booking, BookingSlot, BulkItem, BulkJob, Deed, Slot, User

DEED_WORDS = {Deed.CANCEL: "Cancelled together", Deed.MOVE: "Moved together"}
_MOST_TARGETS = 200
_MOST_SHOWN = 200


class Choosing:
    """The page of the bookings' screen on which something is done to many of them."""

    @expose("/together/", methods=("GET", "POST"))
    def together_view(self: Any) -> Response | str:
        """Ask what is to be done to the chosen ones, and begin it."""
        bookings = _chosen()
        first = bookings[0]
        form = TogetherForm(first.venue_id, data={"id": str(uuid4())})
        form.to_slot.choices = _targets(first)
        if request.method == "POST" and form.validate() and _begin(bookings, form, self.obey):
            begun: Response = redirect(url_for("admin_together.details_view", id=form.id.data))
            return begun
        page: str = self.render(
            "house/together.html",
            bookings=bookings,
            form=form,
            back=request.query_string.decode("ascii", "ignore"),
            words=words,
            is_more=len(bookings) > MOST_ITEMS,
            told=sum(1 for each in bookings if each.contact_email),
        )
        return page


class TogetherView(OwnerView):
    """What was done to many bookings, newest first, with its progress."""

    details_template = "house/job.html"
    column_list = ("deed", "venue", "created_at", "finished_at")
    column_labels = {"deed": "What", "created_at": "Begun", "finished_at": "Ended"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "deed": lambda v, c, job, n: DEED_WORDS[Deed(job.deed)],
        "created_at": lambda v, c, job, n: words.local_time(job.created_at, job.venue.time_zone),
        "finished_at": lambda v, c, job, n: words.local_time(job.finished_at, job.venue.time_zone),
    }
    ordering = (BulkJob.created_at.desc(), BulkJob.id)
    eager = (joinedload(BulkJob.venue, innerjoin=True),)

    def __init__(self) -> None:
        super().__init__(BulkJob, name="Together")

    def is_visible(self) -> bool:
        """Not in the menu: the list of bookings leads here."""
        return False

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(BulkJob.venue_id)

    def venue_id_of(self, row: BulkJob) -> int:
        return row.venue_id

    @expose("/details/")
    def details_view(self) -> str:
        """Show one job: how far it is, and what was refused and why."""
        job = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            job=job,
            progress=read_progress(job.id),
            refused=_refused(job),
            what=DEED_WORDS[Deed(job.deed)],
            who=_name_of(job.actor),
            words=words,
        )
        return rendered

    @expose("/progress/")
    def progress_view(self) -> FlaskResponse:
        """Say how far one job is; its page asks again and again."""
        job = self.get_one(request.args.get("id"))
        progress = read_progress(job.id)
        return jsonify(
            done=progress.done,
            refused=progress.refused,
            total=progress.total,
            is_over=job.finished_at is not None,
        )


def _chosen() -> Sequence[Booking]:
    """Return the bookings that the address names; they are of one venue, and theirs."""
    query = (
        select(Booking)
        .options(joinedload(Booking.venue), joinedload(Booking.resource))
        .where(current_realm().limit(Booking.venue_id), Booking.status.in_(ABOUT[Deed.CANCEL]))
        .order_by(Booking.seq)
        .limit(MOST_ITEMS + 1)
    )
    found = db.session.scalars(query.where(_named())).all()
    if not found or any(each.venue_id != found[0].venue_id for each in found):
        abort(404)
    return found


def _named() -> ColumnElement[bool]:
    """Read which are meant: some by their ids, all of a slot, or all of a resource on a day."""
    given = request.args
    if ids := given.getlist("id"):
        return Booking.id.in_([_uuid(each) for each in ids])
    lines = (
        select(BookingSlot.booking_id)
        .join(BookingSlot.slot)
        .where(BookingSlot.released_at.is_(None))
    )
    if "slot" in given:
        return Booking.id.in_(lines.where(Slot.id == _uuid(given["slot"])))
    resource_id = _uuid(given.get("resource", ""))
    try:
        day = date.fromisoformat(given.get("day", ""))
    except ValueError:
        abort(404)
    return Booking.id.in_(lines.where(Slot.resource_id == resource_id, Slot.local_on == day))


def _targets(first: Booking) -> list[SelectChoice]:
    """Offer the open slots of the resource that are still to come."""
    rows = db.session.scalars(
        select(Slot)
        .where(Slot.resource_id == first.resource_id, Slot.starts_at > func.now(), Slot.is_open)
        .order_by(Slot.starts_at)
        .limit(_MOST_TARGETS)
    )
    zone = first.venue.time_zone
    return [
        SelectChoice("", "Choose…"),
        *(
            SelectChoice(
                str(slot.id),
                f"{words.local_time(slot.starts_at, zone).striptags()}, {slot.remaining} left",
            )
            for slot in rows
        ),
    ]


def _begin(bookings: Sequence[Booking], form: TogetherForm, obey: Any) -> bool:
    deed = Deed(form.deed.data)
    if deed is Deed.MOVE and not form.to_slot.data:
        form.to_slot.errors = ["Choose where to."]
        return False
    wanted = Together(
        id=_uuid(form.id.data),
        venue_id=bookings[0].venue_id,
        deed=deed,
        booking_ids=[each.id for each in bookings if each.status in ABOUT[deed]],
        by=staff(current_user.id),
        reason_id=form.reason_id if deed is Deed.CANCEL else None,
        to_slot_id=_uuid(form.to_slot.data) if deed is Deed.MOVE else None,
        message=form.message.data,
    )
    try:
        obey(lambda: begin_bulk(wanted))
    except BookingError as refusal:
        flash(str(refusal), "error")
        return False
    return True


def _refused(job: BulkJob) -> list[tuple[Booking, str]]:
    rows = db.session.execute(
        select(Booking, BulkItem.why)
        .join(BulkItem, BulkItem.booking_id == Booking.id)
        .where(BulkItem.job_id == job.id, BulkItem.why.is_not(None))
        .order_by(Booking.seq)
        .limit(_MOST_SHOWN)
    )
    return [(booking, str(why)) for booking, why in rows]


def _name_of(actor: str) -> str | Markup:
    _, _, who = actor.partition(":")
    person = db.session.get(User, _uuid(who)) if who else None
    return (person.full_name or person.email) if person else words.actor_words(actor, {})


def _uuid(given: str | None) -> UUID:
    try:
        return UUID(given or "")
    except ValueError:
        abort(404)
