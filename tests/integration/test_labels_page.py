"""The labels of a project in a browser: renamed, merged, deleted and split by mouse and by keyboard, and put back."""

import hashlib
import os
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.store.training import PictureFacts, TrainingPictures
from unit.pictures import encoded, photo

from .browser import barriers, needs_browser
from .conftest import TIMEOUT_S, Pipeline, Site, eventually

pytestmark = needs_browser
SIZES = [(ViewportSize(width=390, height=844), "dark"), (ViewportSize(width=1280, height=900), "light")]


def begun(pipeline: Pipeline, site: Site, title: str) -> tuple[str, TrainingPictures]:
    """A project with four labelled pictures. Returns its name, and where they are."""
    name = site.post("/projects", json={"title": title}).json()["name"]
    pictures = TrainingPictures(pipeline.stores.training, name)
    pictures.begin()
    for number, label in enumerate(("lynx", "lynx", "lynx", "tiger")):
        data = encoded(photo(120, 80, seed=300 + number), "JPEG")
        sha256 = hashlib.sha256(data).hexdigest()
        pictures.put_facts(sha256, PictureFacts((label,), source=f"{number}.jpg"), None)
        pictures.put_picture(sha256, data)
    return name, pictures


def everything(pipeline: Pipeline, name: str) -> dict[str, Any]:
    found = (blob.name for page, _ in pipeline.stores.training.list(prefix=f"{name}/") for blob in page)
    return {one: pipeline.stores.training.get(one).data for one in found}


def labels(pictures: TrainingPictures) -> list[str]:
    return sorted(label for one in pictures.list() for label in one.labels)


def test_a_label_is_renamed_by_mouse_and_put_back(page: Page, site: Site, pipeline: Pipeline) -> None:
    name, pictures = begun(pipeline, site, "Renamed")
    before = everything(pipeline, name)
    page.goto(f"/labels?project={name}")
    row = page.locator("#labels > li", has_text="lynx")
    expect(row).to_contain_text("3 labelled")
    row.get_by_role("combobox", name="Another name for lynx").fill("bobcat")
    row.get_by_role("button", name="Rename").click()
    expect(page.locator("#toasts")).to_contain_text('"lynx" is "bobcat" now, in 3 pictures.')
    expect(page.locator("#labels > li").first).to_contain_text("bobcat")
    assert labels(pictures) == ["bobcat", "bobcat", "bobcat", "tiger"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone: 3 pictures are as before.")
    expect(page.locator("#labels > li").first).to_contain_text("lynx")
    assert everything(pipeline, name) == before, "to the last byte"


def test_a_label_is_merged_and_another_deleted_by_keyboard(page: Page, site: Site, pipeline: Pipeline) -> None:
    name, pictures = begun(pipeline, site, "Merged")
    before = everything(pipeline, name)
    page.goto(f"/labels?project={name}")
    page.get_by_role("combobox", name="Another name for tiger").focus()
    page.keyboard.type("lynx")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text('"tiger" is part of "lynx" now, with 1 picture.')
    expect(page.locator("#labels > li")).to_have_count(1)
    expect(page.get_by_role("combobox", name="Another name for lynx")).to_be_focused()
    page.get_by_role("button", name="Delete the label lynx").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text('"lynx" is deleted from 4 pictures.')
    assert labels(pictures) == []
    page.goto("/changes")
    for said in ("A label is deleted", "A label is another now"):
        entry = page.locator("#changes > li", has_text=f"of {name}. {said}")
        entry.get_by_role("button", name="Undo").focus()
        page.keyboard.press("Enter")
        expect(entry).to_contain_text("put back")
    assert everything(pipeline, name) == before


def test_some_pictures_of_a_label_are_split_off_by_keyboard(page: Page, site: Site, pipeline: Pipeline) -> None:
    name, pictures = begun(pipeline, site, "Split")
    before = everything(pipeline, name)
    page.goto(f"/labels?project={name}")
    page.get_by_role("link", name="Split the label lynx").click()
    expect(page.locator(".card .pick")).to_have_count(3)  # which the script puts there
    eventually(lambda: page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)"), "the pictures")
    page.locator(".card a").first.focus()
    for key in ("x", "ArrowRight", "x", "l"):
        page.keyboard.press(key)
    expect(page.locator("#chosen")).to_have_text("2 pictures chosen.")
    page.keyboard.type("bobcat")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text('2 pictures: "bobcat" instead of "lynx".')
    expect(page.locator(".card")).to_have_count(1)
    assert labels(pictures) == ["bobcat", "bobcat", "lynx", "tiger"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone: 2 pictures are as before.")
    expect(page.locator(".card")).to_have_count(3)
    assert everything(pipeline, name) == before


@pytest.mark.parametrize(("size", "scheme"), SIZES, ids=["phone", "desktop"])
def test_the_pages_of_labels_fit_and_have_no_barriers(
    browser: Browser, site: Site, pipeline: Pipeline, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    name, _ = begun(pipeline, site, f"Seen {scheme}")
    with browser.new_context(base_url=site.base, viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        for place in (f"/labels?project={name}", f"/labels/pictures?project={name}&label=lynx"):
            page.goto(place)
            if "pictures" in place:
                page.locator(".pick").first.click()
                expect(page.locator("#bulk")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is too wide"
            assert barriers(page) == [], place
            if os.environ.get("SHOTS"):
                page.screenshot(path=f"{os.environ['SHOTS']}/{scheme}-{place[1:12].replace('/', '-')}.png")
