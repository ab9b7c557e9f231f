"""Similar pictures: from a picture's page by keyboard, and of a picture of one's own by mouse, on a phone."""

from playwright.sync_api import Page, ViewportSize, expect

from imagestore.record import record_id

from .browser import barriers, needs_browser, open_live
from .conftest import SAMPLES, Site

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)


def test_similar_pictures_are_found_from_a_pictures_page_and_for_a_picture_of_ones_own(page: Page, site: Site) -> None:
    for name in ("coffee", "cat", "hammer"):
        site.take_in(f"similar/{name}.jpg", (SAMPLES / f"{name}.jpg").read_bytes())
    site.take_in("similar/coffee again.png", (SAMPLES / "coffee.jpg").read_bytes())
    open_live(page, f"/pictures/{record_id('similar/coffee.jpg')}")
    page.keyboard.press("s")
    page.wait_for_url("**/similar?of=*")
    first = page.locator(".card").first
    expect(first).to_contain_text("coffee again.png")
    expect(first).to_contain_text("1.00")
    assert barriers(page) == []

    page.set_viewport_size(PHONE)
    page.goto("/gallery")
    page.get_by_role("link", name="Find by picture").click()
    page.wait_for_url("**/similar")
    expect(page.locator(".card")).to_have_count(0)
    page.get_by_label("Choose a picture").set_input_files(SAMPLES / "hammer.jpg")
    expect(page.locator(".card").first).to_contain_text("hammer")
    expect(page.locator("#found")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []
    page.goto("/gallery?q=similar%2F")
    expect(page.locator(".card")).to_have_count(4)
