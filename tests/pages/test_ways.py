"""The whole way from looking to the outcome, for each kind of venue, as people go it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Booking
from tests.factories import make_booking
from tests.pages.conftest import DESK, PHONE, Town
from tests.pages.looking import look_over

Visit = Callable[..., Page]
REFERENCE = re.compile(r"/bookings/([A-Z0-9]{7})/outcome$")


def fill_in(page: Page, *, name: str = "Ada Moreau", email: str = "ada@example.com") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Review the booking").click()


def book(page: Page) -> str:
    page.get_by_role("button", name="Book now").click()
    page.wait_for_url(REFERENCE)
    found = REFERENCE.search(page.url)
    assert found
    return found[1]


def booked(db: Session) -> list[Booking]:
    db.expire_all()
    return list(db.scalars(select(Booking).order_by(Booking.seq)))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_table(visit: Visit, town: Town, committed_db: Session, size: dict[str, int]) -> None:
    page = visit(size)

    page.goto("/")
    look_over(page)
    page.get_by_role("link", name="Bistro").click()
    page.wait_for_url("/venues/bistro")
    page.get_by_label("Day").fill(town.day.isoformat())
    page.get_by_role("link", name="18:00").wait_for()
    look_over(page)
    page.get_by_role("link", name="18:00").click()
    look_over(page)
    fill_in(page)
    go_on(page)
    look_over(page)
    reference = book(page)

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    look_over(page)
    [booking] = booked(committed_db)
    assert (booking.reference, booking.status, booking.channel) == (reference, "confirmed", "web")
    assert (booking.contact_name, booking.quantity) == ("Ada Moreau", 2)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_seats_on_a_boat(
    visit: Visit, town: Town, committed_db: Session, size: dict[str, int]
) -> None:
    page = visit(size)

    page.goto(f"/venues/ferry?day={town.day}")
    page.get_by_label("Where to").select_option("Coral Bay")
    page.get_by_label("Seats").fill("3")
    page.get_by_role("link", name="Book 3 seats").first.wait_for()
    assert page.get_by_text("3 seats left").count() == 2
    page.get_by_text("Your own clock shows another time").wait_for()
    look_over(page)
    page.get_by_role("link", name="Book 3 seats").first.click()
    fill_in(page)
    go_on(page)
    book(page)

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    look_over(page)
    [booking] = booked(committed_db)
    assert (booking.quantity, booking.total, booking.status) == (3, 75, "confirmed")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_room_that_is_held_and_then_confirmed(
    visit: Visit, town: Town, committed_db: Session, size: dict[str, int]
) -> None:
    page = visit(size)
    make_booking(town.nights[2], quantity=2, guests=2)
    # The third night is full, and the stay may end on its day.
    arrive, leave = town.day, town.day + timedelta(days=2)

    page.goto(f"/venues/inn?month={arrive:%Y-%m}")
    look_over(page)
    page.get_by_role("link", name=re.compile(rf"^Arrive on .* {arrive.day} ")).click()
    page.goto(f"{page.url.split('&month')[0]}&month={leave:%Y-%m}")
    page.get_by_role("link", name=re.compile(rf"^Leave on .* {leave.day} ")).click()
    look_over(page)
    page.get_by_role("link", name="Book", exact=True).click()
    fill_in(page)
    go_on(page)
    look_over(page)
    page.get_by_role("button", name="Only hold it for 15 minutes").click()
    page.wait_for_url(REFERENCE)
    page.get_by_text("left to confirm").wait_for()
    look_over(page)
    page.get_by_role("button", name="Confirm now").click()

    page.get_by_role("heading", name="Your booking is confirmed").wait_for()
    _, booking = booked(committed_db)
    assert (booking.status, booking.total, len(booking.lines)) == ("confirmed", 220, 2)
