"""The pages of the house for those who are not in it yet: a forgotten password, an invitation."""

from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_admin import BaseView, expose
from werkzeug.wrappers import Response as AnyResponse

from admin import words
from admin.database import give_back_connection
from admin.people_forms import ForgottenForm, JoinForm
from admin.views import Guarded
from booking.accounts import ask_for_reset
from booking.errors import LinkGone
from booking.invitations import accept_invitation, look_at_invitation


class OpenToAll(Guarded, BaseView):
    """A page that needs no sign-in and shows nothing of any venue."""

    def is_accessible(self) -> bool:
        return True

    def is_visible(self) -> bool:
        return False


class ForgottenView(OpenToAll):
    """Asks for a link that sets a new password."""

    def __init__(self) -> None:
        super().__init__(name="A new password", endpoint="house_forgotten", url="forgotten")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Mail the link, and say the same whether or not there is such an account."""
        form = ForgottenForm()
        if form.validate_on_submit():
            give_back_connection()
            ask_for_reset(email=form.email.data)
            flash("If there is an account with this address, a link is on its way to it.", "info")
            return redirect(url_for("security.login"))
        return self.render("house/forgotten.html", form=form)


class InvitationView(OpenToAll):
    """Where the link of an invitation leads. Looking changes nothing; the button does."""

    def __init__(self) -> None:
        super().__init__(name="Invitation", endpoint="house_invitation", url="invitation")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show what the invitation is to, and join."""
        token = request.values.get("token", "")
        form = JoinForm(token=token)
        give_back_connection()
        try:
            invited = look_at_invitation(token=token)
            if form.validate_on_submit() and self._join(token, form):
                flash(f"You belong to {invited.venue} now. Please sign in.", "success")
                return redirect(url_for("security.login"))
        except LinkGone:
            return _gone(self)
        return self.render("house/invitation.html", invited=invited, form=form, words=words)

    def _join(self, token: str, form: JoinForm) -> bool:
        return self.obeyed(
            lambda: accept_invitation(
                token=token,
                full_name=form.full_name.data,
                password=form.password.data or "",
            ),
            form,
        )


def _gone(view: BaseView) -> AnyResponse:
    page = view.render(
        "house/error.html",
        title="This link is no longer good",
        text="It was used, taken back, or its day has passed. Ask for a new invitation.",
    )
    return Response(page, 410)
