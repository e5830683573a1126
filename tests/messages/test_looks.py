"""Mails in a real browser: readable on a desk and on a phone, and nothing is fetched."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from messages.letters import write_letter
from messages.rendering import look_of, render_html
from models import Kind, Notice
from tests.messages.samples import make_owed

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser found")

KINDS = (Notice.CONFIRMED, Notice.VENUE_NEW, Notice.VENUE_DIGEST, Notice.PROOF)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield made
        made.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_fits_its_screen_and_fetches_nothing(
    browser: Browser, width: int, kind: Notice
) -> None:
    owed = make_owed(
        kind, language="de", kind=Kind.HOTEL, full_name="W" * 60, special_requests="x" * 300
    )
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.set_content(render_html(write_letter(owed), look_of(owed.sender)))

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("heading", level=1).bounding_box() is not None
    assert asked == []
    page.close()
