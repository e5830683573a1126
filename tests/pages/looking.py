"""What every page must bear: a machine's look for barriers, and the width of a phone."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "assets" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def look_over(page: Page) -> None:
    """Fail on a barrier that axe-core finds, and on a page that is wider than its window."""
    # A click may have begun to lead to another page: what is asked of the old one would be lost.
    page.wait_for_function("document.documentElement && document.readyState === 'complete'")
    # Evaluated by the debugger, since no script but the pages' own may run.
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS
    )
    barriers = [
        f"{each['impact']} {each['id']}: {node['html']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    assert not barriers, (page.url, barriers)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
