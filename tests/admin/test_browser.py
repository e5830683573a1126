"""The owner's way through the house in a real browser, at the width of a phone."""

import shutil
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from models import User
from tests.admin.visiting import PASSWORD
from tests.factories import make_booking

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as browsers:
        chromium = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium.new_page(viewport={"width": 360, "height": 740})
        chromium.close()


def test_an_owner_signs_in_finds_a_booking_and_cancels_it(page, address, owner: User, ours, rows):
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    make_booking(ours.slot, quantity=1, full_name="<script>document.title = 'x'</script>")

    page.goto(f"{address}/admin/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Bookings", exact=True).click()
    page.get_by_role("link", name=ours.booking.reference).click()
    page.get_by_text("Cancel this booking").click()
    page.get_by_role("button", name="Cancel the booking").click()

    page.get_by_text("its places are free").wait_for()
    page.wait_for_load_state("load")  # the width below is the style sheet's doing
    assert page.locator("h1").get_by_text("Cancelled", exact=True).count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert complaints == []
    rows.expire_all()
    assert (ours.booking.status, ours.slot.remaining) == ("cancelled", 4)
