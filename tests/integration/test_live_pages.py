"""Pages that show what happens as it happens: in one tab, in many, in the background, and without shared workers."""

import re

from playwright.sync_api import Browser, Page, Route, expect

from .browser import needs_browser, open_live
from .conftest import Pipeline, Site, eventually
from .tabs import Window

pytestmark = needs_browser


def test_the_gallery_hears_of_changes(page: Page, site: Site, coffee: bytes) -> None:
    record = site.take_in("hears/one.jpg", coffee)
    open_live(page, "/gallery?q=hears%2F")
    site.put(f"/pictures/{record['id']}/correction", params={"label": "flat white"})
    expect(page.locator(".card").first).to_contain_text("flat white")
    site.take_in("hears/two.jpg", coffee)
    page.get_by_role("button", name=re.compile("1 picture came")).click()
    expect(page.locator(".card")).to_have_count(2)
    site.delete(f"/pictures/{record['id']}")
    expect(page.locator(".card")).to_have_count(1)


def test_tabs_in_the_background_take_nothing_from_the_one_that_is_seen(
    browser: Browser, site: Site, coffee: bytes
) -> None:
    """A browser opens six connections to one server: a tab that held one for itself would freeze the others."""
    window = Window(browser, site.base)
    seen = window.open("/gallery?q=tabs%2F")
    tabs = [window.open("/gallery?q=tabs%2F", background=True) for _ in range(8)]
    for tab in tabs:
        eventually(lambda tab=tab: tab.is_loaded, "a tab in the background")  # type: ignore[misc]
        assert tab.is_hidden
        assert not tab.is_live, "what is hidden from its birth listens to nothing"
    eventually(lambda: seen.is_live, "the tab that is seen")
    site.take_in("tabs/cup.jpg", coffee)
    eventually(lambda: seen.evaluate("!document.getElementById('fresh').hidden"), "the news in the tab that is seen")
    tabs[-1].show()
    eventually(lambda: tabs[-1].is_live, "a tab that is shown")
    eventually(lambda: tabs[-1].evaluate("!document.getElementById('fresh').hidden"), "what it has missed")
    eventually(lambda: not seen.is_live, "the tab that is hidden now")
    window.close()


DROP = """(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["not a picture"], "waits.jpg"));
    const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", options));
})()"""
STATE = "document.querySelector('#uploads .state')?.textContent"


def test_a_hidden_tab_listens_until_what_it_sent_is_done(browser: Browser, site: Site, pipeline: Pipeline) -> None:
    relay, window = pipeline.stack.processes["relay"], Window(browser, site.base)
    tab = window.open("/")
    eventually(lambda: tab.is_live, "the tab that is seen")
    relay.stop()  # so that what is sent waits, and no event tells of its end
    tab.evaluate(DROP)
    eventually(lambda: tab.evaluate(STATE) == "Classifying", "the file to be sent")
    window.open("/gallery").show()
    eventually(lambda: tab.is_hidden, "another tab to be in front")
    assert tab.is_live
    pipeline.stores.uploads.delete("waits.jpg")
    eventually(lambda: not tab.is_live, "it to find that it waits for nothing")
    relay.spawn()
    window.close()


def test_all_pages_that_are_seen_share_one_connection(page: Page, site: Site, coffee: bytes) -> None:
    pages = [page.context.new_page() for _ in range(8)]
    for one in pages:
        open_live(one, "/gallery?q=shared%2F")
    open_live(page, "/dashboard")
    site.take_in("shared/cup.jpg", coffee)
    for one in pages:
        expect(one.get_by_role("button", name="1 picture came or changed")).to_be_visible()
    pages[0].close()
    open_live(pages[1], "/")
    site.take_in("shared/two.jpg", coffee)
    expect(pages[1].locator(".result", has_text="shared/two.jpg")).to_be_visible()


def test_a_browser_without_shared_workers_hears_of_changes_too(page: Page, site: Site, coffee: bytes) -> None:
    page.add_init_script("delete window.SharedWorker")
    open_live(page, "/")
    site.take_in("alone/cup.jpg", coffee)
    expect(page.locator(".result", has_text="alone/cup.jpg")).to_be_visible()


def test_a_banner_says_while_the_server_does_not_answer(page: Page, complaints: list[str]) -> None:
    page.add_init_script("delete window.SharedWorker")  # whose requests cannot be stopped here
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.goto("/gallery")
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_text("The server does not answer")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-live", "yes")
    complaints.clear()  # the browser itself says which requests failed


def test_a_page_misses_nothing_between_its_making_and_its_listening(page: Page, site: Site, coffee: bytes) -> None:
    held: list[Route] = []
    page.route("**/static/events.js", lambda route: held.append(route))
    page.goto("/", wait_until="commit")
    eventually(lambda: page.title() and held, "the script that listens")
    site.take_in("between/cup.jpg", coffee)
    held[0].continue_()
    expect(page.locator(".result", has_text="between/cup.jpg")).to_be_visible()
