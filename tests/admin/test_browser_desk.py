"""A day at the desk in a real browser: take a booking, refuse one too many, cancel, look back."""

import re
from collections.abc import Callable
from uuid import UUID

from playwright.sync_api import Page, expect

from models import Booking, User
from tests.admin.test_browser import address, page, pytestmark
from tests.admin.visiting import PASSWORD
from tests.factories import make_reason

__all__ = ["address", "page", "pytestmark"]


def test_a_booking_taken_by_hand_an_overbooking_refused_and_a_cancellation(
    page: Page,
    address: str,
    owner: User,
    ours,
    rows,
    decider: Callable[[UUID], None],
) -> None:
    decider(ours.resource.id)
    make_reason(ours.venue, reason="Rain")
    owner.full_name = "Olive Owner"
    rows.commit()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}/admin/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="Bookings", exact=True).click()
    page.get_by_role("link", name="New booking").click()
    page.get_by_label("Day").fill(ours.slot.local_on.isoformat())
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Show what there is").click()
    page.get_by_label("Name").fill("Wanda Walk-in")
    page.get_by_role("button", name="Book for 2").click()
    expect(page.get_by_text(re.compile("Booked: [A-Z0-9]{7}"))).to_be_visible()
    reference = page.locator("h1 .reference").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    # All five places are taken now: one more is refused, and nothing is changed.
    page.go_back()
    page.get_by_label("How many").fill("1")
    page.get_by_role("button", name="Show what there is").click()
    expect(page.get_by_text("full", exact=True)).to_be_visible()
    page.get_by_label("Name").fill("One Too Many")
    page.get_by_role("button", name="Book for 1").click()
    expect(page.get_by_text("not enough places were left")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    page.goto(f"{address}/admin/bookings/?name=wanda")
    page.get_by_role("link", name=reference).click()
    page.get_by_text("Cancel this booking").click()
    page.get_by_label("Reason").select_option(label="Rain")
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_text("its places are free")).to_be_visible()
    history = page.locator("ol.history").inner_text()
    assert "Cancelled, places given back" in history
    assert "by Olive Owner" in history
    assert "Reason: Rain" in history
    assert complaints == []
    rows.expire_all()
    wanda = rows.query(Booking).filter_by(reference=reference).one()
    assert (wanda.status, ours.slot.remaining, ours.slot.capacity) == ("cancelled", 2, 5)
