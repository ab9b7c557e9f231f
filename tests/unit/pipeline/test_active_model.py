"""Workers change to a promoted model without restart, and keep what they have where it cannot be used."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from classify import Model, ModelError, load_model
from imagestore.errors import NotFound, Unavailable
from imagestore.pipeline import active_model
from imagestore.pipeline.active_model import ActiveModel
from imagestore.store import Active, PromotionEntry
from unit.classify.test_model import tiny


@dataclass
class Registry:
    """What the store's Models does for ActiveModel, with a service that may not answer."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    said: tuple[Active, str] | None = None
    is_away: bool = False
    asked: int = 0

    def active(self) -> tuple[Active, str] | None:
        self.asked += 1
        if self.is_away:
            raise Unavailable("storage does not answer")
        return self.said

    def read(self, name: str, version: str, max_bytes: int | None = None) -> bytes:
        if (name, version) not in self.files:
            raise NotFound(version)
        return self.files[name, version]

    def promote(self, version: str, data: bytes, *before: PromotionEntry, sha256: str | None = None) -> PromotionEntry:
        self.files["mine", version] = data
        entry = PromotionEntry("mine", version, sha256 or hashlib.sha256(data).hexdigest(), "", "")
        self.said = (Active(entry, before), f"etag {version} {self.asked}")
        return entry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def live(tmp_path: Path, registry: Registry, every_s: float = 0) -> ActiveModel:
    tiny(tmp_path / "default.onnx", name="default")
    stores: Any = SimpleNamespace(models=registry)
    return ActiveModel(tmp_path / "default.onnx", stores, every_s)


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

    monkeypatch.setattr(active_model, "load_model", noted)
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
    is_fetching, may_go, fetch = threading.Event(), threading.Event(), registry.read

    def slow(*arguments: Any, **options: Any) -> bytes:
        is_fetching.set()
        may_go.wait(60)
        return fetch(*arguments, **options)

    monkeypatch.setattr(registry, "read", slow)
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
