"""Workers change to a promoted model without restart, and keep what they have where it cannot be used."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from classify import load_model
from errors import Away, Missing, ModelError
from pipeline.live import Live
from store import Active, Entry
from unit.test_classify import tiny


@dataclass
class Registry:
    """What the store's Models does for Live, with a service that can be away."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    said: tuple[Active, str] | None = None
    is_away: bool = False
    asked: int = 0

    def active(self) -> tuple[Active, str] | None:
        self.asked += 1
        if self.is_away:
            raise Away("storage is away")
        return self.said

    def read(self, name: str, version: str, max_bytes: int | None = None) -> bytes:
        if (name, version) not in self.files:
            raise Missing(version)
        return self.files[name, version]

    def promote(self, version: str, data: bytes, *before: Entry, sha256: str | None = None) -> Entry:
        self.files["mine", version] = data
        entry = Entry("mine", version, sha256 or hashlib.sha256(data).hexdigest(), "", "")
        self.said = (Active(entry, before), f"etag {version} {self.asked}")
        return entry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def live(tmp_path: Path, registry: Registry, every_s: float = 0) -> Live:
    tiny(tmp_path / "default.onnx", name="default")
    stores: Any = SimpleNamespace(models=registry)
    return Live.load(tmp_path / "default.onnx", stores, every_s)


def model_file(tmp_path: Path, version: str) -> bytes:
    path = tmp_path / f"{version}.onnx"
    tiny(path, name="mine", version=version)
    return path.read_bytes()


def test_while_none_is_promoted_the_default_is_used(tmp_path: Path, registry: Registry) -> None:
    assert live(tmp_path, registry).current().ref.name == "default"


def test_a_promoted_model_is_taken_up_and_taken_back(tmp_path: Path, registry: Registry) -> None:
    running = live(tmp_path, registry)
    default = running.current().ref
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"
    registry.promote("2", model_file(tmp_path, "2"))
    assert running.current().ref.version == "2"
    back = Entry(default.name, default.version, default.sha256, "", "")
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
    assert unhurried.ref.name == "default", "who expects nothing does not wait"


@pytest.mark.parametrize("damage", ["no model", "another file", "gone"])
def test_one_that_cannot_be_used_is_refused_and_the_old_one_kept(
    tmp_path: Path, registry: Registry, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    running = live(tmp_path, registry)
    registry.promote("1", model_file(tmp_path, "1"))
    assert running.current().ref.version == "1"
    if damage == "no model":
        registry.promote("2", b"this is no model")
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
    with pytest.raises(Away):
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
