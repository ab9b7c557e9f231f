"""A model's whole life in the browser, without a terminal and without the API: on a phone by finger and mouse, and on a
desktop by keyboard alone."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from unit.model.labelled_pictures import scene
from unit.pictures import encoded

from .browser import barriers, needs_browser, watch
from .conftest import TIMEOUT_S, Site
from .hands import Finger, Hand, Keys

pytestmark = needs_browser
PHONE, DESKTOP = ViewportSize(width=390, height=800), ViewportSize(width=1280, height=900)
LABELS = ("plain", "left")
OF_EACH = 10
_NOTE_NOTIFICATIONS = """
    window.told = [];
    window.asked = 0;
    window.Notification = class extends Notification {
        constructor(title, options) { super(title, options); told.push(`${title}: ${options.body}`); }
        static requestPermission() { asked += 1; return super.requestPermission(); }
    };
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack of its own: what is published here would classify the uploads of all other tests."""
    values = {"MODEL_POLL_SECONDS": "0.3"}
    folder, ports = tmp_path_factory.mktemp("life"), Ports.from_base(24550)
    with Stack(Options(ports=ports, folder=folder, workers=1, with_web=True, values=values)) as stack:
        stack.start(lambda what: None)
        with Site(f"http://localhost:{ports.web}") as site:
            yield site


@pytest.fixture
def life(site: Site) -> Iterator[str]:
    """The name of a folder whose uploads a project of the same name classifies once it has a model. All of it is
    deleted at the end."""
    name = f"life-{token_hex(4)}"
    made = site.post("/projects", json={"title": name}).json()["name"]
    assert site.put("/routes", params={"pattern": f"{name}/*", "project": made}).ok
    yield name
    for one in site.get("/pictures", params={"q": f"{name}/", "limit": "500"}).json()["items"]:
        site.delete(f"/pictures/{one['id']}")
    site.delete("/routes", params={"pattern": f"{name}/*"})
    site.delete(f"/projects/{made}")


def drawn(folder: Path, seed: int, count: int = OF_EACH) -> Path:
    """A folder with so many pictures of each of two kinds, in a folder of each."""
    for number, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for i in range(count):
            data = encoded(scene(seed + 1000 * number + i, number), "JPEG")
            (folder / label / f"{i:02d}.jpg").write_bytes(data)
    return folder


@contextmanager
def opened(browser: Browser, site: Site, complaints: list[str], allowed: list[str], **options: Any) -> Iterator[Page]:
    """A page of somebody who has allowed the browser this and has refused it all else."""
    with browser.new_context(base_url=site.base, **options) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        context.grant_permissions(allowed, origin=site.base)
        context.add_init_script(_NOTE_NOTIFICATIONS)
        page = context.new_page()
        watch(page, complaints)
        yield page
        assert complaints == []


def test_on_a_phone_by_finger_from_the_first_upload_to_the_next_version(
    browser: Browser, own: Site, tmp_path: Path, complaints: list[str]
) -> None:
    with opened(browser, own, complaints, ["notifications"], viewport=PHONE, has_touch=True, is_mobile=True) as page:
        hand = Finger(page)
        page.goto("/")
        take_in(hand, drawn(tmp_path / "life", 3000), 2 * OF_EACH)
        label_in_gallery(hand, f"life/{LABELS[0]}", LABELS[0])
        label_one_by_one(hand, f"life/{LABELS[1]}", LABELS[1])
        move_to_training(hand)
        go(hand, "Train")
        train(hand, "mine", [OF_EACH, 0])
        assert len(told := page.evaluate("told")) == 1
        assert re.match("Training mine 1 done: .*is trained", told[0]), told
        from_version_1_to_2(hand, "mine", tmp_path, "life")


def test_on_a_desktop_by_keyboard_from_labelled_folders_to_the_next_version(
    browser: Browser, site: Site, life: str, tmp_path: Path, complaints: list[str]
) -> None:
    with opened(browser, site, complaints, [], viewport=DESKTOP, color_scheme="dark") as page:
        hand = Keys(page)
        page.goto("/")
        of_project(hand, life)
        hand.give(page.locator("#folder"), drawn(tmp_path / "labelled", 3000))
        assert page.evaluate("Notification.permission") == "denied"
        expect(page.locator("#plan tbody tr")).to_have_count(2)
        seen(hand, "plan")
        hand.press(page.get_by_role("button", name="Add these pictures"))
        expect(page.locator("#tally")).to_have_text(f"{2 * OF_EACH} of {2 * OF_EACH} pictures, {2 * OF_EACH} added.")
        train(hand, life, [OF_EACH, 0])
        assert page.evaluate("told") == [], "this person wants none"
        from_version_1_to_2(hand, life, tmp_path, life)


def from_version_1_to_2(hand: Hand, project: str, tmp_path: Path, folder: str) -> None:
    """All that comes after the first training."""
    assert hand.page.evaluate("asked") == 0, "nobody has pressed the button for notifications"
    understand_and_try(hand, project, drawn(tmp_path / "tried", 5000, 1) / LABELS[1] / "00.jpg")
    publish(hand, project)
    go(hand, "Drop")
    take_in(hand, drawn(tmp_path / "later" / folder, 7000, 2), 4)
    watched(hand, project)
    of_project(hand, project)
    expect(hand.page.get_by_role("heading", name="Have I labelled enough?")).to_be_visible()
    seen(hand, "enough")
    label_what_helps_most(hand)
    of_project(hand, project)
    expect(hand.page.locator("#begin")).to_contain_text("since version 1: train again")
    review(hand)


def seen(hand: Hand, what: str) -> None:
    """Nothing of the page lies beyond the window's side, and axe-core finds nothing."""
    if os.environ.get("SHOTS"):
        shot = f"{os.environ['SHOTS']}/{type(hand).__name__}-{what}.png"
        hand.page.screenshot(path=shot, full_page=True)
    assert hand.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{what} is too wide"
    assert barriers(hand.page) == [], what


