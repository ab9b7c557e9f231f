"""Two projects are live at once, each for its folder: none is mixed with the other, while each changes by itself."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import commands
from imagestore.pipeline.models.live import add_route, make_live, remove_route, rollback
from imagestore.record import Record, utc
from imagestore.store import PromotionEntry
from unit.classify.test_model import tiny
from unit.pictures import encoded, photo

from .browser import barriers, needs_browser
from .conftest import Pipeline, Site, eventually

PROJECTS = ("routed-screws", "routed-bolts")
"""Each is also the name of the folder that its route names, so that no other test meets it."""


@pytest.fixture
def two_projects(pipeline: Pipeline, tmp_path: Path) -> Iterator[None]:
    """Two versions of each, of which the first is live for the project's folder."""
    for project in PROJECTS:
        for version in "12":
            file = tiny(tmp_path / "model.onnx", name=project, version=version)
            pipeline.stores.models.keep(project, version, {"model.onnx": file.read_bytes()})
        add_route(pipeline.stores, f"{project}/*", project, "the test")
        promote(pipeline, project, "1")
    yield
    for project in PROJECTS:
        remove_route(pipeline.stores, f"{project}/*")


def promote(pipeline: Pipeline, project: str, version: str) -> None:
    """Whatever the gate would have said."""
    sha256 = hashlib.sha256(pipeline.stores.models.read(project, version)).hexdigest()
    entry = PromotionEntry(project, version, sha256, utc(), "the test")
    make_live(pipeline.stores, entry, pipeline.stores.routes.read())


def classified(pipeline: Pipeline, name: str) -> Record:
    """The record of a new upload of this name."""
    return pipeline.record(name, pipeline.drop(name, encoded(photo()), "image/png"))


def version_of(record: Record) -> str:
    assert record.prediction is not None
    assert record.project == record.prediction.model.name
    return record.prediction.model.version


@dataclass(frozen=True)
class Between:
    """Something that happened at some moment between these two, of time.monotonic()."""

    after: float
    before: float


@dataclass(frozen=True)
class Classified:
    """A record that was written after its upload, between these two moments."""

    record: Record
    when: Between


@dataclass
class Flow:
    """Pictures that flow into a folder one after the other, and what was made live for them when."""

    pipeline: Pipeline
    folder: str
    records: list[Classified] = field(default_factory=list)
    changes: list[tuple[str, Between]] = field(default_factory=list)

    def run(self, is_enough: threading.Event) -> None:
        while not is_enough.is_set():
            began = time.monotonic()
            record = classified(self.pipeline, f"{self.folder}/{len(self.records)}.png")
            self.records.append(Classified(record, Between(began, time.monotonic())))

    def change(self, version: str, change: Callable[[], object]) -> None:
        """Make this version live while pictures flow, some before and some after."""
        self.await_more()
        began = time.monotonic()
        change()
        self.changes.append((version, Between(began, time.monotonic())))
        self.await_more()

    def await_more(self) -> None:
        enough = len(self.records) + 3
        eventually(lambda: len(self.records) >= enough, f"pictures in {self.folder}")

    def live_during(self, when: Between) -> set[str]:
        """The versions that were live at a moment of this span. One that is being replaced is live until the change
        has returned."""
        ends = [change.before for _, change in self.changes[1:]] + [float("inf")]
        spans = zip(self.changes, ends, strict=True)
        return {version for (version, begun), end in spans if begun.after <= when.before and end >= when.after}


@contextmanager
def flowing(*flows: Flow) -> Iterator[None]:
    """While it is open, pictures flow into all folders."""
    is_enough = threading.Event()
    with ThreadPoolExecutor(len(flows)) as pool:
        running = [pool.submit(flow.run, is_enough) for flow in flows]
        try:
            yield
        finally:
            is_enough.set()
    for flow in running:
        flow.result()


@pytest.mark.usefixtures("two_projects")
def test_each_record_is_by_a_model_that_was_live_for_it_between_upload_and_record(pipeline: Pipeline) -> None:
    """Uploads flow into both folders while a version of one project is promoted, and another rolled back."""
    long_ago = Between(float("-inf"), float("-inf"))
    screws, bolts, others = (Flow(pipeline, folder) for folder in (*PROJECTS, "routed-others"))
    for flow in (screws, bolts):
        flow.changes.append(("1", long_ago))
    with flowing(screws, bolts, others):
        screws.change("2", lambda: promote(pipeline, screws.folder, "2"))
        bolts.change("2", lambda: promote(pipeline, bolts.folder, "2"))
        screws.change("1", lambda: rollback(pipeline.stores, "the test", screws.folder))
        screws.change("2", lambda: promote(pipeline, screws.folder, "2"))
    for flow in (screws, bolts):
        assert {one.record.project for one in flow.records} == {flow.folder}
        for one in flow.records:
            assert version_of(one.record) in flow.live_during(one.when), f"{one} {flow.changes}"
        assert {version_of(one.record) for one in flow.records} == {"1", "2"}
    assert not {one.record.project for one in others.records} & set(PROJECTS)
    done = commands.run("reprocess", environment=pipeline.stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for flow in (screws, bolts):
        now = [pipeline.stores.records.read(one.record.id) for one in flow.records]
        assert {version_of(one.record) for one in now if one is not None} == {"2"}


@pytest.mark.usefixtures("two_projects")
def test_what_lies_under_a_changed_route_is_classified_again(pipeline: Pipeline, site: Site) -> None:
    screws, bolts = PROJECTS
    name = f"{screws}/again.png"
    record = classified(pipeline, name)
    assert (record.project, version_of(record)) == (screws, "1")
    commanded = commands.run("route", "add", f"{screws}/*", "--project", bolts, environment=pipeline.stack.environment)
    assert f"{screws}/* is classified by {bolts}." in commanded.stdout
    listed = commands.run("route", "list", environment=pipeline.stack.environment).stdout.splitlines()
    assert [line.split() for line in listed if line.startswith(screws)] == [[f"{screws}/*", bolts, bolts, "1"]]
    eventually(lambda: site.get("/models/outdated").json()["pictures"] > 0, "the web app to see what has changed")
    done = commands.run("reprocess", environment=pipeline.stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    stored = pipeline.stores.records.read(record.id)
    assert stored is not None
    assert (stored.record.project, version_of(stored.record)) == (bolts, "1")
    assert name not in commands.run("verify", environment=pipeline.stack.environment).stdout, "nothing differs of it"


@needs_browser
@pytest.mark.usefixtures("two_projects")
def test_the_page_of_models_shows_the_routes(page: Page, site: Site) -> None:
    page.goto("/models")
    routes = page.get_by_role("region", name="Routes")
    for project in PROJECTS:
        expect(routes).to_contain_text(f"{project}/*")
    expect(routes.get_by_role("row").last).to_contain_text("the default model")
    assert barriers(page) == []
