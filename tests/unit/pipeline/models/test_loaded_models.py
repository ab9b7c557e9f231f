"""Workers change to a promoted model without restart, and keep what they have where it cannot be used."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from classify import Model, ModelError, load_model
from imagestore.errors import NotFound, Unavailable
from imagestore.pipeline.models import loaded_models
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.store import Active, LiveModels, PromotionEntry, Route, Routes
from unit.classify.test_model import tiny


@dataclass
class Registry:
    """What the store does for LoadedModels, with a service that may not answer."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    said: tuple[Active, str] | None = None
    routes: Routes = Routes()
    is_away: bool = False
    asked: int = 0

    def live(self) -> LiveModels:
        self.asked += 1
        if self.is_away:
            raise Unavailable("storage does not answer")
        return LiveModels(self.said[0] if self.said else None, self.routes)

    def read(self, name: str, version: str, max_bytes: int | None = None) -> bytes:
        if (name, version) not in self.files:
            raise NotFound(version)
        return self.files[name, version]

    def promote(self, version: str, data: bytes, *before: PromotionEntry, sha256: str | None = None) -> PromotionEntry:
        entry = self.add("mine", version, data, sha256)
        self.said = (Active(entry, before), f"etag {version} {self.asked}")
        return entry

    def add(self, project: str, version: str, data: bytes, sha256: str | None = None) -> PromotionEntry:
        self.files[project, version] = data
        return PromotionEntry(project, version, sha256 or hashlib.sha256(data).hexdigest(), "", "")

    def route(self, pattern: str, live: PromotionEntry) -> None:
        """Have a project with this live version classify what the pattern names."""
        self.routes = self.routes.with_route(Route(pattern.rstrip("*"), live.name)).with_live(live.name, Active(live))


@pytest.fixture
def registry() -> Registry:
    return Registry()


def loaded(tmp_path: Path, registry: Registry, every_s: float = 0, **options: Any) -> LoadedModels:
    tiny(tmp_path / "default.onnx", name="default")
    stores: Any = SimpleNamespace(models=registry, routes=SimpleNamespace(read=registry.live))
    return LoadedModels(tmp_path / "default.onnx", stores, every_s, **options)


class One:
    """The model that classifies uploads which no route names."""

    def __init__(self, models: LoadedModels) -> None:
        self.models = models

    def current(self, expected: str | None = None) -> Model:
        return self.models.current("a.jpg", expected).model


def live(tmp_path: Path, registry: Registry, every_s: float = 0) -> One:
    return One(loaded(tmp_path, registry, every_s))


def model_file(tmp_path: Path, version: str) -> bytes:
    path = tmp_path / f"{version}.onnx"
    tiny(path, name="mine", version=version)
    return path.read_bytes()


def test_while_none_is_promoted_the_default_is_used(tmp_path: Path, registry: Registry) -> None:
    assert live(tmp_path, registry).current().ref.name == "default"


def test_nothing_is_loaded_before_it_is_needed_and_then_once(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, together = [], threading.Barrier(4)

    def noted(path: Path) -> Model:
        loaded.append(path)
        return load_model(path)

    monkeypatch.setattr(loaded_models, "load_model", noted)
    running = live(tmp_path, registry, every_s=1e9)
    assert loaded == []

    def first(_: int) -> Model:
        together.wait(60)
        return running.current()

    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(first, range(4)))
    assert loaded == [tmp_path / "default.onnx"]
    assert all(model is models[0] for model in models)


