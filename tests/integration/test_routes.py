"""Two projects are live at once, each for its folder: none is mixed with the other, while each changes by itself."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import commands
from imagestore.pipeline.live import add_route, make_live, remove_route, rollback
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


@contextmanager
def uploading(pipeline: Pipeline, records: dict[str, list[Record]]) -> Iterator[None]:
    """While it is open, pictures flow into all folders, and their records into `records`."""
    is_enough = threading.Event()

    def flow(folder: str) -> None:
        number = 0
        while not is_enough.is_set():
            records[folder].append(classified(pipeline, f"{folder}/{number}.png"))
            number += 1

    threads = [threading.Thread(target=flow, args=(folder,)) for folder in records]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_enough.set()
        for thread in threads:
            thread.join()


@pytest.mark.usefixtures("two_projects")
def test_each_project_changes_by_itself_while_uploads_flow_into_both(pipeline: Pipeline) -> None:
    screws, bolts = PROJECTS
    others = "routed-others"
    records: dict[str, list[Record]] = {folder: [] for folder in (screws, bolts, others)}

    def latest(folder: str) -> str | None:
        return version_of(records[folder][-1]) if records[folder] and records[folder][-1].project == folder else None

    with uploading(pipeline, records):
        eventually(lambda: latest(screws) == latest(bolts) == "1", "both projects")
        settled = {folder: len(found) for folder, found in records.items()}
        promote(pipeline, screws, "2")
        eventually(lambda: latest(screws) == "2", "the promoted model")
        promote(pipeline, bolts, "2")
        eventually(lambda: latest(bolts) == "2", "the other promoted model")
        rollback(pipeline.stores, "the test", screws)
        eventually(lambda: latest(screws) == "1", "the model before")
    for folder in PROJECTS:
        assert {record.project for record in records[folder][settled[folder] :]} == {folder}
    assert not {record.project for record in records[others]} & set(PROJECTS)
    done = commands.run("reprocess", environment=pipeline.stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    live = {screws: "1", bolts: "2"}
    for folder, version in live.items():
        now = [pipeline.stores.records.read(record.id) for record in records[folder]]
        assert {version_of(one.record) for one in now if one is not None} == {version}


@pytest.mark.usefixtures("two_projects")
def test_what_lies_under_a_changed_route_is_classified_again(pipeline: Pipeline, site: Site) -> None:
    screws, bolts = PROJECTS
    name = f"{screws}/again.png"
    record = eventually(lambda: found if (found := classified(pipeline, name)).project == screws else None, "the route")
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
