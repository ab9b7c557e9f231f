"""The pages in a real browser, as people use them: by mouse, by keyboard, on a phone, in the dark."""

import io
import re
from typing import Literal
from urllib.parse import quote

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.local.supervisor import Stack
from imagestore.record import record_id
from unit.pictures import encoded, photo

from .browser import barriers, needs_browser, open_live
from .conftest import SAMPLES, TIMEOUT_S, Pipeline, Site, eventually

pytestmark = needs_browser
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=900)
HOSTILE = (
    "<img src=x onerror=alert(1)>\"'&.jpg",
    "\u202egpj.exe",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "javascript:alert(1)/x.jpg",
    "%2e%2e%2fetc%2fpasswd",
    "long " * 180 + "name.jpg",
)


def test_filter_by_label_text_and_status_by_address(page: Page, site: Site, coffee: bytes) -> None:
    for number in range(3):
        site.take_in(f"filter/{number}.jpg", coffee)
    site.take_in("filter/bad.jpg", b"no picture")
    page.goto("/gallery")
    page.get_by_label("Search", exact=True).fill("FILTER/")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator(".total")).to_have_text("4 pictures")
    page.get_by_role("link", name=re.compile("^Rejected")).click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_role("link", name=re.compile("^cup or mug 3")).click()
    expect(page.locator(".card")).to_have_count(3)
    page.wait_for_load_state()  # the script that listens is there then
    page.get_by_label("Sort").select_option("name")
    page.wait_for_url("**sort=name**")
    names = [card.inner_text() for card in page.locator(".card .name").all()]
    assert names == [f"filter/{number}.jpg" for number in range(3)]
    shared = page.url
    page.goto("about:blank")
    page.goto(shared)
    expect(page.locator(".card")).to_have_count(3)
    page.goto("/gallery?q=nothing+of+that+name")
    expect(page.get_by_text("No picture matches.")).to_be_visible()
    page.goto("/gallery?q=filter%2F&min_confidence=&since=&until=&label=&corrected=")
    expect(page.locator(".card")).to_have_count(4)
    assert barriers(page) == []


@pytest.fixture(scope="module")
def many(stack: Stack) -> list[str]:
    """The names of 130 pictures, in order: more than two pages of the gallery."""
    pipeline = Pipeline(stack)
    etags = {name: pipeline.drop(name, b"no picture") for name in (f"of-a-gallery/{n:03d}.jpg" for n in range(130))}
    for name, etag in etags.items():
        pipeline.record(name, etag)
    with Site(f"http://localhost:{stack.options.ports.web}") as site:
        eventually(lambda: site.get("/counts", params={"q": "of-a-gallery/"}).json()["total"] == 130, "the index")
    return list(etags)


def test_the_gallery_goes_on_as_one_scrolls(page: Page, many: list[str]) -> None:
    open_live(page, "/gallery?q=of-a-gallery%2F&sort=name")
    expect(page.locator(".total")).to_have_text("130 pictures")
    for shown in (60, 120, 130):
        expect(page.locator(".card")).to_have_count(shown)
        page.locator(".card").last.scroll_into_view_if_needed()
    expect(page.locator(".more")).to_have_count(0)
    assert page.locator(".card .name").all_text_contents() == many


def test_correct_and_take_back(page: Page, site: Site, coffee: bytes) -> None:
    record = site.take_in("page/correct.jpg", coffee)
    open_live(page, f"/pictures/{record['id']}")
    page.get_by_label("Correct it").fill('flat "white" <b>')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text('flat "white" <b>')
    expect(page.locator(".timeline li")).to_have_text(
        [re.compile(end) for end in ("Uploaded$", "gray, 224 × 224$", r"default 2 said cup or mug \(\d+ %\)$", "<b>$")]
    )
    page.get_by_role("button", name="Take the correction back").click()
    expect(page.locator("h1")).to_have_text("cup or mug")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#toasts")).to_contain_text("Queued")
    site.put(f"/pictures/{record['id']}/correction", params={"label": "from elsewhere"})
    expect(page.locator("h1")).to_have_text("from elsewhere")
    assert barriers(page) == []


def test_what_a_camera_wrote_is_told_in_its_words(page: Page, site: Site) -> None:
    exif = Image.Exif()
    exif.update({ExifTags.Base.Orientation: 6, ExifTags.Base.Make: "Canon", ExifTags.Base.Model: "EOS R5"})
    data = encoded(photo(320, 200, seed=31), "JPEG", exif=exif)
    page.goto(f"/pictures/{site.take_in('page/camera.jpg', data)['id']}")
    facts = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert facts["Camera"] == "Canon EOS R5"
    assert facts["Classified by"] == "default 2"
    assert facts["Size"] == "200 × 320 pixels"
    assert not {"Model", "Orientation", "jfif_unit"} & facts.keys()
    expect(page.locator(".original figcaption")).to_contain_text("200 × 320")


