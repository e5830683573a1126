"""Who works at a venue: invited, given another post, and removed, by its owners."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_security import current_user
from werkzeug.wrappers import Response

from admin import words
from admin.database import give_back_connection
from admin.people_forms import InviteForm, PostForm
from admin.venue_pages import VenuePage
from booking.actors import staff
from booking.errors import CatalogueInvalid
from booking.invitations import invite, list_invitations, withdraw_invitation
from booking.staff import change_post, list_colleagues, remove_colleague
from models import Post


class PeopleView(VenuePage):
    """The people of one venue, and those who are asked to join."""

    def __init__(self) -> None:
        super().__init__(name="People", url="people")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """List them, and ask somebody else."""
        venue = self.venue()
        form, by, venue_id = InviteForm(), staff(current_user.id), venue.id
        if form.validate_on_submit():
            email, post = form.email.data, Post(form.post.data)
            if self.obeyed(lambda: invite(venue_id=venue_id, email=email, post=post, by=by), form):
                flash("The invitation is on its way. Its link is good for a day.", "success")
                return self.back(venue_id)
        give_back_connection()
        return self.render(
            "house/people.html",
            venue=venue,
            form=form,
            colleagues=list_colleagues(venue_id),
            invitations=list_invitations(venue_id),
            words=words,
            posts=words.POST_WORDS,
        )

    @expose("/post/", methods=("POST",))
    def post_view(self) -> Response:
        """Give somebody another post."""
        venue_id, user_id = self.venue().id, _id(request.form.get("user"))
        form, by = PostForm(), staff(current_user.id)
        if not form.validate():
            abort(400)
        post = Post(form.post.data)
        return self._done(
            venue_id,
            lambda: change_post(venue_id=venue_id, user_id=user_id, post=post, by=by),
            "Saved.",
        )

    @expose("/remove/", methods=("POST",))
    def remove_view(self) -> Response:
        """Take somebody's place at the venue away."""
        venue_id, user_id = self.venue().id, _id(request.form.get("user"))
        by = staff(current_user.id)
        return self._done(
            venue_id,
            lambda: remove_colleague(venue_id=venue_id, user_id=user_id, by=by),
            "They no longer belong to this venue.",
        )

    @expose("/withdraw/", methods=("POST",))
    def withdraw_view(self) -> Response:
        """Take an invitation back."""
        venue_id, given = self.venue().id, _id(request.form.get("invitation"))
        by = staff(current_user.id)
        give_back_connection()
        if not withdraw_invitation(invitation_id=given, venue_id=venue_id, by=by):
            abort(404)
        flash("The invitation no longer works.", "success")
        return self.back(venue_id)

    def _done(self, venue_id: int, verb: Callable[[], object], said: str) -> Response:
        try:
            self.obey(verb)
        except CatalogueInvalid as refusal:
            flash(str(refusal), "error")
        else:
            flash(said, "success")
        # Who has just removed themselves has nothing to see there any more.
        if request.form.get("user") == str(current_user.id):
            return redirect(self.get_url("admin.index"))
        return self.back(venue_id)


def _id(given: str | None) -> UUID:
    try:
        return UUID(given or "")
    except ValueError:
        abort(404)
