"""What only a browser shows: two at once, without JavaScript, without a net, without a mouse."""

import re
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from booking.access import access_token
from models import Status
from tests.factories import make_booking
from tests.pages.conftest import DESK, PHONE, Town
from tests.pages.looking import look_over
from tests.pages.test_ways import REFERENCE, Visit, book, booked, fill_in, go_on

PERSON = {"full_name": "Ada", "email": "ada@example.com", "password": "four quiet badgers"}


def to_review(page: Page, town: Town, email: str) -> None:
    slot = town.sittings[0]
    page.goto(f"/venues/bistro/book?slots={slot.id}&quantity=2")
    fill_in(page, email=email)
    go_on(page)
    page.get_by_role("button", name="Book now").wait_for()


def test_two_browsers_and_one_table(visit: Visit, town: Town, committed_db: Session) -> None:
    first, second = visit(PHONE), visit(DESK)
    to_review(first, town, "ada@example.com")
    to_review(second, town, "bob@example.com")

    # Both press before either has an answer.
    for page in (first, second):
        page.get_by_role("button", name="Book now").click(no_wait_after=True)
    for page in (first, second):
        page.wait_for_url(REFERENCE)
    headings = [page.locator("#outcome h1").inner_text() for page in (first, second)]

    assert sorted(headings) == ["Your booking is confirmed", "Your request could not be accepted"]
    assert sorted(each.status for each in booked(committed_db)) == ["confirmed", "rejected"]
    loser = (first, second)[headings.index("Your request could not be accepted")]
    look_over(loser)
    loser.get_by_role("link", name=re.compile("20:00")).click()
    fill_in(loser)
    go_on(loser)
    book(loser)
    loser.get_by_role("heading", name="Your booking is confirmed").wait_for()


def test_a_page_left_open_shows_that_a_place_has_gone(visit: Visit, town: Town) -> None:
    page = visit(PHONE)
    page.goto(f"/venues/ferry?day={town.day}&quantity=2")
    page.get_by_text("3 seats left").first.wait_for()

    make_booking(town.departures[0], quantity=2)

    page.get_by_text("1 seat left").wait_for()
    page.get_by_text("Not enough for 2 seats").wait_for()


def test_a_double_click_books_once(visit: Visit, town: Town, committed_db: Session) -> None:
    page = visit(DESK)
    to_review(page, town, "ada@example.com")

    page.get_by_role("button", name="Book now").dblclick()
    page.wait_for_url(REFERENCE)
    page.go_back()
    page.get_by_role("button", name="Book now").click()
    page.wait_for_url(REFERENCE)

    assert len(booked(committed_db)) == 1


def test_the_whole_way_without_javascript(visit: Visit, town: Town, committed_db: Session) -> None:
    page = visit(PHONE, java_script_enabled=False)
    visit.expected += ["status of 422"]  # type: ignore[attr-defined]

    page.goto("/venues/inn")
    page.get_by_label("Arrival").fill(str(town.day))
    page.get_by_label("Departure").fill(str(town.day + timedelta(days=2)))
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Book", exact=True).click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Wishes").fill("Quiet,\nplease")
    page.get_by_label("Phone").fill("no number")
    go_on(page)
    page.get_by_text("Please give a telephone number").wait_for()
    assert page.get_by_label("Name").input_value() == "Ada"
    page.get_by_label("Phone").fill("")
    go_on(page)
    page.get_by_role("button", name="Change something").click()
    assert page.get_by_label("Wishes").input_value() == "Quiet,\nplease"
    go_on(page)
    book(page)

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    assert [each.status for each in booked(committed_db)] == [Status.CONFIRMED]


def test_a_queue_moves_without_javascript(visit: Visit, town: Town, rings: list[object]) -> None:
    booking = make_booking(town.departures[0], status=Status.HELD, quantity=1)
    page = visit(PHONE, java_script_enabled=False)

    page.goto(f"/bookings/{booking.reference}/outcome?token={access_token(booking)}")
    page.get_by_role("button", name="Confirm now").click()

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()


def test_the_whole_way_by_keyboard(visit: Visit, town: Town, committed_db: Session) -> None:
    page = visit(DESK)
    page.goto(f"/venues/bistro?day={town.day}")

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).innerText"
            )
            if focused and focused.startswith(name):
                return
        raise AssertionError(f"nothing called {name} is reached by Tab")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tab_to("20:00")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book?**")
    for label, text in (("Name", "Ada"), ("E-mail", "ada@example.com")):
        tab_to(label)
        page.keyboard.type(text)
    tab_to("Review the booking")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Is everything right?").wait_for()
    tab_to("Book now")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    assert len(booked(committed_db)) == 1