def go(hand: Hand, page: str) -> None:
    """To one of the pages that each page leads to."""
    hand.press(hand.page.get_by_role("navigation", name="Pages").get_by_role("link", name=page, exact=True))
    expect(hand.page.locator('nav [aria-current="page"]')).to_have_text(page)
    hand.page.wait_for_load_state()


def take_in(hand: Hand, folder: Path, count: int) -> None:
    expect(hand.page.locator("html")).to_have_attribute("data-live", "yes")
    hand.give(hand.page.locator("#folder"), folder)
    expect(hand.page.locator("#tally")).to_have_text(re.compile(f"^{count} done"))
    seen(hand, "drop")


def search(hand: Hand, text: str) -> None:
    go(hand, "Gallery")
    hand.write(hand.page.get_by_role("combobox", name="Search"), text)
    hand.press(hand.page.get_by_role("button", name="Show", exact=True))
    expect(hand.page.locator("#total")).to_have_text(f"{OF_EACH} pictures")
    expect(hand.page.locator("html")).to_have_attribute("data-live", "yes")


def label_in_gallery(hand: Hand, text: str, label: str) -> None:
    """All that match at once."""
    page = hand.page
    search(hand, text)
    hand.choose_all()
    seen(hand, "gallery")
    hand.write(page.get_by_role("combobox", name="Label", exact=True), label)
    hand.press(page.locator("#bulk").get_by_role("button", name="Label", exact=True))
    expect(page.locator("#toasts")).to_contain_text(f"{OF_EACH} pictures: {label}.")


def label_one_by_one(hand: Hand, text: str, label: str) -> None:
    """One group of look-alikes after the other, as far as they match."""
    page = hand.page
    search(hand, text)
    hand.press(page.locator("#main").get_by_role("link", name="Label", exact=True))
    page.wait_for_url("**/label?q=*")
    waiting, nothing = page.locator("#waiting"), page.get_by_text("nothing left to label")
    expect(waiting).to_have_text(f"{OF_EACH}")
    seen(hand, "label")
    while not nothing.is_visible():
        left = waiting.get_attribute("data-count")
        hand.label_group(label)
        expect(page.locator(f'#waiting:not([data-count="{left}"])').or_(nothing).first).to_be_visible()
        expect(page.locator(".group.current:not([data-label])").or_(nothing).first).to_be_visible()


