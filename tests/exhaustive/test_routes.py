"""Whatever the order of calls while a route changes, in the end each record is by the project whose route it is."""

import hashlib
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from classify import Answer, ModelRef
from exhaustive.explore import World, explore
from exhaustive.memory import MemoryBlobs, memory_stores, seen, step
from exhaustive.test_commit import ID, NAME, agree
from imagestore.pipeline import commit as commits
from imagestore.pipeline import tasks
from imagestore.pipeline.models import loaded_models
from imagestore.pipeline.models.live import make_live
from imagestore.pipeline.models.loaded_models import LoadedModels, RoutedModel
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.steps.classify_staged import classify_staged
from imagestore.pipeline.upkeep.reprocess import queue_again
from imagestore.record import Record, Staged, Upload
from imagestore.store import PromotionEntry, RouteTable
from imagestore.store.documents import from_json, to_json
from imagestore.store.models import Models as StoredModels
from preprocess import ImageSpec, write_staged

EVERY_S = 2.0
PIXELS = np.full((8, 8, 1), 7, np.uint8)


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal states must look equal whenever they were reached."""
    monkeypatch.setattr(commits, "utc", lambda: "2026-11-21T09:00:00.000Z")
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)


def routed(project: str) -> RoutedModel:
    sha256 = ("1" if project == "mine" else "2") * 64
    model: Any = SimpleNamespace(
        spec=ImageSpec(8, 8, 1, 1.0),
        labels=("a", "b"),
        answers=("a", "b"),
        families=(),
        threshold_of=lambda label: 0.5,
        distance_limit=None,
        has_several=False,
        has_rest=False,
        ref=ModelRef(project, "1", sha256),
        answer=lambda pixels: Answer(np.array([0.2, 0.8], np.float32)),
    )
    return RoutedModel(model, project, sha256)


MODELS = {project: routed(project) for project in ("mine", "screws")}


@dataclass
class RoutesWorld(World):
    """A world in which uploads are classified by the project `stores.live`."""

    def fingerprint(self) -> int:
        return hash((super().fingerprint(), self.stores.live, tuple(self.stores.work.messages)))


class Models:
    """What a process knows of what is live. It looks at every question, or if it `is_stale` only where it must."""

    def __init__(self, stores: Any, *, is_stale: bool) -> None:
        self.stores, self.is_stale, self.known = stores, is_stale, "mine"

    def current(self, name: str, expected: str | None = None) -> RoutedModel:
        if not self.is_stale or expected not in (None, MODELS[self.known].sha256):
            step("routes", "read")
            self.known = seen(self.stores.live)
        return MODELS[self.known]

    confirmed = current

    def has_replaced(self, name: str, sha256: str) -> bool:
        return self.known == "screws" and sha256 == MODELS["mine"].sha256

    def fingerprint(self) -> str:
        return ""


def classify(stores: Any, *, is_stale: bool = False) -> None:
    context: Any = SimpleNamespace(stores=stores, models=Models(stores, is_stale=is_stale), top_classes=2)
    classify_staged(context, NAME)


def change_route(world: World) -> None:
    """Change the route, and do again what reprocessing finds to be done."""
    step("routes", "write")
    world.stores.live = "screws"
    for found in list(queue_again(world.stores, cast(LoadedModels, Models(world.stores, is_stale=False)))):
        if found.queued:
            world.stores.work.messages.pop()
            world.spawn("N", partial(classify, world.stores))


def new_upload(*, is_classified: bool) -> RoutesWorld:
    stores = memory_stores()
    stores.live = "mine"
    stores.work.due = lambda: 0
    stores.models = SimpleNamespace(note=lambda name, data: None, noted=lambda name: b"none")
    world = RoutesWorld(stores)
    etag = stores.uploads.place(NAME, b"picture")
    record = Record(ID, NAME, upload=Upload(etag, 7), staged=Staged(staged_name(NAME), 0, 8, 8, 1, 1.0))
    stores.staging.place(staged_name(NAME), write_staged(PIXELS, to_json(record).decode()))
    if is_classified:
        classify(stores)
    return world


def by_the_route(stores: Any) -> str | None:
    """What is wrong in the end, once all is done that waits in the queue."""
    work = stores.work.messages
    work_left = list(work)
    while work_left:
        task = tasks.parse(work_left.pop(0))
        assert task.step == tasks.CLASSIFY
        work.clear()
        classify(stores)
        work_left += work
    record, result = stores.records.stored.record, from_json(stores.results.blobs[result_name(NAME)][1])
    found = [one.project and one.prediction and (one.project, one.prediction.model.name) for one in (record, result)]
    return (
        agree(stores) if set(found) == {(stores.live, stores.live)} else f"{found}, but the route is to {stores.live}"
    )


@pytest.mark.parametrize("is_classified", [False, True])
@pytest.mark.parametrize("is_stale", [False, True])
@pytest.mark.parametrize("crash", ["", "A", "N"])
def test_every_interleaving_with_a_change_of_route_ends_with_the_new_one(
    is_classified: bool, is_stale: bool, crash: str
) -> None:
    """A worker may not have looked since before the change."""

    def start() -> World:
        world = new_upload(is_classified=is_classified)
        world.crash = tuple(crash)
        world.spawn("A", partial(classify, world.stores, is_stale=is_stale))
        world.spawn("R", partial(change_route, world))
        return world

    ends, wrong = explore(start, by_the_route)
    assert ends > 0
    assert not wrong, f"{len(wrong)} of {ends} ends are wrong, such as: {wrong[0]}"


class Promoting(World):
    """A world in which a model is promoted, and a picture comes before and another after. Its clock moves by waiting
    alone.

    `came_after` are the uploads that came when the promotion had returned; `stores.wrong` says what was written of such
    a one by the model before.
    """

    def __init__(self) -> None:
        super().__init__(memory_stores())
        blobs: Any = MemoryBlobs("models")
        self.now, self.models = 0.0, blobs
        self.came_after: set[str] = set()
        self.stores.models, self.stores.wrong = StoredModels(blobs), []
        self.stores.routes = RouteTable(blobs, self.stores.models, EVERY_S, self.wait)
        for version in "12":
            blobs.place(f"mine/{version}/model.onnx", version.encode())
        self.promote("1")
        self.workers = [self.worker(), self.worker()]
        self.stores.records.write = self._noted(self.stores.records.write)

    def wait(self, seconds: float) -> None:
        step("clock", "wait")
        self.now += seconds

    def worker(self) -> LoadedModels:
        """One that has just asked what is live."""
        worker = LoadedModels(Path("none"), self.stores, EVERY_S, clock=lambda: seen(self.now))
        worker.current(NAME)
        return worker

    def promote(self, version: str) -> None:
        sha256 = hashlib.sha256(version.encode()).hexdigest()
        make_live(self.stores, PromotionEntry("mine", version, sha256, "", ""), self.stores.routes.read())

    def upload(self, worker: LoadedModels, process: str, *, comes_after: bool) -> None:
        """A picture comes, and this worker is to classify it."""
        etag = self.stores.uploads.place(NAME, process.encode())
        if comes_after:
            self.came_after.add(etag)
        record = Record(ID, NAME, upload=Upload(etag, 7), staged=Staged(staged_name(NAME), 0, 8, 8, 1, 1.0))
        self.stores.staging.place(staged_name(NAME), write_staged(PIXELS, to_json(record).decode()))
        context: Any = SimpleNamespace(stores=self.stores, models=worker, top_classes=2)
        self.spawn(process, partial(classify_staged, context, NAME))

    def promote_and_upload(self) -> None:
        self.promote("2")
        self.upload(self.workers[1], "after", comes_after=True)

    def _noted(self, write: Any) -> Any:
        def noted(record: Record, *given: Any) -> Any:
            written = write(record, *given)
            assert record.upload is not None
            assert record.prediction is not None
            if record.upload.etag in self.came_after and record.prediction.model.version != "2":
                self.stores.wrong.append("a picture that came after the promotion has the model before")
            return written

        return noted

    def fingerprint(self) -> int:
        return hash((super().fingerprint(), self.now, self.models.brief(), tuple(self.stores.work.messages)))


def model_of(data: bytes, called: str) -> Any:
    """A model whose file holds its version alone."""
    version = data.decode()
    ref = ModelRef("mine", version, hashlib.sha256(data).hexdigest())
    return SimpleNamespace(**{**vars(MODELS["mine"].model), "ref": ref})


def test_no_picture_that_comes_after_a_promotion_is_classified_by_the_model_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every order in which a worker asks what is live, another model is promoted, pictures come, and time passes."""
    monkeypatch.setattr(loaded_models, "read_model", model_of)
    by: set[str] = set()

    def start() -> World:
        world = Promoting()
        world.upload(world.workers[0], "before", comes_after=False)
        world.spawn("promotion", world.promote_and_upload)
        world.spawn("time", partial(world.wait, EVERY_S * 0.75))
        return world

    def check(stores: Any) -> str | None:
        if stores.records.stored is not None:
            by.add(stores.records.stored.record.prediction.model.version)
        return stores.wrong[0] if stores.wrong else None

    ends, wrong = explore(start, check)
    assert ends > 0
    assert by == {"2"}, "the picture that came last"
    assert not wrong, f"{len(wrong)} of {ends} ends are wrong, such as: {wrong[0]}"
