"""Many pictures at once in the gallery: found, chosen by mouse and by keyboard, changed, and put back as they were."""

import os
import re
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from unit.pictures import encoded, photo

from .browser import barriers, needs_browser, open_live
from .conftest import TIMEOUT_S, Pipeline, Site, eventually

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=900)


def put(pipeline: Pipeline, site: Site, folder: str, count: int) -> str:
    """Drop so many small files into a folder. Returns the address of the gallery that shows them in order."""
    etags = {name: pipeline.drop(name, b"no picture") for name in (f"{folder}/{n:02d}.jpg" for n in range(count))}
    for name, etag in etags.items():
        pipeline.record(name, etag)
    eventually(lambda: site.get("/counts", params={"q": f"{folder}/"}).json()["total"] == count, "the index")
    return f"/gallery?q={folder}%2F&sort=name"


def labels(site: Site, folder: str) -> list[Any]:
    found = site.get("/pictures", params={"q": f"{folder}/", "sort": "name"}).json()["items"]
    return [one["label"] for one in found]


def listed(site: Site, folder: str) -> list[Any]:
    """All records of a folder, page by page."""
    found, after = list[Any](), None
    while True:
        page = site.get("/pictures", params={"q": f"{folder}/", "sort": "name", "after": after}).json()
        found += page["items"]
        if (after := page["next"]) is None:
            return found


def records(site: Site, folder: str) -> list[Any]:
    found = site.get("/pictures", params={"q": f"{folder}/", "sort": "name"}).json()["items"]
    return [site.get(f"/pictures/{one['id']}").json() for one in found]


