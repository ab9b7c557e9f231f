"""Review in a real browser: by keyboard and by mouse, and back as far as the tab has come."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from unit.pictures import encoded, photo

from .browser import needs_browser
from .conftest import Site

pytestmark = needs_browser


@pytest.fixture
def review(page: Page, site: Site) -> Iterator[Page]:
    """The page, with some pictures to review and no others, since what other tests left may ask other questions.

    What was said of them is taken back at the end.
    """
    while left := site.get("/pictures", params={"status": "classified", "limit": "500"}).json()["items"]:
        for picture in left:
            assert site.delete(f"/pictures/{picture['id']}").status_code in (202, 404)
    ids = [site.take_in(f"review/{number}.png", encoded(photo(seed=200 + number)))["id"] for number in range(4)]
    page.goto("/review")
    yield page
    for id in ids:
        site.delete(f"/pictures/{id}/correction")
        site.delete(f"/pictures/{id}")


def asked(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.locator("#review").evaluate("article => ({...article.dataset})")
    return found


def answered(page: Page, answer: Callable[[], object]) -> dict[str, Any]:
    """What was shown before the answer, once another picture is shown."""
    before = asked(page)
    answer()
    expect(page.locator("#review")).not_to_have_attribute("data-id", before["id"])
    return before


def said_of(site: Site, picture: dict[str, Any]) -> str | None:
    correction = site.get(f"/pictures/{picture['id']}").json()["correction"]
    return correction and str(correction["label"])


def press(page: Page, *keys: str) -> Callable[[], None]:
    def pressed() -> None:
        for key in keys:
            page.keyboard.press(key)

    return pressed


def bars(page: Page) -> list[str]:
    found: list[str] = page.locator("[data-choose]").evaluate_all("all => all.map(one => one.dataset.choose)")
    return found


def test_by_keyboard(review: Page, site: Site) -> None:
    page = review
    first = answered(page, press(page, "Enter"))
    assert said_of(site, first) == first["label"]
    second = answered(page, press(page, *"lynx", "Enter"))
    assert said_of(site, second) == "lynx"
    wanted = bars(page)[1]
    third = answered(page, press(page, "2"))
    assert said_of(site, third) == wanted
    page.keyboard.type(" 7up")
    expect(page.locator("#label")).to_have_value(" 7up")
    page.locator("#label").fill("")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_have_text("Undo (3)")
    page.goto("/dashboard")
    page.goto("/review")
    expect(undo).to_have_text("Undo (3)")
    for picture, left in ((third, "Undo (2)"), (second, "Undo"), (first, "Undo")):
        page.keyboard.press("Control+z")
        expect(page.locator("#review")).to_have_attribute("data-id", picture["id"])
        expect(undo).to_have_text(left)
        assert said_of(site, picture) is None
    expect(undo).to_be_disabled()
    skipped = answered(page, press(page, "Escape"))
    assert said_of(site, skipped) is None


def test_by_mouse_on_a_phone(review: Page, site: Site, complaints: list[str]) -> None:
    page = review
    page.set_viewport_size({"width": 390, "height": 800})
    wanted = bars(page)[2]
    first = answered(page, page.locator("[data-choose]").nth(2).click)
    assert said_of(site, first) == wanted
    second = answered(page, page.get_by_role("button", name="Yes").click)
    assert said_of(site, second) == second["label"]
    third = answered(page, page.get_by_role("button", name="Skip").click)
    assert said_of(site, third) is None
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    expect(page.locator("#review")).to_have_attribute("data-id", second["id"])
    site.delete(f"/pictures/{first['id']}")
    undo.click()
    expect(undo).to_be_disabled()
    assert [one for one in complaints if "404" not in one] == []
    complaints.clear()  # a browser logs that one was gone