def move_to_training(hand: Hand) -> None:
    """All that is corrected, since corrections alone leave nothing to test with."""
    page = hand.page
    go(hand, "Train")
    expect(page.locator("#problems")).to_contain_text("There is no labelled picture to test with")
    expect(page.locator("#go")).to_be_disabled()
    seen(hand, "not yet")
    hand.press(page.get_by_role("link", name="Corrected pictures in the gallery"))
    expect(page.locator("#total")).to_have_text(f"{2 * OF_EACH} pictures")
    expect(page.locator("html")).to_have_attribute("data-live", "yes")
    hand.choose_all()
    hand.press(page.get_by_role("button", name="Move to training"))
    expect(page.locator("#toasts")).to_contain_text(f"{2 * OF_EACH} pictures to learn from")


def label_what_helps_most(hand: Hand) -> None:
    """What the model suggests is right of the first group."""
    page = hand.page
    hand.press(page.locator("#main").get_by_role("link", name="Label", exact=True))
    page.wait_for_url("**/label?order=helpful")
    expect(page.locator(".group.current")).to_have_count(1)
    seen(hand, "helpful")
    hand.confirm_group()
    expect(page.locator(".group[data-label]")).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("data-sending", "0")


def of_project(hand: Hand, project: str) -> None:
    """To the page Train of this project."""
    go(hand, "Train")
    hand.project(project)
    hand.page.wait_for_url(f"**/train?project={project}")


def train(hand: Hand, project: str, counts: list[int]) -> None:
    """Of each label there are so many labelled pictures and so many corrections."""
    page = hand.page
    for one in LABELS:
        row = page.locator("#labels tr", has_text=one)
        expect(row.locator("td")).to_have_text([*map(str, counts), "30 wanted"])
    hand.press(page.locator("#options summary"))
    hand.select(page.get_by_label("What is tried"), "As little as possible: quicker")
    hand.select(page.get_by_label("Colour"), "Gray")
    hand.select(page.get_by_label("What it sees"), "The centre")
    seen(hand, "train")
    hand.press(page.get_by_role("button", name="Train", exact=True))
    expect(page.locator("#work .stage, #work .badge.done").first).to_be_visible()
    expect(page.get_by_role("button", name="Notify me")).to_be_hidden()  # it is allowed already, or refused for good
    expect(page.locator("#work .badge")).to_have_text("done")
    expect(page.locator("#toasts")).to_contain_text("is trained")
    expect(page.locator("#begin")).to_contain_text("version 2")
    seen(hand, "trained")


def understand_and_try(hand: Hand, project: str, picture: Path) -> None:
    page = hand.page
    hand.press(page.locator("#work").get_by_role("link", name="Understand and try it"))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project} 1")
    expect(page.locator("#marks circle")).to_have_count(3)
    hand.give(page.locator("#try-files"), picture)
    tried = page.locator("#tried .answer")
    expect(tried.locator("img").first).to_be_visible()
    hand.press(tried.get_by_role("button", name="Why?"))
    expect(tried.locator("canvas.heat")).to_be_visible()
    expect(tried.locator(".learned li").first).to_be_visible()
    hand.slide(page.locator("#threshold"))
    expect(page.locator("#threshold-value")).to_have_text(re.compile("9[5-9] %"))
    expect(page.locator("#now")).to_contain_text("of the test pictures")
    expect(page.locator("#mistakes")).to_have_attribute("data-threshold", re.compile("0.9"))
    hand.press(page.locator(".confusion td a").first)
    expect(page.locator("#behind")).to_be_focused()
    expect(page.locator("#behind img").first).to_be_visible()
    seen(hand, "version")


def publish(hand: Hand, project: str) -> None:
    page = hand.page
    hand.press(page.locator("#promote"))
    page.wait_for_url("**/models")
    version = page.locator("section", has=page.get_by_role("link", name=f"{project} 1", exact=True))
    expect(version.locator(".badge")).to_have_text("live")
    seen(hand, "models")


def watched(hand: Hand, project: str) -> None:
    go(hand, "Watch")
    section = hand.page.get_by_role("region", name=f"{project} 1")
    expect(section).to_contain_text("4 of the 500 pictures came that days are compared with")
    seen(hand, "watch")


def review(hand: Hand) -> None:
    """Accept one picture, whichever is the most doubtful, and take that back."""
    page = hand.page
    go(hand, "Review")
    asked: Any = page.locator("#review").get_attribute("data-id")
    seen(hand, "review")
    hand.say_yes()
    expect(page.locator("#review")).not_to_have_attribute("data-id", asked)
    hand.press(page.get_by_role("button", name="Undo"))
    expect(page.locator("#review")).to_have_attribute("data-id", asked)
