"""The first page: each venue's day at a glance."""

from datetime import UTC, datetime
from typing import Any

from flask_admin import AdminIndexView, expose
from flask_security import current_user

from admin import words
from admin.summary import read_today
from admin.tenancy import shown_realm
from admin.views import Guarded


class HomeView(Guarded, AdminIndexView):
    """The index; closed to strangers, and kind to those who belong to no venue yet."""

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    @expose("/")
    def index(self) -> Any:
        """Show today at each venue."""
        venues = read_today(shown_realm(), datetime.now(UTC))
        return self.render("house/home.html", venues=venues, words=words)
