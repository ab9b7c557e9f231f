"""The page of jobs in a real browser: what waits, runs and ends is shown by itself, and can be changed there."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.configure import open_stores
from imagestore.errors import GateOverride
from imagestore.jobs.board import JobBoard, ended
from imagestore.jobs.job import Arguments, JobKind, JobResult, JobState, Progress
from imagestore.local.supervisor import Stack
from imagestore.store import Stores

from .browser import barriers, needs_browser
from .conftest import TIMEOUT_S, Site, eventually

pytestmark = needs_browser
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)


@pytest.fixture
def stores(stack: Stack, site: Site) -> Stores:
    return open_stores(stack.environment)


@pytest.fixture
def board(stores: Stores) -> JobBoard:
    return JobBoard(stores.jobs)


@pytest.fixture
def no_runner(stack: Stack, board: JobBoard) -> Iterator[None]:
    stack.processes["jobs"].stop()
    eventually(lambda: not board.has_runner(), "the runner to be gone")
    yield
    for job in board.open():
        board.cancel(job.id)
    if stack.processes["jobs"].pid is None:
        stack.processes["jobs"].start()


@pytest.mark.usefixtures("no_runner")
def test_a_job_is_cancelled_tried_again_and_followed(page: Page, stack: Stack, board: JobBoard) -> None:
    page.goto("/jobs")
    expect(page.locator("#jobs")).to_contain_text("No runner has been heard of")
    id = int(board.put(JobKind.REPROCESS, "local").id)
    first = page.locator(f"#job-{id}")
    expect(first).to_contain_text("queued")
    first.get_by_role("button", name="Cancel").press("Enter")
    expect(first).to_contain_text("cancelled")
    expect(first.get_by_role("button", name="Try")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".jobs > li").first).not_to_have_id(f"job-{id}")
    again = page.locator(".jobs > li").first
    expect(again).to_contain_text("queued")
    stack.processes["jobs"].start()
    expect(again).to_contain_text("looked at")
    expect(again.locator(".badge")).to_have_text("done")
    expect(page.locator("#jobs")).not_to_contain_text("No runner")


@pytest.mark.usefixtures("no_runner")
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_it_fits_and_has_no_barriers_whatever_a_job_says(
    browser: Browser, site: Site, stores: Stores, board: JobBoard, size: ViewportSize, scheme: str
) -> None:
    runs = board.put(JobKind.TRAIN, "x" * 80, Arguments("m" * 64))
    refused = board.put(JobKind.PROMOTE, "local", Arguments("m" * 64, "123456789"))
    why = JobResult(
        state=JobState.REFUSED, say="w" * 500, details=["d" * 500] * 30, override=GateOverride.FORCE,
        drop=["l" * 200, "a label"],
    )  # fmt: skip
    progress = Progress("Learning", 12_345, 100_000, 100)
    for job in (replace(runs, state=JobState.RUNNING, progress=progress), ended(refused, why)):
        item = stores.jobs.read(job.id)
        assert item is not None
        stores.jobs.replace(job.document(), item.etag)
    with browser.new_context(base_url=site.base, viewport=size, color_scheme=scheme) as context:  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto("/jobs")
        expect(page.locator(f"#job-{int(runs.id)}")).to_contain_text("12,345 of 100,000")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= size["width"]
        assert barriers(page) == []