def test_without_a_net_there_are_the_last_bookings_and_no_places(visit: Visit, town: Town) -> None:
    page = visit(PHONE)
    visit.expected += ["net::ERR", "[object Event]"]  # type: ignore[attr-defined]
    to_review(page, town, "ada@example.com")
    page.evaluate("navigator.serviceWorker.ready")
    reference = book(page)
    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    page.wait_for_function(
        "async path => (await (await caches.open('bookings')).match(path)) !== undefined",
        arg=f"/bookings/{reference}/outcome",
    )

    page.context.set_offline(True)
    page.goto(f"/bookings/{reference}/outcome")
    page.get_by_text("This is how it stood when you last looked").wait_for()
    assert page.get_by_text(reference).first.is_visible()
    page.goto(f"/venues/bistro?day={town.day}")
    page.get_by_role("heading", name="You are offline").wait_for()
    assert page.get_by_role("link", name=re.compile("Your booking is confirmed")).count() == 1
    assert page.get_by_text("left").count() == 0
    look_over(page)
    page.context.set_offline(False)


def test_a_held_place_shows_its_time_running(visit: Visit, town: Town) -> None:
    booking = make_booking(town.departures[0], status=Status.HELD, quantity=1)
    page = visit(PHONE)

    page.goto(f"/bookings/{booking.reference}/outcome?token={access_token(booking)}")
    deadline = page.locator(".deadline")
    page.get_by_text(re.compile(r"14:\d\d left to confirm")).wait_for()
    before = deadline.inner_text()

    page.wait_for_function(
        "text => document.querySelector('.deadline').innerText != text", arg=before
    )


def test_the_pages_of_an_account(visit: Visit, town: Town, client: FlaskClient) -> None:
    here = {"Sec-Fetch-Site": "same-origin"}
    client.post("/account/register", data=PERSON, headers=here)
    page = visit(PHONE)
    visit.expected += ["status of 404"]  # type: ignore[attr-defined]

    for path in ("/account/register", "/account/forgotten", "/bookings", "/offline", "/none"):
        page.goto(path)
        look_over(page)
    page.get_by_role("link", name="Sign in").click()
    look_over(page)
    page.get_by_label("E-mail").fill(PERSON["email"])
    page.get_by_label("Password").fill(PERSON["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="My bookings").wait_for()
    look_over(page)
    to_review(page, town, PERSON["email"])
    reference = book(page)
    page.get_by_role("link", name="My account").click()
    page.get_by_text(reference).wait_for()
    look_over(page)


def test_the_pages_of_a_mailed_link(visit: Visit, town: Town) -> None:
    booking = make_booking(town.departures[0], quantity=1)
    page = visit(PHONE)

    page.goto(f"/bookings/{booking.reference}/outcome?token={access_token(booking)}")
    page.get_by_role("link", name="Change or cancel").click()
    page.get_by_role("button", name="Change the booking").wait_for()
    look_over(page)
    page.get_by_role("button", name="Change the booking").click()
    page.get_by_role("button", name="Back to the booking").wait_for()
    look_over(page)
    page.get_by_role("button", name="Back to the booking").click()
    page.get_by_text("Cancel the booking").first.click()
    page.get_by_label("Why?").select_option("The weather")
    look_over(page)
    page.get_by_role("button", name="Cancel the booking").click()

    page.get_by_role("heading", name="Your booking is cancelled").wait_for()
    look_over(page)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_other_languages_fit_a_phone(visit: Visit, town: Town, language: str) -> None:
    page = visit(PHONE, locale=language)

    for path in ("/", f"/venues/bistro?day={town.day}", f"/venues/ferry?day={town.day}"):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.goto(f"/venues/inn?arrive={town.day}&leave={town.day + timedelta(days=2)}")
    look_over(page)


def test_a_form_in_a_frame_on_the_venues_own_site(
    visit: Visit, town: Town, committed_db: Session, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.pages.embed.settings", _Settings(address))
    with _site(f'<h1>Ours</h1><script src="{address}/embed/bistro.js"></script>') as origin:
        town.restaurant.embed_origins = [origin]
        committed_db.commit()
        page = visit(DESK)
        page.goto(origin)
        frame = page.frame_locator("iframe")
        frame.get_by_label("Day").fill(str(town.day))
        frame.get_by_role("link", name="18:00").click()
        frame.get_by_label("Name").fill("Ada")
        frame.get_by_label("E-mail").fill("ada@example.com")
        frame.get_by_role("button", name="Review the booking").click()
        frame.get_by_role("button", name="Book now").click()
        frame.get_by_role("heading", name="Your booking is confirmed").wait_for()

    assert [each.channel for each in booked(committed_db)] == ["embed"]


class _Settings:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url


class _site:
    """Another site, which serves one page."""

    def __init__(self, html: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_page = self.path == "/"
                self.send_response(200 if is_page else 204)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(html.encode() if is_page else b"")

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self._server.serve_forever, daemon=True).start()
        # Another name for this machine is another site.
        return f"http://localhost:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
