"""What a venue keeps of people: its policy, what must not go, what is asked for, and receipts."""

from datetime import UTC, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, DateField, IntegerField, StringField
from wtforms.validators import InputRequired, Optional

from admin import words
from admin.database import give_back_connection
from admin.tenancy import Realm
from admin.views import OwnerView
from booking.actors import staff
from booking.privacy.erasing import open_requests
from booking.privacy.holds import lift_legal_hold, read_holds, set_legal_hold
from booking.privacy.policies import Kept, read_policy, set_policy
from booking.privacy.receipts import read_receipts
from models import Venue

# The class of fields, what it holds, and from when its days count.
CLASSES = (
    ("contact_days", "Contact", "names, addresses, telephones", "after the booking is over"),
    ("requests_days", "Wishes", "special requests, answers to forms", "after it is over"),
    ("messages_days", "Messages", "traces of mails, mails as files", "after they were written"),
    ("skeleton_days", "Skeleton", "confirmation codes, languages", "after it is over"),
    ("audit_days", "Reasons", "words of the venue's people beside an act", "after the act"),
)
_WAITS = {
    "future": "waits until the last booking is over",
    "legal_hold": "waits for a legal hold",
    "message": "waits for a mail on its way",
}


_LABELS = {"name": "Venue"}
_FORMATS = {"kind": lambda v, c, venue, n: words.KIND_WORDS[venue.kind]}


class PolicyForm(FlaskForm):
    """For how many days each class is kept; the engine checks them."""

    contact_days = IntegerField("Contact, days after a booking is over", [InputRequired()])
    requests_days = IntegerField("Wishes, days after a booking is over", [InputRequired()])
    messages_days = IntegerField("Messages, days after they were written", [InputRequired()])
    skeleton_days = IntegerField("Skeleton, days (empty: for good)", [Optional()])
    audit_days = IntegerField("Reasons, days after the act", [InputRequired()])


class HoldForm(FlaskForm):
    """What must not go, until when, and why."""

    reference = StringField("Reference", [InputRequired("Give the booking's reference.")])
    ends_on = DateField("Until the end of", [InputRequired("Give a day.")])
    reason = StringField("Reason", [InputRequired("Give the reason.")])
    covers_customer = BooleanField("All bookings of this customer")


class PrivacyView(OwnerView):
    """One row a venue; its details are the owner's alone."""

    can_edit = True
    form = PolicyForm
    details_template = "house/privacy.html"
    column_list = ("name", "kind")
    column_labels = _LABELS
    column_formatters = _FORMATS
    ordering = (Venue.name, Venue.id)

    def __init__(self) -> None:
        super().__init__(Venue, name="Privacy")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Venue.id)

    def venue_id_of(self, row: Venue) -> int:
        return row.id

    def edit_form(self, obj: Venue | None = None) -> PolicyForm:
        """Return the form with the policy that counts, or with what was typed in."""
        kept = read_policy(venue_id=obj.id).kept if obj is not None else Kept()
        return PolicyForm(obj=kept)

    def save(self, row: Venue, form: PolicyForm) -> None:
        days = {f.short_name: f.data for f in form if f.type == "IntegerField"}
        set_policy(venue_id=row.id, values=days, by=staff(current_user.id))

    def edit_hint(self, row: Venue) -> str:
        return "It counts from the next night on. What is emptied does not come back."

    @expose("/details/", methods=("GET", "POST"))
    def details_view(self) -> AnyResponse | str:
        """Show all of it, and take a new hold."""
        venue = self.get_one(request.args.get("id"))
        self.require_owner(venue)
        form = HoldForm()
        if self.validate_form(form) and self._hold(venue, form):
            flash("Kept.", "success")
            return redirect(self.details_url(venue))
        # The engine reads on connections of its own.
        name, zone, venue_id = venue.name, venue.time_zone, venue.id
        give_back_connection()
        rendered: str = self.render(
            self.details_template,
            model=venue,
            venue_name=name,
            zone=zone,
            classes=CLASSES,
            policy=read_policy(venue_id=venue_id),
            holds=read_holds(venue_id=venue_id),
            requests=open_requests(venue_id=venue_id),
            receipts=read_receipts(venue_id=venue_id),
            waits=_WAITS,
            when=words.local_time,
            form=form,
        )
        return rendered

    @expose("/lift/", methods=("POST",))
    def lift_view(self) -> AnyResponse:
        """End a hold now."""
        venue = self.get_one(request.args.get("id"))
        self.require_owner(venue)
        try:
            hold_id = UUID(request.form.get("hold", ""))
        except ValueError:
            abort(404)
        back, venue_id, by = self.details_url(venue), venue.id, staff(current_user.id)
        self.obey(lambda: lift_legal_hold(hold_id=hold_id, venue_id=venue_id, by=by))
        flash("Lifted.", "success")
        return redirect(back)

    def _hold(self, venue: Venue, form: HoldForm) -> bool:
        """Hand the hold to the engine; its refusal is shown beside the field."""
        end = datetime.combine(form.ends_on.data, time.max, ZoneInfo(venue.time_zone))
        venue_id, by = venue.id, staff(current_user.id)
        return self.obeyed(
            lambda: set_legal_hold(
                reference=(form.reference.data or "").strip().upper(),
                venue_id=venue_id,
                reason=form.reason.data or "",
                ends_at=end.astimezone(UTC),
                covers_customer=form.covers_customer.data,
                by=by,
            ),
            form,
        )
