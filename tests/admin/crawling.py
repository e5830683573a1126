"""Every route below /admin, and what is known of each: what it is about and who may be there.

A new route needs a line here: the crawler fails for one that it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.api_tokens import create_api_token
from booking.invitations import invite
from models import Act, Base, BulkJob, Closure, Deed, Post, Report, ReportSchedule, User
from tests.admin.conftest import House
from tests.admin.visiting import make_person
from tests.factories import make_reason

# What the query string and the forms of all pages know, beside the ids.
PARAMETERS = (
    "page",
    "page_size",
    "sort",
    "desc",
    "q",
    "day",
    "status",
    "state",
    "kind",
    "language",
    "resource",
    "reference",
    "token",
    "next",
    "show_codes",
    "setup",
    "code",
    "action",
    "capacity",
    "reason",
    "notes",
    "name",
    "email",
    "post",
    "first_on",
    "last_on",
    "scopes",
    "close",
    "words",
    "time_zone",
    "currency",
    "notice_minutes",
    "horizon_days",
    "allowed_origins",
    "slug",
    "owner",
    "full_name",
    "password",
    "new_password",
    "opening_hours",
    "description",
    "back",
    "list_form_pk",
    "rowid",
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a route is about (`nothing`, a `row`, a `venue`, or the `parent` of something new), and
    which roles may be there.

    `form` are names of fields in which the page takes ids besides. `opens` are routes for all.
    """

    about: str
    roles: str = "staff owner operator"
    form: tuple[str, ...] = ()
    opens: bool = False

    def lets_in(self, role: str) -> bool:
        return role in self.roles.split()


@dataclass(frozen=True, slots=True)
class Route:
    """A route, and how it is called."""

    endpoint: str
    method: str
    url: str
    case: Case = field(default=Case("nothing"))

    @property
    def screen(self) -> str:
        return self.endpoint.partition(".")[0]

    @property
    def view(self) -> str:
        return self.endpoint.partition(".")[2]


OWNERS = "owner operator"
CASES = {
    "admin.index": Case("nothing"),
    "admin_bookings.export": Case("nothing"),
    "admin_calendar.index": Case("parent"),
    "admin_desk.index_view": Case("nothing"),
    "admin_messages.export": Case("nothing"),
    "admin_slots.export": Case("nothing"),
    "admin_privacy.details_view": Case("row", OWNERS),
    "admin_privacy.lift_view": Case("row", OWNERS),
    "admin_operations.index_view": Case("nothing", "operator"),
    "admin_operations.run_view": Case("nothing", "operator"),
    "admin_resources.create_view": Case("parent", OWNERS),
    "admin_schedules.create_view": Case("parent", OWNERS),
    "admin_slots.create_view": Case("parent", OWNERS),
    "house_stream.stream": Case("stream"),
    "house_sessions.index": Case("nothing"),
    "house_sessions.end_view": Case("mine"),
    "house_switch.index": Case("venue_field"),
    "house_forgotten.index": Case("nothing", opens=True),
    "house_invitation.index": Case("nothing", opens=True),
    "house_new_venue.index": Case("nothing", "operator"),
    "house_people.index": Case("venue", OWNERS),
    "house_people.post_view": Case("venue", OWNERS, ("user",)),
    "house_people.remove_view": Case("venue", OWNERS, ("user",)),
    "house_people.withdraw_view": Case("venue", OWNERS, ("invitation",)),
    "house_settings.index": Case("venue", OWNERS),
    "house_closures.index": Case("venue", OWNERS),
    "house_closures.end_view": Case("venue", OWNERS, ("closure",)),
    "house_tokens.index": Case("venue", OWNERS),
    "house_tokens.revoke_view": Case("venue", OWNERS, ("token",)),
    "house_reasons.index": Case("venue", OWNERS),
    "house_reasons.remove_view": Case("venue", OWNERS, ("reason",)),
}
# Screens of rows: each of the library's routes of them, and of our own, asks for a row by its id.
SCREENS = {
    "admin_venues": Case("row"),
    "admin_resources": Case("row"),
    "admin_schedules": Case("row"),
    "admin_slots": Case("row"),
    "admin_together": Case("row"),
    "admin_bookings": Case("row"),
    "admin_messages": Case("row"),
    "admin_correspondence": Case("row"),
    "admin_customers": Case("row", "staff owner"),
    "admin_privacy": Case("row"),
    "admin_reports": Case("row", "staff owner"),
    "admin_repeats": Case("row", "staff owner"),
}
LISTS = ("index_view", "ask_view")


