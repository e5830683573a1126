"""Every route, every role, ids of others and nonsense: nobody gets where they do not belong."""

from itertools import product

import pytest
from flask import Flask
from sqlalchemy import true
from sqlalchemy.orm import Session

from admin import wall
from admin.bookings import BookingView
from admin.customers import CustomerView
from admin.messages import MessageView
from admin.resources import ResourceView
from admin.tenancy import Realm
from admin.venues import VenueView
from tests.admin import crawling
from tests.admin.crawling import PARAMETERS, Furnished, Route, asking, everything, furnish, routes
from tests.admin.visiting import Visitor, make_person

LOGIN = "/admin/login"
NONSENSE = (
    "x",
    "2147483648",
    "\x00",
    "１２",
    "' OR 1=1 --",
    "00000000-0000-0000-0000-000000000000",
)


@pytest.fixture
def our(ours, rows: Session) -> Furnished:
    return furnish(ours, rows)


@pytest.fixture
def foreign(theirs, rows: Session) -> Furnished:
    return furnish(theirs, rows)


def test_every_route_is_known(app: Flask):
    assert len(list(routes(app))) > 60


def test_a_route_without_a_case_is_noticed():
    with pytest.raises(AssertionError, match="house_new\\.index"):
        crawling.case_of("house_new", "index")


def test_strangers_are_sent_to_the_sign_in(app: Flask, foreign, rows):
    before = everything(rows)

    for route in routes(app):
        answer = _ask(Visitor(app), route, foreign, proof=False)

        if route.case.opens:
            assert answer.status_code in (200, 302, 400, 404, 410), route
        elif route.case.about == "stream":
            assert answer.status_code == 403, route
        else:
            assert answer.status_code == 302, route
            assert answer.location.startswith(LOGIN), route
        assert "Theirs" not in answer.text, route

    assert everything(rows) == before


@pytest.mark.parametrize("role", ["staff", "owner"])
def test_what_is_of_others_does_not_exist(app: Flask, our, foreign, rows, role):
    visitor = _signed_in(app, getattr(our, role))
    before = everything(rows)

    for route in _for_the_signed_in(app):
        answer = _ask(visitor, route, foreign)

        assert "Theirs" not in answer.text, route
        if not route.case.lets_in(role):
            assert answer.status_code in (403, 404, 405), route
        elif route.case.about == "parent":
            assert answer.status_code in (400, 404), route
        elif route.case.about in ("row", "venue", "venue_field", "mine"):
            assert answer.status_code == 404, (route, answer.status_code)
        else:
            assert answer.status_code < 500, route

    assert everything(rows) == before


@pytest.mark.parametrize("role", ["staff", "owner"])
def test_what_is_their_own_is_there(app: Flask, our, rows, role):
    """The twin of the crawl above: what is 404 for others is asked for in the right way."""
    visitor = _signed_in(app, getattr(our, role))

    for route in _for_the_signed_in(app):
        if route.method != "GET" or route.case.opens:
            continue
        answer = _ask(visitor, route, our)

        if route.view in ("details_view", "index_view", "index") and route.case.lets_in(role):
            assert answer.status_code == 200, route
        elif not route.case.lets_in(role):
            assert answer.status_code in (403, 404, 405), route
        else:
            assert answer.status_code < 500, route


def test_a_realm_that_limits_nothing_is_noticed(app: Flask, our, foreign, monkeypatch):
    """The twin without the wall: the crawl sees what it must not."""
    monkeypatch.setattr(Realm, "limit", lambda self, venue_id: venue_id.is_not(None))
    visitor = _signed_in(app, our.owner)
    details = [route for route in routes(app) if route.endpoint == "admin_bookings.details_view"]

    answer = _ask(visitor, details[0], foreign)

    assert answer.status_code == 200
    assert "Theirs" in answer.text


def test_a_screen_that_forgets_its_limit_still_shows_no_others(
    app: Flask, our, foreign, monkeypatch
):
    """The second wall: the session itself limits what a screen does not."""
    for view in (BookingView, VenueView, ResourceView, MessageView, CustomerView):
        monkeypatch.setattr(view, "within", lambda self, realm: true())
    visitor = _signed_in(app, our.owner)

    for route in _for_the_signed_in(app):
        if route.method == "GET" and route.screen in OPEN_SCREENS:
            answer = _ask(visitor, route, foreign)

            assert "Theirs" not in answer.text, route
            assert answer.status_code == (200 if route.case.about == "nothing" else 404), route


