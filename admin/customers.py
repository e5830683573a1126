"""The customers of a venue: found, called back, noted about, and made one where they are two."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload, selectinload
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from admin import words
from admin.database import db, give_back_connection
from admin.forms import CustomerFilters, StepForm
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.actors import staff
from booking.customers import (
    KnownContact,
    find_doubles,
    found_by,
    merge_customers,
    reveal_contact,
    set_notes,
)
from models import Booking, BookingSlot, Customer

_MOST_BOOKINGS = 50
_FORMATS = {
    "full_name": lambda v, c, row, n: row.full_name or f"Customer {row.id}",
    "email": lambda v, c, row, n: words.masked(row.email),
    "phone": lambda v, c, row, n: words.masked(row.phone),
    "created_at": lambda v, c, row, n: words.local_time(row.created_at, row.venue.time_zone),
}


class NotesForm(FlaskForm):
    """What a venue notes about a customer."""

    notes = TextAreaField("For the people of this venue", render_kw={"rows": 4})


class CustomerView(OwnerView):
    """For a venue's own people alone; an address or a number is shown to whoever asks, by name."""

    filters_class = CustomerFilters
    details_template = "house/customer.html"
    column_list = ("full_name", "email", "phone", "venue", "created_at")
    column_labels = {"full_name": "Name", "email": "E-mail", "created_at": "First seen"}  # noqa: RUF012
    column_formatters = _FORMATS
    ordering = (Customer.id.desc(),)
    eager = (joinedload(Customer.venue),)

    def __init__(self) -> None:
        super().__init__(Customer, name="Customers")

    def is_accessible(self) -> bool:
        return bool(current_realm().posts)

    def within(self, realm: Realm) -> ColumnElement[bool]:
        # Operators run the installation; whom a venue serves is not theirs to read.
        return Customer.venue_id.in_(sorted(realm.posts)) & ~Customer.is_nobody

    def venue_id_of(self, row: Customer) -> int:
        return row.venue_id

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Customer.venue_id == int(venue_id))
        if typed := filters.chosen("q"):
            query = query.filter(found_by(typed))
        return query

    @expose("/details/", methods=("GET", "POST"))
    def details_view(self) -> Any:
        """Show a customer with their bookings, and keep what is noted about them."""
        row = self.get_one(request.args.get("id"))
        form, url = NotesForm(obj=row), self.details_url(row)
        customer_id, notes = row.id, form.notes.data or ""
        if form.validate_on_submit() and self.obeyed(
            lambda: set_notes(customer_id=customer_id, notes=notes), form
        ):
            flash("Saved.", "success")
            return redirect(url)
        return self._page(row, form=form)

    @expose("/reveal/", methods=("POST",))
    def reveal_view(self) -> Any:
        """Show how a customer can be reached, this once, and note who asked."""
        row = self._row_of_form()
        by, found = staff(current_user.id), list[KnownContact]()
        self.obey(lambda: found.append(reveal_contact(customer_id=row.id, by=by)))
        return self._page(row, form=NotesForm(formdata=None, obj=row), contact=found[0])

    @expose("/merge/", methods=("POST",))
    def merge_view(self) -> Response:
        """Make another customer of the venue one with this one."""
        kept = self._row_of_form()
        other = self.get_one(request.form.get("other"))
        if other.venue_id != kept.venue_id or other.id == kept.id:
            abort(404)
        url, ids, by = self.details_url(kept), (kept.id, other.id), staff(current_user.id)
        self.obey(lambda: merge_customers(kept_id=ids[0], other_id=ids[1], by=by))
        flash("They are one now.", "success")
        return redirect(url)

    def _row_of_form(self) -> Any:
        row = self.get_one(request.form.get("id"))
        if not StepForm().validate():
            abort(400)
        return row

    def _page(self, row: Customer, *, form: NotesForm, contact: KnownContact | None = None) -> str:
        zone = row.venue.time_zone
        customer_id = row.id
        give_back_connection()
        doubles = find_doubles(customer_id)
        rendered: str = self.render(
            self.details_template,
            row=row,
            form=form,
            contact=contact,
            zone=zone,
            doubles=doubles,
            bookings=_bookings_of(customer_id),
            words=words,
        )
        return rendered


def _bookings_of(customer_id: int) -> list[Booking]:
    """Return the latest bookings of a customer, the newest first."""
    query = (
        select(Booking)
        .where(Booking.customer_id == customer_id)
        .options(
            joinedload(Booking.resource),
            selectinload(Booking.lines).joinedload(BookingSlot.slot),
        )
        .order_by(Booking.seq.desc())
        .limit(_MOST_BOOKINGS)
    )
    return list(db.session.scalars(query))
