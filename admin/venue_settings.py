"""A venue's own settings, its closures, the programs it lets in, and its reasons to cancel."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, flash, request
from flask_admin import expose
from flask_security import current_user
from werkzeug.wrappers import Response

from admin import words
from admin.database import give_back_connection
from admin.venue_forms import ClosureForm, GoneForm, ReasonForm, SettingsForm, TokenForm
from admin.venue_pages import VenuePage
from booking.actors import Actor, staff
from booking.api_tokens import NewToken, create_api_token, list_api_tokens, revoke_api_token
from booking.closures import close_days, end_closure, list_closures, preview_closure
from booking.errors import CatalogueInvalid
from booking.reasons import add_reason, list_reasons, remove_reason
from booking.venue_settings import change_venue


class SettingsView(VenuePage):
    """Policies and words of one venue."""

    def __init__(self) -> None:
        super().__init__(name="Settings", url="settings")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show and save them."""
        venue, by = self.venue(), _by()
        venue_id = venue.id
        form = SettingsForm(obj=venue)
        if not form.is_submitted():
            form.embed_origins.data = "\n".join(venue.embed_origins)
        values = form.values()
        if form.validate_on_submit() and self.obeyed(
            lambda: change_venue(venue_id=venue_id, values=values, by=by), form
        ):
            flash("Saved.", "success")
            return self.back(venue_id)
        return self.render("house/settings.html", venue=venue, form=form)


class ClosuresView(VenuePage):
    """Days on which a venue is closed; looked at before they are."""

    def __init__(self) -> None:
        super().__init__(name="Closures", url="closures")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show what a closure would meet, and then close the days."""
        venue, by = self.venue(), _by()
        venue_id, form, met = venue.id, ClosureForm(), None
        today = datetime.now(ZoneInfo(venue.time_zone)).date()
        if form.validate_on_submit():
            days = {"first_on": form.first_on.data, "last_on": form.last_on.data}
            reason = form.reason.data
            if "close" in request.form:
                if self.obeyed(
                    lambda: close_days(venue_id=venue_id, **days, reason=reason, by=by), form
                ):
                    flash("These days are closed.", "success")
                    return self.back(venue_id)
            else:
                met = self._preview(venue_id, days, form)
        give_back_connection()
        return self.render(
            "house/closures.html",
            venue=venue,
            form=form,
            met=met,
            closures=list_closures(venue_id, today),
            words=words,
        )

    @expose("/end/", methods=("POST",))
    def end_view(self) -> Response:
        """Open the days of a closure again."""
        venue_id, by = self.venue().id, _by()
        closure_id = _number(_gone())
        opened: list[int] = []
        self.obey(
            lambda: opened.append(end_closure(closure_id=closure_id, venue_id=venue_id, by=by))
        )
        flash(f"Open again: {opened[0]} {'slot' if opened[0] == 1 else 'slots'}.", "success")
        return self.back(venue_id)

    def _preview(self, venue_id: int, days: Any, form: ClosureForm) -> Any:
        found: list[Any] = []
        self.obeyed(lambda: found.append(preview_closure(venue_id=venue_id, **days)), form)
        return found[0] if found else None


class TokensView(VenuePage):
    """The programs that work with a venue's bookings."""

    def __init__(self) -> None:
        super().__init__(name="API tokens", url="tokens")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """List the tokens, and make one, which is shown this once."""
        venue, by = self.venue(), _by()
        venue_id, slug, form = venue.id, venue.slug, TokenForm()
        made: list[NewToken] = []
        if form.validate_on_submit():
            name, scopes = form.name.data, form.scopes.data
            self.obeyed(
                lambda: made.append(create_api_token(venue=slug, name=name, scopes=scopes, by=by)),
                form,
            )
        give_back_connection()
        return self.render(
            "house/tokens.html",
            venue=venue,
            form=TokenForm(formdata=None) if made else form,
            made=made[0] if made else None,
            tokens=list_api_tokens(venue_id),
            words=words,
        )

    @expose("/revoke/", methods=("POST",))
    def revoke_view(self) -> Response:
        """Make a token void for good."""
        venue_id, by = self.venue().id, _by()
        try:
            token_id = UUID(_gone())
        except ValueError:
            abort(404)
        self.obey(lambda: revoke_api_token(token_id=token_id, venue_ids=[venue_id], by=by))
        flash("The token no longer works.", "success")
        return self.back(venue_id)


class ReasonsView(VenuePage):
    """The reasons that can be given with a cancellation."""

    def __init__(self) -> None:
        super().__init__(name="Reasons", url="reasons")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """List them, and add one."""
        venue, by = self.venue(), _by()
        venue_id, form = venue.id, ReasonForm()
        if form.validate_on_submit():
            given = {"reason": form.reason.data, "description": form.description.data}
            if self.obeyed(lambda: add_reason(venue_id=venue_id, **given, by=by), form):
                flash("Added.", "success")
                return self.back(venue_id)
        give_back_connection()
        return self.render(
            "house/reasons.html", venue=venue, form=form, reasons=list_reasons(venue_id)
        )

    @expose("/remove/", methods=("POST",))
    def remove_view(self) -> Response:
        """Remove one that no booking has."""
        venue_id, by = self.venue().id, _by()
        reason_id = _number(_gone())
        try:
            self.obey(lambda: remove_reason(reason_id=reason_id, venue_id=venue_id, by=by))
        except CatalogueInvalid as refusal:
            flash(str(refusal), "error")
        else:
            flash("Removed.", "success")
        return self.back(venue_id)


def _by() -> Actor:
    return staff(current_user.id)


def _gone() -> str:
    form = GoneForm()
    if not form.validate():
        abort(404)
    return str(form.id.data)


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        abort(404)
    return int(given)
