"""Why a picture has its label, on its page: by mouse, by keyboard, on a phone."""

import io

import numpy as np
from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect

from .browser import barriers, needs_browser, open_live
from .conftest import SAMPLES, Site

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)


def colours(page: Page) -> np.ndarray:
    """The heat map as it is drawn: uint8 [height, width, 4]."""
    page.locator(".heat:not([hidden])").wait_for()
    data = page.evaluate(
        "async () => [...new Uint8Array(await (await new Promise(done => document.querySelector('.heat').toBlob(done)))"
        ".arrayBuffer())]"
    )
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGBA"))


def test_a_heat_map_lies_over_the_picture_and_points_at_what_it_shows(page: Page, site: Site) -> None:
    id = site.take_in("why/hammer.jpg", (SAMPLES / "hammer.jpg").read_bytes())["id"]
    open_live(page, f"/pictures/{id}")
    button, which = page.get_by_role("button", name="Why?"), page.get_by_role("combobox", name="Why")
    expect(button).to_be_visible()
    expect(page.get_by_text("speaks for it")).to_be_hidden()
    page.keyboard.press("w")
    expect(which).to_be_visible()
    expect(page.locator(".where")).to_have_text(
        "hand tool: Mostly from centre to right: 71 % of what speaks for it lies there."
    )
    expect(button).to_have_attribute("aria-pressed", "true")
    drawn = colours(page)
    assert drawn.shape[1] == 512
    orange = drawn[:, :, 3] * (drawn[:, :, 0] > drawn[:, :, 2])
    half = drawn.shape[1] // 2
    assert orange[:, half:].sum() > 2 * orange[:, :half].sum(), "the head of the hammer lies right of the middle"
    assert drawn[:, :40, 3].max() == 0, "the model did not see the ends of the picture"
    expect(page.get_by_text("The model saw what is inside the dashed line.")).to_be_visible()
    image, heat = page.locator(".over img").bounding_box(), page.locator(".heat").bounding_box()
    assert image == heat
    expect(page.locator("#why-said")).to_contain_text(
        "Nearest training pictures: What default 2 learned from is not kept"
    )
    assert barriers(page) == []
    page.get_by_label("Why").select_option("nail")
    expect(page.locator(".where")).to_contain_text("nail: ")
    assert (colours(page) != drawn).any()
    button.click()
    expect(page.locator(".heat")).to_be_hidden()
    expect(page.locator(".where")).to_be_empty()


def test_on_a_phone_it_is_as_large_as_the_picture_and_stays_when_the_page_is_made_anew(page: Page, site: Site) -> None:
    id = site.take_in("why/parrot.jpg", (SAMPLES / "parrot.jpg").read_bytes())["id"]
    page.set_viewport_size(PHONE)
    open_live(page, f"/pictures/{id}")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".where")).to_contain_text("bird: ")
    assert page.locator(".over img").bounding_box() == page.locator(".heat").bounding_box()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []
    page.get_by_label("Correct it").fill("macaw")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("macaw")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".where")).to_contain_text("bird: ")
    expect(page.locator(".heat")).to_have_count(1)


def test_what_cannot_be_said_is_said(page: Page, site: Site, complaints: list[str]) -> None:
    id = site.take_in("why/cat.jpg", (SAMPLES / "cat.jpg").read_bytes())["id"]
    open_live(page, f"/pictures/{id}")
    page.route("**/why", lambda route: route.fulfill(status=422, json={"detail": "The model does not say where."}))
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#toasts")).to_contain_text("The model does not say where.")
    expect(page.locator(".heat")).to_be_hidden()
    expect(page.get_by_role("button", name="Why?")).to_have_attribute("aria-pressed", "false")
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    complaints.clear()