def test_chosen_by_mouse_labelled_and_undone(page: Page, site: Site, pipeline: Pipeline) -> None:
    address = put(pipeline, site, "mouse", 6)
    before = records(site, "mouse")
    open_live(page, address)
    cards, bar = page.locator(".card"), page.get_by_role("form", name="Chosen pictures")
    expect(bar).to_be_hidden()
    cards.nth(0).hover()
    cards.nth(0).get_by_role("checkbox").click()
    cards.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 pictures chosen.")
    cards.nth(1).click(modifiers=["ControlOrMeta"])
    expect(bar).to_contain_text("3 pictures chosen.")
    assert barriers(page) == []
    page.get_by_role("combobox", name="Label", exact=True).fill("screw")
    bar.get_by_role("button", name="Label", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("3 pictures: screw.")
    expect(bar).to_be_hidden()
    assert labels(site, "mouse") == ["screw", None, "screw", "screw", None, None]
    expect(cards.nth(0)).to_contain_text("screw")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone: 3 pictures are as before.")
    assert records(site, "mouse") == before, "to the last field"


def test_a_frame_is_dragged_around_pictures(page: Page, site: Site, pipeline: Pipeline) -> None:
    page.goto(put(pipeline, site, "frame", 3))
    boxes = [page.locator(".card").nth(n).bounding_box() for n in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    page.mouse.move(boxes[0]["x"] + 30, boxes[0]["y"] + 60)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"] + 20, boxes[1]["y"] + 90, steps=4)
    page.mouse.up()
    expect(page.locator("#chosen")).to_have_text("2 pictures chosen.")
    expect(page.locator(".frame-dragged")).to_have_count(0)
    assert page.url.endswith("sort=name"), "the picture under the pointer was not opened"
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()


def test_by_keyboard_alone(page: Page, site: Site, pipeline: Pipeline) -> None:
    open_live(page, put(pipeline, site, "by-keys", 4))
    page.locator(".card a").first.focus()
    for key in ("x", "ArrowRight", "x", "Shift+ArrowRight", "l"):
        page.keyboard.press(key)
    expect(page.locator("#chosen")).to_have_text("3 pictures chosen.")
    expect(page.locator("#bulk-label")).to_be_focused()
    page.keyboard.type("bolt")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 pictures: bolt.")
    expect(page.locator(".card a").first).to_be_focused()
    assert labels(site, "by-keys") == ["bolt", "bolt", "bolt", None]
    page.keyboard.press("ControlOrMeta+a")
    expect(page.locator("#chosen")).to_have_text("4 pictures chosen.")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("4 pictures deleted. For an hour that can be undone.")
    expect(page.locator(".card")).to_have_count(0)
    page.goto("/changes")
    page.get_by_role("button", name=re.compile("^Undo: 4 pictures deleted")).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changes > li").first).to_contain_text("4 put back")
    expect(page.locator("#changes > li").first).to_be_focused()
    assert barriers(page) == []
    page.goto("/gallery?q=by-keys%2F")
    expect(page.locator(".card")).to_have_count(4)


def test_what_is_labelled_here_is_moved_to_training_and_taken_out_again(page: Page, site: Site) -> None:
    for number in range(2):
        record = site.take_in(f"to-train/{number}.jpg", encoded(photo(320, 200, seed=170 + number), "JPEG"))
        site.put(f"/pictures/{record['id']}/correction", params={"label": "rivet"})
    open_live(page, "/gallery?q=to-train%2F&label=rivet")
    page.locator(".card .pick").first.click()  # a key may meet a card that is being made anew, for its new label
    page.get_by_role("button", name="All 2 that match").click()
    page.get_by_role("button", name="Move to training").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("2 pictures to learn from, with the labels that they have.")
    said = page.get_by_role("button", name="Undo")
    (rivet,) = [one for one in site.get("/projects/mine/train").json()["labels"] if one["label"] == "rivet"]
    assert (rivet["pictures"], rivet["corrections"]) == (2, 0), "each counts once"
    with page.context.new_page() as other:
        other.goto("/train/pictures?label=rivet")
        expect(other.get_by_text("to-train/0.jpg")).to_be_visible()
    said.click()
    expect(page.locator("#toasts")).to_contain_text("Undone: 2 pictures are as before.")
    (rivet,) = [one for one in site.get("/projects/mine/train").json()["labels"] if one["label"] == "rivet"]
    assert (rivet["pictures"], rivet["corrections"]) == (0, 2)
    page.goto("/changes")
    expect(page.locator("#changes > li").first).to_contain_text("2 pictures moved to training")


def test_all_that_match_are_changed_in_steps(page: Page, site: Site, pipeline: Pipeline) -> None:
    open_live(page, put(pipeline, site, "all-of-them", 70))
    page.locator(".card a").first.focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="All 70 that match").click()
    expect(page.locator("#chosen")).to_have_text("70 pictures chosen.")
    page.get_by_role("combobox", name="Label", exact=True).fill("nut")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("70 pictures: nut.")
    assert set(labels(site, "all-of-them")) == {"nut"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone: 70 pictures are as before.")
    assert set(labels(site, "all-of-them")) == {None}


def test_each_of_many_labels_can_be_found(page: Page, site: Site, pipeline: Pipeline) -> None:
    address = put(pipeline, site, "of-many", 45)
    found = site.get("/pictures", params={"q": "of-many/", "limit": "100"}).json()["items"]
    for number, one in enumerate(found):
        site.put(f"/pictures/{one['id']}/correction", params={"label": f"part {number:02d}"})
    page.goto(address)
    expect(page.locator("#labels li")).to_have_count(40)
    for wanted in ("part 07", "44 par"):
        page.get_by_label("Find a label").fill(wanted)
        expect(page.locator("#labels li")).to_have_count(1)
    page.locator("#labels a").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("data-live", "yes")
    field = page.get_by_role("combobox", name="Search")
    field.fill("")
    field.press_sequentially("part 1")
    expect(page.locator("#suggested option")).to_have_count(8)


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_the_bar_fits_and_has_no_barriers(
    browser: Browser, site: Site, pipeline: Pipeline, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    address = put(pipeline, site, f"bar-{scheme}", 5)
    with browser.new_context(base_url=site.base, viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        for place in (address, "/changes"):
            page.goto(place)
            if place == address:
                page.locator(".pick").first.click()
                expect(page.locator("#bulk")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is too wide"
            assert barriers(page) == [], place
            if os.environ.get("SHOTS"):
                page.screenshot(path=f"{os.environ['SHOTS']}/{scheme}{place[:8].replace('/', '-')}.png")


def test_one_picture_after_the_other_and_enlarged(page: Page, site: Site) -> None:
    for number in range(3):
        site.take_in(f"in-turn/{number}.jpg", encoded(photo(320, 200, seed=70 + number), "JPEG"))
    page.goto("/gallery?q=in-turn%2F&sort=name")
    page.locator(".card a").nth(1).click()
    name = page.locator(".facts .file")
    expect(name).to_have_text("in-turn/1.jpg")
    page.wait_for_load_state()
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("in-turn/2.jpg")
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    page.get_by_role("link", name="Previous").click()
    expect(name).to_have_text("in-turn/1.jpg")
    page.wait_for_load_state()
    page.keyboard.press("z")
    dialog = page.get_by_role("dialog", name="The picture, enlarged")
    expect(dialog).to_contain_text("100 %")
    for _ in range(2):
        page.keyboard.press("+")
    expect(dialog).to_contain_text("200 %")
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#enlarge")).to_be_focused()
    page.locator("#list").click()
    page.wait_for_url("**/gallery?q=in-turn%2F&sort=name")


def test_pictures_dropped_on_any_page_are_taken_in(page: Page, site: Site) -> None:
    open_live(page, "/dashboard")
    page.evaluate(
        """() => {
            const files = new DataTransfer();
            for (const name of ["one", "two"]) files.items.add(new File([`not ${name}`], `anywhere ${name}.jpg`));
            for (const kind of ["dragover", "drop"])
                document.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator("#toasts")).to_contain_text("2 pictures were taken in.")
    eventually(lambda: site.get("/counts", params={"q": "anywhere"}).json()["total"] == 2, "their records")


def drawn(chance: np.random.Generator) -> Image.Image:
    return Image.fromarray(chance.integers(0, 200, (8, 8), np.uint8)).resize((64, 64))


@pytest.mark.thorough
def test_two_hundred_pictures_are_labelled_rightly_with_few_keys(page: Page, site: Site) -> None:
    """Twenty bursts of five, of which two have one picture of another kind among them, and a hundred that are alone, of
    six kinds that the model does not know."""
    chance, kinds, truth = np.random.default_rng(7), ("bolt", "nut", "screw", "gear", "wire", "clamp"), dict[str, str]()
    for scene in range(120):
        picture, kind = drawn(chance), kinds[int(chance.integers(6))]
        for shot in range(5 if scene < 20 else 1):
            name = f"two-hundred/{scene:03d}-{shot}.jpg"
            truth[name] = "cable" if scene < 2 and shot == 3 else kind
            data = encoded(picture.point(lambda level, shot=shot: level + 2 * shot), "JPEG")
            site.post("/pictures", params={"name": name}, data=data)
    eventually(lambda: site.get("/counts", params={"q": "two-hundred/"}).json()["total"] == 200, "the index")
    open_live(page, "/label?q=two-hundred%2F")
    assert barriers(page) == []
    pressed = 0
    current, nothing = page.locator(".group.current:not([data-label])"), page.get_by_text("nothing left to label")
    while not nothing.is_visible():
        names = current.locator(".member").evaluate_all("(all) => all.map((one) => one.title)")
        wanted = [truth[name] for name in names]
        label = max(wanted, key=wanted.count)
        keys, at = list[str](), 0
        for number, kind in enumerate(wanted, 1):
            if kind != label:
                keys += ["Tab"] * (number - at) + ["Space"]
                at = number
        digit = page.locator(f'#digits [data-label="{label}"]')
        keys += [digit.get_attribute("data-digit") or ""] if digit.count() else [*label, "Enter"]
        left = page.locator("#waiting").get_attribute("data-count")
        for key in keys:
            page.keyboard.press(key)
        pressed += len(keys)
        expect(page.locator(f'#waiting:not([data-count="{left}"])').or_(nothing)).to_have_count(1)
        expect(current.or_(nothing)).to_have_count(1)
    assert pressed <= 1.2 * 200, f"{pressed} keys"
    found = {one["name"]: one["label"] for one in listed(site, "two-hundred")}
    assert found == truth


def test_a_group_is_labelled_by_typing_confirmed_and_taken_back(page: Page, site: Site) -> None:
    names = [f"typed/{number}.jpg" for number in range(3)]
    for number, name in enumerate(names):
        site.take_in(name, encoded(photo(320, 200, seed=90 + number), "JPEG"))
    open_live(page, "/label?q=typed%2F")
    expect(page.locator(".group.current")).to_have_count(1)
    count = page.locator(".group").count()
    page.keyboard.type("bolt")
    page.keyboard.press("Enter")
    expect(page.locator(".group[data-label=bolt]")).to_have_count(1)
    if count > 1:
        page.keyboard.press("Enter")
        expect(page.locator(".group[data-label]")).to_have_count(2)
    eventually(lambda: "bolt" in labels(site, "typed"), "the label")
    for _ in range(min(count, 2)):
        page.keyboard.press("ControlOrMeta+z")
    expect(page.locator(".group[data-label]")).to_have_count(0)
    eventually(lambda: "bolt" not in labels(site, "typed"), "that it is taken back")
    assert not any(one["correction"] for one in records(site, "typed"))
