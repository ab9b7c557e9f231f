"""Loaded models take no more memory than they may, and those that nothing needs take none."""

import weakref
from pathlib import Path

import pytest

from imagestore.pipeline.models.model_cache import MEMORY_SHARE
from unit.pipeline.models.test_loaded_models import Registry, loaded, model_file


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_loaded_models_take_no_more_memory_than_they_may(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for two models, a third pushes out the one that was used least lately."""
    read: list[str] = []
    fetch = registry.read

    def noted(name: str, version: str, max_bytes: int | None = None) -> bytes:
        read.append(version)
        return fetch(name, version, max_bytes)

    monkeypatch.setattr(registry, "read", noted)
    files = {version: model_file(tmp_path, version) for version in "123"}
    room = 2 * MEMORY_SHARE * max(map(len, files.values()))
    models = loaded(tmp_path, registry, cache_bytes=room)
    registry.promote("1", files["1"])
    registry.route("b/*", registry.add("b", "2", files["2"]))
    registry.route("c/*", registry.add("c", "3", files["3"]))
    for name in ("a.jpg", "b/b.jpg", "a.jpg", "b/b.jpg", "a.jpg"):
        models.current(name)
    assert read == ["1", "2"]
    models.current("c/c.jpg")
    models.current("a.jpg")
    assert read == ["1", "2", "3"]
    assert models.current("b/b.jpg").model.ref.version == "2"
    assert read == ["1", "2", "3", "2"]


def test_a_model_that_was_replaced_is_let_go(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry)
    gone = []
    for version in "123":
        registry.promote(version, model_file(tmp_path, version))
        gone.append(weakref.ref(models.current("a.jpg").model))
    assert [model() is None for model in gone] == [True, True, False]


def test_a_model_that_is_larger_than_all_room_is_used_all_the_same(tmp_path: Path, registry: Registry) -> None:
    models = loaded(tmp_path, registry, cache_bytes=1)
    registry.promote("1", model_file(tmp_path, "1"))
    assert [models.current("a.jpg").model.ref.version for _ in range(2)] == ["1", "1"]