def test_a_default_that_cannot_be_used_is_said_when_it_is_needed_each_time(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    good = (tmp_path / "default.onnx").read_bytes()
    (tmp_path / "default.onnx").write_bytes(b"no model")
    for _ in range(2):
        with pytest.raises(ModelError, match=r"MODEL '.*default\.onnx' is not an ONNX file"):
            running.current()
    (tmp_path / "default.onnx").write_bytes(good)
    assert running.current().ref.name == "default"


def test_where_a_model_is_promoted_the_default_is_not_needed(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    (tmp_path / "default.onnx").unlink()
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"


def slow_fetch(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Have files of models take their time: from when one is fetched, which is told, until it may go on."""
    is_fetching, may_go, fetch = threading.Event(), threading.Event(), registry.read

    def slow(*arguments: Any, **options: Any) -> bytes:
        is_fetching.set()
        may_go.wait(60)
        return fetch(*arguments, **options)

    monkeypatch.setattr(registry, "read", slow)
    return is_fetching, may_go


def test_a_promoted_model_is_taken_up_and_taken_back(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    default = running.current().ref
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"
    registry.promote("2", model_file(tmp_path, "2"))
    assert running.current().ref.version == "2"
    back = PromotionEntry(default.name, default.version, default.sha256, "", "")
    registry.said = (Active(back), "another etag")
    assert running.current().ref == default


def test_it_looks_no_more_often_than_it_should_unless_it_is_told(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry, every_s=3600)
    running.current()
    entry = registry.promote("1", model_file(tmp_path, "1"))
    assert [running.current().ref.name for _ in range(5)] == ["default"] * 5
    assert registry.asked == 1
    assert running.current(entry.sha256).ref.version == "1"


def test_who_expects_another_waits_for_who_is_fetching_it(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reprocess tells which model it means; a worker's other threads must not go on with the one before."""
    worker = live(tmp_path, registry, every_s=1e9)
    worker.current()
    entry = registry.promote("2", model_file(tmp_path, "2"))
    is_fetching, may_go = slow_fetch(registry, monkeypatch)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(worker.current, entry.sha256)
        assert is_fetching.wait(60)
        others = [pool.submit(worker.current, entry.sha256) for _ in range(3)]
        unhurried = worker.current()
        may_go.set()
        assert {future.result().ref.version for future in (first, *others)} == {"2"}
    assert unhurried.ref.name == "default", "a step that expects no model does not wait"


@pytest.mark.parametrize("damage", ["no model", "no numbers", "another file", "gone"])
def test_one_that_cannot_be_used_is_refused_and_the_old_one_kept(
    tmp_path: Path, registry: Registry, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    running = live(tmp_path, registry)
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"
    if damage == "no model":
        registry.promote("2", b"this is no model")
    elif damage == "no numbers":
        broken = tiny(tmp_path / "2.onnx", name="mine", version="2", bias=(float("nan"), 0))
        registry.promote("2", broken.read_bytes())
    else:
        registry.promote("2", model_file(tmp_path, "2"), sha256="0" * 64)
    if damage == "gone":
        del registry.files["mine", "2"]
    assert [running.current().ref.version for _ in range(3)] == ["1"] * 3
    assert "2" in caplog.text
    registry.promote("3", model_file(tmp_path, "3"))
    assert running.current().ref.version == "3"


def test_a_new_process_takes_the_latest_that_can_be_used(tmp_path: Path, registry: Registry) -> None:
    good = registry.promote("1", model_file(tmp_path, "1"))
    registry.promote("2", b"this is no model", good)
    assert live(tmp_path, registry).current().ref.version == "1"
    registry.promote("3", b"nor is this")
    with pytest.raises(ModelError, match="No promoted model can be used"):
        live(tmp_path, registry).current()


def test_while_storage_is_away_the_model_in_use_stays(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    registry.is_away = True
    with pytest.raises(Unavailable):
        running.current()
    registry.is_away = False
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"
    registry.is_away = True
    assert running.current().ref.version == "1"


def test_one_that_could_not_be_read_just_now_is_read_later(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    running.current()
    registry.promote("1", model_file(tmp_path, "1"))
    kept = registry.files.pop(("mine", "1"))
    assert running.current().ref.name == "default"
    registry.files["mine", "1"] = kept
    assert running.current().ref.version == "1"


def test_a_step_holds_one_model_throughout(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    held = running.current()
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current() is not held
    assert held.ref.name == "default"
    assert load_model(tmp_path / "default.onnx").ref == held.ref


def test_each_upload_is_classified_by_the_longest_route_that_names_it(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    registry.promote("1", model_file(tmp_path, "1"))
    registry.route("factory/*", registry.add("screws", "7", model_file(tmp_path, "7")))
    registry.route("factory/old/*", registry.add("nails", "9", model_file(tmp_path, "9")))
    found = {name: models.current(name) for name in ("a.jpg", "factory/a.jpg", "factory\\a.jpg", "factory/old/a.jpg")}
    assert {name: (one.project, one.model.ref.version) for name, one in found.items()} == {
        "a.jpg": ("mine", "1"),
        "factory/a.jpg": ("screws", "7"),
        "factory\\a.jpg": ("screws", "7"),
        "factory/old/a.jpg": ("nails", "9"),
    }
    registry.routes = registry.routes.without_route("factory/")
    assert models.current("factory/a.jpg").project == "mine"
    assert models.current("factory/old/a.jpg").project == "nails"


def test_a_route_to_a_project_with_nothing_live_waits_for_it(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    registry.routes = registry.routes.with_route(Route("factory/", "screws"))
    assert models.current("factory/a.jpg").project is None
    registry.route("factory/*", registry.add("screws", "1", model_file(tmp_path, "1")))
    assert models.current("factory/a.jpg").project == "screws"


def test_each_project_keeps_its_own_model_where_a_new_one_cannot_be_used(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    registry.promote("1", model_file(tmp_path, "1"))
    registry.route("factory/*", registry.add("screws", "7", model_file(tmp_path, "7")))
    assert models.current("factory/a.jpg").model.ref.version == "7"
    registry.route("factory/*", registry.add("screws", "8", b"this is no model"))
    registry.promote("2", model_file(tmp_path, "2"))
    assert models.current("factory/a.jpg").model.ref.version == "7"
    assert models.current("a.jpg").model.ref.version == "2"


def test_one_that_was_refused_is_tried_again_when_it_is_promoted_again(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    registry.promote("1", model_file(tmp_path, "1"))
    models.current("a.jpg")
    entry = registry.promote("2", b"this is no model yet")
    assert models.current("a.jpg").model.ref.version == "1"
    registry.promote("2", model_file(tmp_path, "2"), sha256=entry.sha256)
    assert models.current("a.jpg").model.ref.version == "1", "the same promotion is not tried at each picture"
    registry.said = (Active(replace(registry.promote("2", model_file(tmp_path, "2")), at="later")), "new")
    assert models.current("a.jpg").model.ref.version == "2"


def test_a_record_waits_for_the_model_that_another_thread_loads(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = loaded(tmp_path, registry)
    worker.current("a.jpg")
    entry = registry.promote("2", model_file(tmp_path, "2"))
    is_fetching, may_go = slow_fetch(registry, monkeypatch)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(worker.current, "a.jpg")
        assert is_fetching.wait(60)
        record = pool.submit(worker.confirmed, "b.jpg")
        assert worker.current("c.jpg").sha256 != entry.sha256, "who only begins does not wait"
        assert not record.done()
        may_go.set()
        assert record.result().sha256 == first.result().sha256 == entry.sha256


def test_no_record_is_written_by_the_model_before_while_the_live_one_cannot_be_had(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = loaded(tmp_path, registry)
    worker.current("a.jpg")
    entry = registry.promote("2", model_file(tmp_path, "2"))

    def away(*_: object, **__: object) -> bytes:
        raise Unavailable("storage does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(registry, "read", away)
        assert worker.current("a.jpg").project is None, "what may be begun with"
        with pytest.raises(Unavailable):
            worker.confirmed("a.jpg")
    assert worker.confirmed("a.jpg").sha256 == entry.sha256
    registry.is_away = True
    with pytest.raises(Unavailable):
        worker.confirmed("a.jpg")
    assert worker.current("a.jpg").sha256 == entry.sha256


def test_a_record_is_written_by_the_model_before_where_the_live_one_cannot_be_used(
    tmp_path: Path, registry: Registry
) -> None:
    worker = loaded(tmp_path, registry)
    entry = registry.promote("1", model_file(tmp_path, "1"))
    worker.current("a.jpg")
    registry.promote("2", b"this is no model")
    assert worker.confirmed("a.jpg").sha256 == entry.sha256
    del registry.files["mine", "2"]
    assert worker.confirmed("a.jpg").sha256 == entry.sha256


def test_what_was_live_before_is_known(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    first = registry.promote("1", model_file(tmp_path, "1"))
    second = registry.promote("2", model_file(tmp_path, "2"), first)
    models.current("a.jpg")
    assert models.has_replaced("a.jpg", first.sha256)
    assert not models.has_replaced("a.jpg", second.sha256)


def test_what_classifies_what_has_a_fingerprint(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    entry = registry.promote("1", model_file(tmp_path, "1"))
    seen = [models.fingerprint()]
    assert seen == [entry.sha256], "as version 0.2 has it in its checkpoint"
    for pattern, project, version in (("b/*", "b", "2"), ("b/*", "b", "3"), ("c/*", "b", "3")):
        registry.route(pattern, registry.add(project, version, model_file(tmp_path, version)))
        models.current("a.jpg")
        seen.append(models.fingerprint())
    assert len(set(seen)) == len(seen)
    assert models.called() == ("mine 1", "b 3")
