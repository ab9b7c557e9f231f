"""The page that takes pictures in: chosen, dropped, pasted, in folders, too large, or while the server is away."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from unit.pictures import encoded, photo

from .browser import barriers, needs_browser, open_live
from .conftest import SAMPLES, Pipeline, eventually

pytestmark = needs_browser


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Drop files on the page as a mouse would."""
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            const file = ([name, bytes]) => new File([new Uint8Array(bytes)], name);
            Object.entries(files).forEach((one) => transfer.items.add(file(one)));
            return transfer;
        }""",
        {name: list(data) for name, data in files.items()},
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


def test_five_pictures_and_a_text_file_have_six_outcomes(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Not a picture.")
    pictures = sorted(SAMPLES.glob("*.jpg"))[:5]
    open_live(page, "/")
    page.set_input_files("#files", [*pictures, text])
    for file in [*pictures, text]:
        expect(page.locator("#results > li", has_text=file.name).first).to_be_visible()
    expect(page.locator("#tally")).to_have_text("6 done: 4 classified, 1 unknown, 1 rejected")
    expect(page.locator("#uploads > li")).to_have_count(0)
    coffee = page.locator(".result", has_text="coffee.jpg").first
    expect(coffee.locator("h3")).to_have_text("cup or mug")
    expect(coffee.locator(".bars li")).to_have_count(5)
    expect(coffee.locator(".bars li").first).to_contain_text(re.compile(r"espresso\s+\d+ %"))
    expect(coffee).to_contain_text(re.compile(r"\d+ ms of work"))
    for image in coffee.locator("img").all():
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0
    rejected = page.locator(".result", has_text="notes.txt").first
    expect(rejected.locator("h3")).to_have_text("This is not a picture")
    assert barriers(page) == []


def test_dropped_and_pasted(page: Page, coffee: bytes) -> None:
    open_live(page, "/")
    drop(page, {"dropped one.jpg": coffee, "dropped two.jpg": b"no picture"})
    expect(page.locator(".result", has_text="dropped one.jpg").locator("h3")).to_have_text("cup or mug")
    expect(page.locator(".result", has_text="dropped two.jpg").locator("h3")).to_have_text("This is not a picture")
    page.evaluate(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
        }""",
        list(encoded(photo(seed=9))),
    )
    expect(page.locator(".result", has_text=re.compile(r"pasted/\d{4}-.*\.png"))).to_be_visible()


def test_a_file_that_is_sent_twice_is_done_twice(page: Page, pipeline: Pipeline, coffee: bytes) -> None:
    relay = pipeline.stack.processes["relay"]
    open_live(page, "/")
    relay.stop()  # so that both wait
    for _ in range(2):
        drop(page, {"twice.jpg": coffee})
    expect(page.locator("#uploads .state", has_text="Classifying")).to_have_count(2)
    relay.spawn()
    expect(page.locator("#tally")).to_have_text("2 done: 2 classified")
    expect(page.locator("#uploads > li")).to_have_count(0)


def test_what_is_deleted_while_it_waits_is_waited_for_no_longer(
    page: Page, pipeline: Pipeline, complaints: list[str], coffee: bytes
) -> None:
    relay = pipeline.stack.processes["relay"]
    open_live(page, "/")
    relay.stop()
    drop(page, {"short-lived.jpg": coffee})
    expect(page.locator("#uploads .state")).to_have_text("Classifying")
    pipeline.stores.uploads.delete("short-lived.jpg")
    relay.spawn()
    expect(page.locator("#tally")).to_have_text("1 done: 1 deleted")
    expect(page.locator("#uploads > li")).to_have_count(0)
    assert all("404" in said for said in complaints), "the browser itself says that it is gone"
    complaints.clear()


def test_an_upload_whose_deletion_is_answered_twice_counts_once(
    page: Page, pipeline: Pipeline, complaints: list[str], coffee: bytes
) -> None:
    relay = pipeline.stack.processes["relay"]
    open_live(page, "/")
    relay.stop()
    drop(page, {"gone-twice.jpg": coffee})
    expect(page.locator("#uploads .state")).to_have_text("Classifying")
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/pictures/\w+$"), lambda route: held.append(route))
    pipeline.stores.uploads.delete("gone-twice.jpg")
    relay.spawn()
    # The page asks when it hears of the deletion, and again on its round over all that wait.
    eventually(lambda: len(held) >= 2 or page.evaluate("0"), "two questions about one picture")
    asked = list(held)
    for route in asked:
        route.continue_()
    for route in asked:
        answer = route.request.response()
        assert answer
        answer.finished()
    expect(page.locator("#uploads > li")).to_have_count(0)
    expect(page.locator("#tally")).to_have_text("1 done: 1 deleted")
    assert all("404" in said for said in complaints), "the browser itself says that it is gone"
    complaints.clear()


def test_a_folder_keeps_its_structure(page: Page, tmp_path: Path, coffee: bytes) -> None:
    folder = tmp_path / "holiday"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / "cup.jpg").write_bytes(coffee)
    (folder / ".hidden.jpg").write_bytes(coffee)
    open_live(page, "/")
    page.set_input_files("#folder", folder)
    expect(page.locator(".result", has_text="holiday/day 1/cup.jpg")).to_be_visible()
    expect(page.locator("#tally")).to_have_text("1 done: 1 classified")


