"""The owners' house: Flask-Admin screens over the engine's verbs. No rules, no commits."""

from flask import Blueprint, Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_wtf.csrf import CSRFError

from admin.bookings import BookingView
from admin.calendar import CalendarView
from admin.correspondence import CorrespondenceView
from admin.customers import CustomerView
from admin.database import db
from admin.desk import DeskView
from admin.home import HomeView
from admin.messages import MessageView
from admin.new_venue import NewVenueView
from admin.operators import OperatorsView
from admin.people import PeopleView
from admin.privacy import PrivacyView
from admin.protection import error_page, init_protection, is_admin_request, nonce
from admin.reports import RepeatView, ReportView
from admin.resources import ResourceView
from admin.schedules import ScheduleView
from admin.sessions import SessionsView
from admin.sign_in import init_sign_in
from admin.slots import SlotView
from admin.strangers import ForgottenView, InvitationView
from admin.switch import SwitchView, choices
from admin.together import TogetherView
from admin.venue_settings import ClosuresView, ReasonsView, SettingsView, TokensView
from admin.venues import VenueView
from admin.wall import init_wall
from settings import settings

__all__ = ["error_page", "init_admin", "is_admin_request"]


def init_admin(app: Flask) -> None:
    """Add the admin to the web app: sign-in, its guards and its screens, all under /admin."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    db.init_app(app)
    # Before the library's own blueprints, so that these templates are found first.
    app.register_blueprint(
        Blueprint(
            "house",
            __name__,
            url_prefix="/admin",
            template_folder="templates",
            static_folder="static",
            static_url_path="/assets",
        )
    )
    init_protection(app)
    init_sign_in(app)
    init_wall()
    house = Admin(
        app,
        name="Holdfast",
        index_view=HomeView(),
        theme=Bootstrap4Theme(base_template="house/base.html"),
        csp_nonce_generator=nonce,
    )
    house.add_views(CalendarView(), BookingView(), CustomerView())
    house.add_views(SlotView(), ScheduleView(), ResourceView(), VenueView())
    house.add_views(MessageView(), CorrespondenceView(), PrivacyView())
    house.add_views(ReportView(), RepeatView())
    house.add_views(DeskView(), TogetherView(), OperatorsView(), NewVenueView())
    house.add_views(SessionsView(), SwitchView(), ForgottenView(), InvitationView())
    house.add_views(PeopleView(), SettingsView(), ClosuresView(), TokensView(), ReasonsView())
    app.context_processor(lambda: {"house": house, "venue_choices": choices})
    app.register_error_handler(CSRFError, error_page)
