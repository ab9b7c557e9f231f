"""Training in a real browser: folders in, labels, Train, done, promoted, and a picture classified by it."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import msgspec
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.configure import open_stores
from imagestore.local.supervisor import Stack
from imagestore.record import record_id
from imagestore.store.labelling import LABELLING_FILE, Doubt, Labelling
from unit.model.labelled_pictures import scene
from unit.pictures import encoded

from .browser import barriers, needs_browser
from .conftest import Site, eventually

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixteen pictures of each of two labels, one of them twice, one that is under the other label too, and a file that
    is none."""
    for number, label in enumerate(("plain", "left")):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for i in range(16):
            (tmp_path / "mine" / label / f"{i}.jpg").write_bytes(encoded(scene(1000 * number + i, number), "JPEG"))
    twice = (tmp_path / "mine" / "plain" / "0.jpg").read_bytes()
    (tmp_path / "mine" / "plain" / "again.jpg").write_bytes(twice)
    (tmp_path / "mine" / "zebra").mkdir()
    (tmp_path / "mine" / "zebra" / "0.jpg").write_bytes(twice)
    (tmp_path / "mine" / "zebra" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine" / "notes.txt").write_text("nothing")
    return tmp_path / "mine"


@pytest.fixture
def project(site: Site) -> Iterator[str]:
    """A project that classifies what lies in `drawn/`, so that what it promotes changes no other test."""
    made = site.post("/projects", json={"title": f"Drawn scenes {token_hex(4)}"}).json()["name"]
    assert site.put("/routes", params={"pattern": "drawn/*", "project": made}).ok
    yield made
    for route in site.get(f"/projects/{made}").json()["routes"]:
        site.delete("/routes", params={"pattern": route})
    site.delete(f"/projects/{made}")


def choose(page: Page, folder: Path) -> None:
    page.locator("#folder").set_input_files(folder)
    expect(page.get_by_role("button", name="Add these pictures")).to_be_focused()


def test_from_folders_to_a_picture_that_the_new_model_classifies(
    page: Page, site: Site, folder: Path, project: str, complaints: list[str]
) -> None:
    page.goto(f"/train?project={project}")
    expect(page.locator("#state")).to_contain_text("Nothing is labelled")
    expect(page.locator("#go")).to_be_disabled()
    choose(page, folder)
    expect(page.locator("#plan tbody tr")).to_have_count(3)
    expect(page.locator("#plan")).to_contain_text("Left out: 1 file no picture.")
    page.keyboard.press("Enter")
    expect(page.locator("#tally")).to_have_text("35 of 35 pictures, 32 added, 1 there already, 2 refused.")
    refused = page.locator("#refused tbody tr")
    expect(refused).to_have_count(2)
    expect(page.locator("#refused")).to_contain_text("The same picture is there as 'plain' already")
    expect(page.locator("#refused")).to_contain_text("It cannot be learned from.")
    expect(page.locator("#labels tbody tr")).to_have_count(2)
    expect(page.locator("#labels")).to_contain_text("30 wanted")
    assert barriers(page) == []
    page.locator("#options summary").click()
    page.get_by_label("What is tried").select_option("little")
    page.get_by_label("Colour").select_option("no")
    page.get_by_label("What it sees").select_option("crop")
    page.get_by_role("button", name="Train", exact=True).press("Enter")
    expect(page.locator("#work .badge")).to_have_text("done")
    expect(page.locator("#toasts")).to_contain_text("is trained")
    expect(page.locator("#begin")).to_have_text("Train version 2")
    assert barriers(page) == []
    page.get_by_role("button", name="Promote").click()
    expect(page.locator("#work h2")).to_contain_text("Taking into use")
    expect(page.locator("#work .badge")).to_have_text("done")
    data = encoded(scene(7000, 1), "JPEG")

    def is_classified_by_it() -> bool:
        model = site.take_in("drawn/new.jpg", data)["prediction"]["model"]
        site.delete(f"/pictures/{record_id('drawn/new.jpg')}")
        return (model["name"], model["version"]) == (project, "1")

    eventually(is_classified_by_it, "the new model to classify")
    assert all("409" in said or "422" in said for said in complaints), "the browser itself says what was refused"
    complaints.clear()


def test_a_project_is_begun_and_what_lies_in_no_folder_is_left_out(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    with browser.new_context(base_url=site.base, viewport=PHONE) as context:
        page = context.new_page()
        page.goto("/train")
        page.locator("#new-project summary").click()
        page.get_by_label("What it is called").fill("Shelves & more")
        page.get_by_label("Labels of a picture").select_option("several")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url("**/train?project=Shelves*")
        name = page.url.partition("project=")[2]
        expect(page.locator("#project")).to_have_value(name)
        expect(page.locator("#state")).to_contain_text("the same picture in the folders of two labels has both")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert barriers(page) == []
        site.delete(f"/projects/{name}")


def test_labels_that_look_wrong_are_answered_for_by_keyboard(
    page: Page, site: Site, stack: Stack, project: str
) -> None:
    stores = open_stores(stack.environment)
    doubts = []
    for number, (label, perhaps) in enumerate([("plain", "left"), ("plain", "left"), ("left", "plain")]):
        data = encoded(scene(800 + number, number % 2), "JPEG")
        asked = {"label": label, "name": f"{label}/{number}.jpg"}
        sha256 = site.post(f"/projects/{project}/training", params=asked, data=data).json()["sha256"]
        doubts.append(Doubt(sha256, (label,), (perhaps,), 0.1, 0.8, f"{label}/{number}.jpg"))
    kept = Labelling(40, 3, doubts, None, "2026-11-21T09:00:00.000Z")
    stores.models.keep(project, "1", {LABELLING_FILE: msgspec.json.encode(kept), "model.onnx": b"no model"})
    page.goto(f"/train?project={project}")
    page.get_by_role("link", name="3 pictures look mislabelled").click()
    cards = page.locator("#doubts .doubt")
    expect(cards).to_have_count(3)
    expect(page.get_by_role("button", name="plain/0.jpg is left", exact=True)).to_be_focused()
    assert barriers(page) == []
    page.keyboard.press("a")
    expect(cards).to_have_count(2)
    expect(page.get_by_role("button", name="plain/1.jpg is left", exact=True)).to_be_focused()
    page.keyboard.press("k")
    expect(cards).to_have_count(1)
    expect(page.locator("#left")).to_have_text("1")
    state = site.get(f"/projects/{project}/train").json()
    assert {one["label"]: one["pictures"] for one in state["labels"]} == {"plain": 1, "left": 2}
    page.keyboard.press("Control+z")
    expect(cards).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(cards).to_have_count(3)
    state = site.get(f"/projects/{project}/train").json()
    assert {one["label"]: one["pictures"] for one in state["labels"]} == {"plain": 2, "left": 1}
    page.get_by_role("button", name="left/2.jpg is left, as it was").click()
    expect(cards).to_have_count(2)
    page.reload()
    expect(cards).to_have_count(2)
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


def test_a_labelled_picture_is_taken_out_put_back_and_deleted(page: Page, site: Site, project: str) -> None:
    for number in range(2):
        data = encoded(scene(900 + number), "JPEG")
        site.post(f"/projects/{project}/training", params={"label": "plain", "name": f"plain/{number}.jpg"}, data=data)
    page.goto(f"/train?project={project}")
    page.get_by_role("link", name="plain").click()
    cards = page.locator("#pictures .doubt")
    expect(cards).to_have_count(2)
    assert barriers(page) == []
    page.get_by_role("button", name="Take out plain/0.jpg").press("Enter")
    expect(cards).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1")
    page.locator("#toasts").get_by_role("button", name="Undo").press("Enter")
    expect(cards).to_have_count(2)
    page.get_by_role("button", name="Take out plain/1.jpg").click()
    expect(cards).to_have_count(1)
    page.get_by_label("Which").select_option("waiting")
    page.wait_for_url("**kind=waiting**")
    page.get_by_role("button", name="Delete plain/1.jpg").click()
    page.get_by_role("button", name="Delete plain/1.jpg").click()
    expect(cards).to_have_count(0)
    labels = site.get(f"/projects/{project}/train").json()["labels"]
    assert [(one["label"], one["pictures"]) for one in labels] == [("plain", 1)]