def test_without_either_wall_others_are_seen(app: Flask, our, foreign, monkeypatch):
    """The twin of the second wall."""
    monkeypatch.setattr(BookingView, "within", lambda self, realm: true())
    monkeypatch.setattr(wall, "_criteria", lambda realm: [])
    visitor = _signed_in(app, our.owner)

    answer = visitor.get("/admin/bookings/details/", id=foreign.ids["admin_bookings"])

    assert "Theirs" in answer.text


OPEN_SCREENS = (
    "admin_bookings",
    "admin_venues",
    "admin_resources",
    "admin_messages",
    "admin_customers",
)


def test_operators_are_at_home_everywhere_but_with_customers(app: Flask, foreign, operator):
    visitor = _signed_in(app, operator)

    for route in _for_the_signed_in(app):
        if route.method != "GET" or route.case.opens:
            continue
        answer = _ask(visitor, route, foreign)
        if not route.case.lets_in("operator"):
            assert answer.status_code == 403, route
        elif route.view in ("details_view", "index_view", "index"):
            assert answer.status_code in (200, 405), route
        else:
            assert answer.status_code < 500, route


def test_staff_and_owners_do_nothing_that_is_an_operators(app: Flask, our):
    visitor = _signed_in(app, our.owner)

    for route in _for_the_signed_in(app):
        if route.case.roles == "operator":
            assert _ask(visitor, route, our).status_code == 403, route


def test_who_belongs_nowhere_gets_nowhere(app: Flask, foreign):
    visitor = _signed_in(app, make_person())

    for route in _for_the_signed_in(app):
        answer = _ask(visitor, route, foreign)
        assert answer.status_code < 500, route
        assert "Theirs" not in answer.text, route


def test_nonsense_for_an_id_is_no_page(app: Flask, our):
    visitor = _signed_in(app, our.owner)

    for route, nonsense in product(_for_the_signed_in(app), NONSENSE):
        if route.case.about == "nothing" or not route.case.lets_in("owner"):
            continue
        ids = dict.fromkeys(asking(route, our)[0], nonsense)
        said = dict.fromkeys(asking(route, our)[1], nonsense) | {"csrf_token": visitor.proof}
        answer = visitor.client.open(
            route.url,
            method=route.method,
            query_string=ids,
            data=said if route.method == "POST" else None,
        )

        assert answer.status_code in (400, 404, 405), (route, nonsense)
        assert "<script>alert(1)" not in answer.text, route


@pytest.mark.parametrize("nonsense", ["\x00", "9" * 30, "<script>alert(1)</script>"])
def test_nonsense_in_any_other_field_is_answered_in_words(app: Flask, our, nonsense):
    visitor = _signed_in(app, our.owner)
    said = dict.fromkeys(PARAMETERS, nonsense)

    for route in _for_the_signed_in(app):
        query, fields = asking(route, our)
        proof = {"csrf_token": visitor.proof}
        answer = visitor.client.open(
            route.url,
            method=route.method,
            query_string=said | query,
            data=fields | said | proof if route.method == "POST" else None,
        )

        assert answer.status_code < 500, route
        assert "<script>alert(1)" not in answer.text, route


def _for_the_signed_in(app: Flask) -> list[Route]:
    """Return what can be asked for without leaving and that ends: both have tests of their own."""
    aside = ("security.logout", "house_stream.stream")
    return [route for route in routes(app) if route.endpoint not in aside]


def _signed_in(app: Flask, person) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in(person)
    visitor.proof = visitor.token()
    return visitor


def _ask(visitor: Visitor, route: Route, whose: Furnished, *, proof: bool = True):
    query, fields = asking(route, whose)
    token = {"csrf_token": visitor.proof} if proof and route.method == "POST" else {}
    return visitor.client.open(
        route.url,
        method=route.method,
        query_string=query,
        data=fields | token if route.method == "POST" else None,
    )
