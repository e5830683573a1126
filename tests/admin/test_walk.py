"""An owner sets a day up in a real browser, and sees a booking come in without a reload."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from models import Schedule, Slot, User
from tests.admin.test_browser import CHROMIUM, address, page
from tests.admin.visiting import PASSWORD
from tests.factories import make_booking
from tests.pages.looking import look_over

__all__ = ["address", "page"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def sign_in(page: Page, address: str, person: User) -> None:
    page.goto(f"{address}/admin/")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Today").wait_for()


def test_an_owner_makes_a_schedule_and_changes_a_slot_of_it(page, address, owner, ours, rows):
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page, address, owner)
    look_over(page)

    page.goto(f"{address}/admin/schedules/new/?resource={ours.resource.id}")
    page.get_by_label("Name").fill("Evenings")
    page.get_by_label("Begins at").fill("19:00, 21:00")
    page.get_by_label("Capacity of each slot").fill("4")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="What it comes to").wait_for()
    look_over(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The schedule is saved").wait_for()
    look_over(page)

    schedule = rows.scalars(select(Schedule).where(Schedule.name == "Evenings")).one()
    day = datetime.now(UTC).date() + timedelta(days=3)
    page.get_by_role("link", name="Calendar", exact=True).last.click()
    page.locator("input[name=on]").fill(day.isoformat())
    page.locator("select[name=view]").select_option("day")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**view=day**")  # the dialog is a script's doing: the page is there first
    page.get_by_role("link", name="19:00 0 taken, 4 left").click()
    page.get_by_role("dialog").get_by_label("Capacity").fill("6")
    look_over(page)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("link", name="19:00 0 taken, 6 left").wait_for()
    page.wait_for_load_state("load")
    page.get_by_role("link", name="21:00 0 taken, 4 left").click()
    page.get_by_role("dialog").get_by_role("button", name="Close it").click()
    page.get_by_text("It is closed.").wait_for()
    look_over(page)

    made = list(
        rows.scalars(
            select(Slot)
            .where(Slot.schedule_id == schedule.id, Slot.local_on == day)
            .order_by(Slot.starts_at)
        )
    )
    assert [(slot.capacity, slot.is_open) for slot in made] == [(6, True), (4, False)]
    assert complaints == []


def test_a_booking_that_comes_in_shows_without_reload(page, address, owner, ours):
    sign_in(page, address, owner)
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.isSamePage = true")

    held = make_booking(ours.slot, quantity=1, hold_minutes=5, status="held")

    page.get_by_role("link", name=held.reference).first.wait_for()
    page.get_by_text("Live, changed at").wait_for()
    assert page.evaluate("window.isSamePage")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
