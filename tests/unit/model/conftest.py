"""A job in memory, and a training that takes no time."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

import model.versions
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, JobKind
from imagestore.jobs.lease import HeldJob, take
from imagestore.store import Stores
from imagestore.store.projects import Project
from unit.memory_items import MemoryItems
from unit.web.memory import memory_stores

Begin = Callable[..., Attempt]
FIGURES = msgspec.json.encode({"metrics": {}, "sentence": "It names 94 of 100 rightly."})


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
def begin(stores: Stores) -> Begin:
    """Puts a job in, or takes it from the attempt before, and takes it up."""
    items = cast(MemoryItems, stores.jobs)

    def begin(kind: JobKind | None = None, arguments: Arguments | None = None) -> Attempt:
        if kind is not None:
            JobBoard(items).put(kind, "me", arguments)
        held = take(items, "nobody")
        assert held is not None
        return of(held)

    def of(held: HeldJob) -> Attempt:
        return Attempt(items, held.job.id, held.job.attempt or "")

    return begin


@pytest.fixture
def trains(monkeypatch: pytest.MonkeyPatch, stores: Stores) -> list[Any]:
    """The options of each training of the project `garden`, which makes the next version and takes no time."""
    options: list[Any] = []
    stores.projects.create("garden", "me")

    def train(stores: Stores, gathered: object, name: str, ask: Any, limits: object, progress: object) -> Any:
        version = stores.models.claim(name)
        options.append(ask(version))
        stores.models.keep(name, version, {"model.onnx": b"model", "metrics.json": FIGURES})
        return SimpleNamespace(version=version, provenance=SimpleNamespace(sentences=lambda: ["chosen"]))

    def gather(_: Stores, project: Project, *__: object, **___: object) -> None:
        assert project.pictures_in == "garden"

    monkeypatch.setattr(model.versions, "gather", gather)
    monkeypatch.setattr(model.versions, "train_version", train)
    return options
