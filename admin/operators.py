"""The operators' page: what waits, runs and failed over all venues; nobody's name is on it."""

from flask import abort, flash, redirect, request
from flask_admin import BaseView, expose
from flask_security import current_user
from werkzeug.wrappers import Response

from admin import words
from admin.forms import StepForm
from admin.tenancy import current_realm
from admin.together import DEED_WORDS
from admin.views import Guarded, obey
from booking.actors import staff
from booking.jobs import ask_again
from booking.overseeing import AGES, read_overview
from booking.queues import read_depths
from metrics import read_violations
from models import RunState
from settings import settings

RUN_WORDS = {
    RunState.RUNNING: "Running",
    RunState.WAITING: "To go on",
    RunState.DONE: "Done",
    RunState.FAILED: "Failed",
}


class OperatorsView(Guarded, BaseView):
    """One page for whoever runs the installation."""

    def __init__(self) -> None:
        super().__init__(name="Operations", endpoint="admin_operations", url="operations")

    def is_accessible(self) -> bool:
        """Whether whoever is signed in is an operator."""
        return current_realm().is_operator

    @expose("/")
    def index_view(self) -> str:
        """Show how the installation fares."""
        rendered: str = self.render(
            "house/operations.html",
            overview=read_overview(),
            depths=read_depths(),
            violations=read_violations(),
            flower_url=settings.flower_url,
            ages=AGES,
            words=words,
            run_words=RUN_WORDS,
            deed_words=DEED_WORDS,
        )
        return rendered

    @expose("/run/", methods=("POST",))
    def run_view(self) -> Response:
        """Ask for one more run of a job, such as one that failed."""
        if not StepForm().validate():
            abort(400)
        name = request.form["id"]
        by = staff(current_user.id)
        obey(lambda: ask_again(name, by=by))
        flash(f"{name} is asked for; it runs within a quarter of a minute.", "success")
        back: Response = redirect(self.get_url(".index_view"))
        return back