def routes(app: Flask) -> Iterator[Route]:
    """Return every route below /admin but static files. Fails for one without a case."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        screen, _, view = rule.endpoint.partition(".")
        if not rule.rule.startswith("/admin") or view == "static":
            continue
        url = rule.rule.replace("<export_type>", "csv").replace("<token>", "x")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule.endpoint, method, url, case_of(screen, view))


def case_of(screen: str, view: str) -> Case:
    if screen == "security":
        return Case("nothing", opens=True)
    if (known := CASES.get(f"{screen}.{view}")) is not None:
        return known
    if screen in SCREENS:
        given = SCREENS[screen]
        return Case("nothing", given.roles) if view in LISTS else given
    raise AssertionError(f"tests/admin/crawling.py knows no case for {screen}.{view}")


@dataclass(frozen=True, slots=True)
class Furnished:
    """A venue with one of everything that has an id, and its people."""

    house: House
    owner: User
    staff: User
    ids: dict[str, str]

    def row_id(self, screen: str) -> str:
        return self.ids[screen]


def furnish(house: House, rows: Session) -> Furnished:
    """Give a venue people and one of everything."""
    venue_id = house.venue.id
    owner = make_person(house.venue)
    staff = make_person(house.venue, post=Post.STAFF)
    reason = make_reason(house.venue)
    day = house.slot.local_on
    closure = Closure(venue_id=venue_id, first_on=day, last_on=day)
    job = BulkJob(id=uuid4(), venue_id=venue_id, deed=Deed.CANCEL, actor="system")
    sheet = {"venue_id": venue_id, "kind": "run_sheet", "format": "csv"}
    report = Report(**sheet, first_on=day, last_on=day, asked_by="system")
    repeat = ReportSchedule(
        **sheet, every="day", at_hour=6, next_at=house.slot.starts_at, user_id=owner.id
    )
    rows.add_all([closure, job, report, repeat])
    rows.commit()
    token = create_api_token(venue=house.venue.slug, name="Channel", scopes=["bookings:read"])
    invited = f"invited-{venue_id}@example.com"
    invitation = invite(venue_id=venue_id, email=invited, post=Post.STAFF, by=SYSTEM)
    given: dict[str, Any] = {
        "venue": venue_id,
        "user": staff.id,
        "invitation": invitation,
        "closure": closure.id,
        "token": token.id,
        "reason": reason.id,
        "admin_venues": venue_id,
        "admin_correspondence": venue_id,
        "admin_resources": house.resource.id,
        "admin_schedules": house.schedule.id,
        "admin_privacy": venue_id,
        "admin_slots": house.slot.id,
        "admin_together": job.id,
        "resource": house.resource.id,
        "admin_bookings": house.booking.id,
        "admin_messages": house.message.id,
        "admin_customers": house.booking.customer_id,
        "admin_reports": report.id,
        "admin_repeats": repeat.id,
    }
    return Furnished(house, owner, staff, {name: str(value) for name, value in given.items()})


def asking(route: Route, whose: Furnished) -> tuple[dict[str, str], dict[str, str]]:
    """Return the query and the form with which a route is asked for what belongs to a venue."""
    match route.case.about:
        case "row":
            given = whose.row_id(route.screen)
            fields = {"id": given, "rowid": given, "list_form_pk": given, "other": given}
            return {"id": given}, fields | {"action": "close", "capacity": "4", "reason": ""}
        case "parent":
            return {name: whose.ids[name] for name in ("venue", "resource")}, {}
        case "venue":
            fields = {name: whose.ids[name] for name in route.case.form}
            first = next(iter(fields.values()), "")
            return {"venue": whose.ids["venue"]}, fields | {"id": first, "post": "owner"}
        case "venue_field":
            return {}, {"venue": whose.ids["venue"]}
    return {}, {}


def everything(rows: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but what signing in and taking one's own list away write."""
    rows.rollback()
    aside = {"house_sessions", "users", "heartbeats"}
    found = {
        table.name: sorted(map(tuple, rows.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
        if table.name not in aside
    }
    acts = found["audit_events"]
    return found | {"audit_events": [act for act in acts if Act.EXPORTED not in act]}