def test_what_is_dropped_elsewhere_shows_up_too(page: Page, pipeline: Pipeline, coffee: bytes) -> None:
    open_live(page, "/")
    pipeline.drop("from/elsewhere.jpg", coffee)
    expect(page.locator(".result", has_text="from/elsewhere.jpg")).to_be_visible()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page: Page) -> None:
    open_live(page, "/")
    page.evaluate(
        """() => {
            const file = new File(["x"], "huge.jpg");
            Object.defineProperty(file, "size", { value: 210000000 });
            const transfer = new DataTransfer();
            const event = new ClipboardEvent("paste", { clipboardData: transfer });
            Object.defineProperty(event.clipboardData, "files", { value: [file] });
            document.dispatchEvent(event);
        }"""
    )
    row = page.locator(".upload.wrong")
    expect(row).to_contain_text("210 MB; the limit is 100 MB.")
    expect(row.get_by_role("button")).to_have_count(0)
    expect(page.locator("#tally")).to_have_text("0 done; 1 not sent")


def test_what_the_server_refuses_for_good_is_not_offered_again(page: Page, complaints: list[str]) -> None:
    open_live(page, "/")
    page.route("**/api/v1/pictures?*", lambda route: route.fulfill(status=413, json={"detail": "That is too much."}))
    drop(page, {"refused.jpg": b"x"})
    expect(page.locator(".upload.wrong")).to_contain_text("That is too much.")
    expect(page.locator(".upload.wrong").get_by_role("button")).to_have_count(0)
    assert "413" in complaints.pop()


def test_what_did_not_get_through_can_be_sent_again(page: Page, complaints: list[str], coffee: bytes) -> None:
    open_live(page, "/")
    page.route("**/api/v1/pictures?*", lambda route: route.fulfill(status=500, json={"detail": "It broke."}))
    drop(page, {"again.jpg": coffee})
    expect(page.locator(".upload.wrong")).to_contain_text("It broke.")
    page.unroute_all()
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".result", has_text="again.jpg")).to_be_visible()
    expect(page.locator("#tally")).to_have_text("1 done: 1 classified")
    assert "500" in complaints.pop()


def test_a_dialog_opens_when_space_is_pressed_not_when_it_is_let_go(page: Page) -> None:
    """A browser forgets the key that is held down if the page is drawn anew meanwhile, as this one is at any time."""
    open_live(page, "/")
    page.locator("#files").focus()
    with page.expect_file_chooser():
        expect(page.locator("#files")).to_be_focused()
        page.keyboard.down("Space")
    page.keyboard.up("Space")


def test_an_upload_waits_out_a_server_that_is_away(page: Page, complaints: list[str], coffee: bytes) -> None:
    open_live(page, "/")
    left = iter(range(2))

    def busy(route: Route) -> None:
        if next(left, None) is None:
            route.continue_()
        else:
            route.fulfill(status=503, json={"detail": "away"})

    page.route("**/api/v1/pictures?*", busy)
    drop(page, {"patient.jpg": coffee})
    expect(page.locator(".result", has_text="patient.jpg")).to_be_visible()
    page.unroute_all()
    assert len(complaints) == 2, "the browser itself says that it was refused twice"
    assert all("503" in complaints.pop() for _ in range(2))


def test_a_crowded_server_is_asked_again_when_it_wants_to_be_and_people_are_told(page: Page, coffee: bytes) -> None:
    def crowded() -> Callable[[Route], None]:
        left = iter(range(1))

        def answer(route: Route) -> None:
            if next(left, None) is None:
                route.continue_()
            else:
                route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "More than can be done."})

        return answer

    open_live(page, "/")
    page.route("**/api/v1/pictures?*", crowded())
    page.route("**/api/v1/labels", crowded())
    drop(page, {"crowded.jpg": coffee})
    expect(page.locator(".toast")).to_have_text("The server is busy. Trying again in 1 s …")
    expect(page.locator(".result", has_text="crowded.jpg").locator("h3")).to_have_text("cup or mug")
    expect(page.locator(".toast")).to_have_count(0)
    page.evaluate("async () => { window.asked = (await import('/static/dom.js')).ask('GET', '/labels'); }")
    expect(page.locator(".toast")).to_have_text("The server is busy. Trying again in 1 s …")
    assert page.evaluate("async () => Array.isArray(await window.asked)")
    page.unroute_all()


def test_images_that_a_crowded_server_refused_are_asked_for_again(page: Page, coffee: bytes) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.resource_type)
        if len(asked) < 4:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "More than can be done."})
        else:
            route.fulfill(body=coffee, content_type="image/jpeg")

    open_live(page, "/")
    page.route("**/crowded.jpg", answer)
    page.evaluate("document.body.append(Object.assign(new Image(), { src: '/crowded.jpg', id: 'crowded' }))")
    expect(page.locator("#crowded")).not_to_have_js_property("naturalWidth", 0, timeout=20_000)
    assert asked[:3] == ["image", "fetch", "image"]
    page.unroute_all()