def test_back_returns_to_the_same_place_in_the_gallery(page: Page, many: list[str]) -> None:
    open_live(page, "/gallery?q=of-a-gallery%2F&sort=name")
    for shown in (60, 120, 130):
        expect(page.locator(".card")).to_have_count(shown)
        page.locator(".card").last.scroll_into_view_if_needed()
    card = page.locator(".card", has_text=many[100])
    card.scroll_into_view_if_needed()
    before = card.bounding_box()
    card.locator("a").click()
    page.wait_for_url("**/pictures/*")
    page.go_back()
    expect(card).to_be_in_viewport()

    def is_in_place() -> bool:
        now = card.bounding_box()
        return now is not None and before is not None and abs(now["y"] - before["y"]) < 2

    eventually(is_in_place, "the card where it was")
    page.goto("/gallery?q=of-a-gallery%2F&status=rejected")
    expect(page.locator(".labels").first).to_have_text("None of these pictures has a label")


def test_rejected_pictures_can_be_told_apart(page: Page, site: Site) -> None:
    site.take_in("apart/a.pdf", b"%PDF-1.7")
    site.take_in("apart/b.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    page.goto("/gallery?q=apart%2F&sort=name")
    captions = page.locator(".card .caption strong")
    expect(captions).to_have_text(["A PDF document", "An SVG drawing"])
    for caption in captions.all():
        assert caption.evaluate("one => one.scrollWidth <= one.clientWidth"), "the whole caption is seen"


def test_three_toasts_at_most_and_an_undo_among_them_stays(page: Page) -> None:
    page.goto("/")
    page.evaluate(
        """async () => {
            const { toast } = await import(new URL("dom.js", document.querySelector("script[src*='page.js']").src));
            toast("first", { seconds: 0, action: { text: "Undo", run() {} } });
            for (const text of ["second", "third", "fourth", "fifth"]) toast(text, { seconds: 0 });
        }"""
    )
    expect(page.locator(".toast > span")).to_have_text(["first", "fourth", "fifth"])


def test_delete_and_undo(page: Page, site: Site, pipeline: Pipeline, coffee: bytes) -> None:
    record = site.take_in("page/delete.jpg", coffee)
    open_live(page, f"/pictures/{record['id']}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("It stays.")
    assert pipeline.stores.uploads.stat("page/delete.jpg") is not None
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/gallery")
    expect(page.locator(".card", has_text="page/delete.jpg")).to_have_count(0)
    eventually(lambda: pipeline.stores.uploads.stat("page/delete.jpg") is None, "the deletion")


def test_duplicates_are_shown(page: Page, site: Site) -> None:
    palace = Image.open(SAMPLES / "palace.jpg")
    first = site.take_in("twins/a.png", encoded(palace))
    site.take_in("twins/copy.png", encoded(palace))
    site.take_in("twins/small.jpg", encoded(palace.resize((320, 214)), "JPEG", quality=70))
    page.goto(f"/pictures/{first['id']}")
    same = page.locator("section", has=page.get_by_role("heading", name="The same file, under other names"))
    expect(same.locator(".card")).to_have_text(re.compile("twins/copy.png"))
    alike = page.locator("section", has=page.get_by_role("heading", name="Looks alike"))
    expect(alike.locator(".card", has_text="twins/small.jpg")).to_have_count(1)


def test_by_keyboard_alone(page: Page, site: Site, coffee: bytes) -> None:
    site.take_in("keys/cup.jpg", coffee)
    open_live(page, "/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        expect(page.locator("#files")).to_be_focused()  # one more question, so that the browser knows who expects it
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "keys/typed.jpg", "mimeType": "image/jpeg", "buffer": coffee})
    expect(page.locator(".result", has_text="typed.jpg").first).to_be_visible()
    open_live(page, "/gallery?q=keys%2Fcup")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached by keyboard")

    tab_to(".card a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pictures/*")
    expect(page.locator("html")).to_have_attribute("data-live", "yes")
    tab_to("#label")
    page.keyboard.type("ristretto")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("ristretto")
    tab_to("#delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("It stays.")
    expect(page.locator("#delete")).to_be_focused()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_every_page_fits_and_has_no_barriers(
    browser: Browser, site: Site, coffee: bytes, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    id = site.take_in("fits/cup.jpg", coffee)["id"]
    bad = site.take_in("fits/" + "x" * 300 + ".jpg", b"no picture")["id"]
    pictures = (f"/pictures/{id}", f"/pictures/{bad}")
    pages = (
        "/",
        "/gallery",
        *pictures,
        "/label",
        "/changes",
        "/review",
        "/dashboard",
        "/watch",
        "/models",
        "/train",
        "/jobs",
        "/api",
        "/nothing",
    )
    with browser.new_context(base_url=site.base, viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        for address in pages:
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
            for link in page.get_by_role("navigation", name="Pages").get_by_role("link").all():
                box = link.bounding_box()
                assert box is not None
                assert 0 <= box["x"] < box["x"] + box["width"] <= size["width"], "reached without scrolling sideways"
            assert barriers(page) == [], address


def test_charts_can_be_read_on_a_phone(browser: Browser, site: Site, coffee: bytes) -> None:
    site.take_in("charts/cup.jpg", coffee)
    with browser.new_context(base_url=site.base, viewport=PHONE, timezone_id="Asia/Kolkata") as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto("/dashboard")
        labels = page.locator(".chart text").all()
        assert len(labels) > 10
        heights = [box["height"] for box in (label.bounding_box() for label in labels) if box]
        assert min(heights) > 10, "pixels"
        hours = page.get_by_role("img", name="Pictures by hour and status").locator("text[data-hour]")
        expect(hours.first).to_have_text(re.compile(r"^\d\d:30$"))
        expect(page.get_by_text("Hours are in local time (Asia/")).to_be_visible()


def test_hostile_names_and_labels_are_shown_inert(page: Page, site: Site, coffee: bytes) -> None:
    records = [site.take_in(name, coffee) for name in HOSTILE]
    for record in records:
        assert record["id"] == record_id(record["name"])
        correction = site.put(f"/pictures/{record['id']}/correction", params={"label": label_like(record["name"])})
        assert correction.status_code == 200
    labelled = [f"/gallery?label={quote(label_like(name))}" for name in HOSTILE]
    for address in ("/", "/gallery", "/dashboard", *labelled, *(f"/pictures/{record['id']}" for record in records)):
        page.goto(address)
        for record in records if address in ("/", "/gallery", "/dashboard") else ():
            shown = page.locator(".name", has_text=record["name"].replace("\u202e", "\\u202e").strip()).first
            expect(shown).to_be_attached()
        expect(page.locator("main .name").first).to_be_attached()
        assert page.locator("img[src=x], main script, main [onload], main [onerror]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def label_like(name: str) -> str:
    """A label as hostile as the name; a label may not turn text around."""
    return "<svg onload=alert(1)>" if "\u202e" in name else name[:200].strip()


def test_the_dashboard_tells_what_is_there(page: Page, site: Site, coffee: bytes) -> None:
    site.take_in("dashboard/cup.jpg", coffee)
    site.take_in("dashboard/bad.jpg", b"no picture")
    open_live(page, "/dashboard")
    expect(page.locator(".figures")).to_contain_text(re.compile(r"\d+\s+pictures"))
    table = page.get_by_role("region", name="Time and confidence of each picture")
    expect(table.get_by_role("row").filter(has_text="dashboard/cup.jpg")).to_contain_text(re.compile(r"\d+ %.*\d+ ms"))
    expect(page.get_by_role("img", name="Pictures by hour and status").locator("rect.mark").first).to_be_attached()
    page.get_by_role("link", name="This is not a picture").click()
    expect(page.locator(".card", has_text="dashboard/bad.jpg")).to_have_count(1)


def test_the_icon_is_where_browsers_look_for_it(site: Site) -> None:
    answer = site.get(site.base + "/favicon.ico")
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).format == "ICO"


def test_the_models_page_tells_which_one_is_live(page: Page, site: Site) -> None:
    page.goto("/models")
    expect(page.locator("main")).to_contain_text("Live is the default model")


def test_without_scripts_one_can_look_and_filter(browser: Browser, site: Site, coffee: bytes) -> None:
    site.take_in("plain/cup.jpg", coffee)
    with browser.new_context(base_url=site.base, java_script_enabled=False) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto("/gallery")
        page.get_by_label("Search", exact=True).fill("plain/")
        page.get_by_role("button", name="Show").click()
        page.locator(".card a").first.click()
        expect(page.locator("h1")).to_have_text("cup or mug")


@pytest.mark.parametrize("address", ["/", "/pictures/{id}", "/review", "/models", "/jobs"])
def test_a_page_whose_buttons_need_scripts_says_so_without_them(site: Site, coffee: bytes, address: str) -> None:
    id = site.take_in("plain/cup.jpg", coffee)["id"]
    site.delete(f"/pictures/{id}/correction")
    page = site.get(site.base + address.format(id=id)).text
    assert re.search(r"<noscript><p class=.notice.>[^<]* JavaScript, which is off\.", page)


def test_nothing_is_loaded_from_elsewhere(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for address in ("/", "/gallery", "/dashboard", "/api"):
        page.goto(address, wait_until="networkidle" if address == "/api" else "load")
    assert len(asked) > 8
    assert [url for url in asked if not url.startswith(site.base + "/")] == []
