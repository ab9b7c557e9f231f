"""The page of a version in a real browser, over a real training: understood by mouse and by keyboard, tried, given
another threshold, and set beside another version."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from imagestore.store.projects import Project
from model.training.recipe import Held
from model.training.train import TrainingOptions
from model.versions import gather, train_version
from preprocess import Fit, Limits
from unit.model.labelled_pictures import quiet, scene
from unit.pictures import encoded

from .browser import barriers, needs_browser
from .conftest import TIMEOUT_S, Pipeline, Site, eventually

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)
LABELS = ("plain", "half", "striped")
HELD = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
_DROP = """async () => {
    const canvas = new OffscreenCanvas(64, 48);
    canvas.getContext("2d").fillRect(0, 0, 32, 48);
    const files = new DataTransfer();
    files.items.add(new File([await canvas.convertToBlob()], "dropped.png"));
    for (const kind of ["dragover", "drop"])
        document.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("understood")
    for number, label in enumerate(LABELS):
        (made / label).mkdir()
        for n in range(30):
            (made / label / f"{n}.png").write_bytes(encoded(scene(500 * number + n, number)))
    return made


@pytest.fixture
def project(pipeline: Pipeline, site: Site, folder: Path) -> Project:
    """A project with two versions, trained unless a test before did."""
    found = next((one for one in pipeline.stores.projects.list() if one.title == "Understood"), None)
    if found is None:
        found = pipeline.stores.projects.open(site.post("/projects", json={"title": "Understood"}).json()["name"])
        for seed in (1, 2):
            gathered = gather(pipeline.stores, found, [folder] if seed == 1 else [], Limits(), quiet)
            train_version(pipeline.stores, gathered, found.name, options(found.name, seed), Limits(), quiet)
    return found


def options(name: str, seed: int) -> Callable[[str], TrainingOptions]:
    return lambda version: TrainingOptions(name, version, HELD, seed=seed)


def newest(pipeline: Pipeline, project: Project) -> str:
    return pipeline.stores.models.versions(project.name)[-1][1]


def test_a_version_is_understood_tried_and_given_another_threshold_by_mouse(
    page: Page, site: Site, pipeline: Pipeline, project: Project, folder: Path, complaints: list[str]
) -> None:
    before = site.get("/counts").json()["total"]
    page.goto("/models")
    page.get_by_role("link", name=f"{project.name} 1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project.name} 1")
    expect(page.locator("#marks circle")).to_have_count(3)
    assert barriers(page) == []

    page.set_input_files("#try-files", [folder / "striped" / "3.png", Path(__file__)])
    tried = page.locator("#tried .answer")
    expect(tried).to_have_count(2)
    expect(tried.nth(1).locator("img")).to_be_visible()
    tried.nth(1).get_by_role("button", name="Why?").click()
    expect(tried.nth(1).locator("canvas.heat")).to_be_visible()
    expect(tried.nth(1)).to_contain_text("sure")
    expect(tried.nth(0)).to_contain_text("as no known picture does")
    expect(tried.nth(1).locator(".where")).to_contain_text("striped: ")
    expect(tried.nth(1).locator(".learned li")).to_have_count(5)
    expect(tried.nth(1).locator(".learned li").first).to_contain_text("striped")
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    complaints.clear()
    page.evaluate(_DROP)
    expect(tried).to_have_count(3)
    expect(tried.nth(0)).to_contain_text("dropped.png")
    expect(tried.nth(0)).to_contain_text("sure")
    assert site.get("/counts").json()["total"] == before, "nothing of it is kept"

    own = page.locator("[data-figure=unknown]").text_content()
    slider = page.locator("#threshold")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    slider.click(position={"x": box["width"] * 0.97, "y": box["height"] / 2})
    expect(page.locator("#threshold-value")).to_have_text(re.compile("9[5-9] %"))
    expect(page.locator("[data-figure=unknown]")).not_to_have_text(own or "")
    expect(page.locator("#now")).to_contain_text("more are unknown")
    expect(page.locator("#mistakes")).to_have_attribute("data-threshold", re.compile("0.9"))
    page.locator(".confusion td.dim a").first.click()
    expect(page.locator("#behind")).to_be_focused()
    expect(page.locator("#behind-title")).to_contain_text("that it calls unknown")
    expect(page.locator("#behind img").first).to_be_visible()
    page.wait_for_function("() => [...document.querySelectorAll('#behind img')].some((one) => one.naturalWidth > 0)")
    assert "threshold=0.9" in page.url, "the address can be shared"
    assert barriers(page) == []

    version = newest(pipeline, project)
    page.locator("#save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project.name} {int(version) + 1}")
    expect(page.locator("#toasts")).to_contain_text(f"is {project.name} 1 with other thresholds")
    expect(page.locator("#threshold-value")).to_have_text(re.compile("9[5-9] %"))
    expect(page.locator("dl")).to_contain_text("its weights are those of version 1")
    given = pipeline.stores.models.thresholds_set(project.name, newest(pipeline, project))
    assert given is not None
    assert given.of == "1"


def test_it_is_understood_by_keyboard_on_a_phone(browser: Browser, site: Site, project: Project) -> None:
    with browser.new_context(base_url=site.base, viewport=PHONE, color_scheme="dark") as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto(f"/models/{project.name}/2")

        def tab_to(selector: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                    return
            raise AssertionError(f"{selector} cannot be reached by keyboard")

        expect(page.locator("#threshold")).to_be_enabled()
        tab_to("#of-label")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#of-label")).not_to_have_value("")
        expect(page.locator("#threshold")).to_be_enabled()
        tab_to("#threshold")
        value = int(page.locator("#threshold").input_value())
        page.keyboard.press("ArrowRight")
        expect(page.locator("#threshold-value")).to_have_text(f"{value + 1} %")
        expect(page.locator("#threshold")).to_have_attribute("aria-valuetext", re.compile("answered, .* unknown"))
        expect(page.locator("#mistakes")).to_contain_text("for ")
        tab_to(".confusion td a")
        first = page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") != first
        page.keyboard.press("Enter")
        expect(page.locator("#behind")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "too wide"
        assert barriers(page) == []


def test_the_slider_rests_until_what_the_chosen_label_does_is_known(page: Page, project: Project) -> None:
    held: list[Route] = []
    page.route("**/thresholds?label=*", lambda route: held.append(route))
    page.goto(f"/models/{project.name}/2")
    slider = page.locator("#threshold")
    expect(slider).to_be_enabled()
    page.locator("#of-label").select_option("plain")
    expect(slider).to_be_disabled()
    eventually(lambda: page.evaluate("1") and held, "the question")
    held[0].continue_()
    expect(slider).to_be_enabled()
    slider.press("ArrowRight")
    expect(page.locator("#mistakes")).to_contain_text("for plain")


def test_two_versions_are_set_beside_each_other(page: Page, project: Project) -> None:
    page.goto(f"/models/{project.name}/2")
    page.locator("#with").select_option("1")
    page.get_by_role("button", name="Compare on the same pictures").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project.name} 2 beside {project.name} 1")
    expect(page.locator(".lead")).to_contain_text("both were tested on and neither learned from")
    expect(page.locator(".differences tbody tr")).to_have_count(6)
    assert barriers(page) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "too wide"
    page.get_by_role("link", name=f"{project.name} 1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project.name} 1")


@pytest.mark.parametrize("size", [PHONE, ViewportSize(width=1280, height=900)], ids=["phone", "desktop"])
def test_the_card_of_the_shipped_model_fits_and_has_no_barriers(page: Page, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    page.goto("/models/shipped")
    expect(page.get_by_role("heading", name="What was measured")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "too wide"
    assert barriers(page) == []
