"""What the registry of models takes for a name and a version."""

from typing import Any, cast

import pytest

from imagestore.errors import Conflict, NotAModelName
from imagestore.store.models import Active, Models, PromotionEntry
from unit.web.memory import MemoryBlobs


@pytest.mark.parametrize("name", ["--by", "-x", "", "a.b", "a/b", "../a", "a\n", "é", "x" * 65])
def test_a_name_that_could_be_an_option_or_a_path_is_no_models(name: str) -> None:
    blobs = MemoryBlobs("models")
    models = Models(cast(Any, blobs))
    with pytest.raises(NotAModelName, match="cannot be the name of a model"):
        models.claim(name)
    with pytest.raises(NotAModelName):
        models.keep(name, "1", {"model.onnx": b"model"})
    assert blobs.blobs == {}


def test_blobs_that_others_put_there_are_no_versions() -> None:
    blobs = MemoryBlobs("models")
    models = Models(cast(Any, blobs))
    models.keep("mine", "2", {"model.onnx": b"model"})
    for name in ("--by/1", "mine/0", "mine/x", "mine/\u0663", "mine/" + "9" * 5000, "a b/1"):
        blobs.overwrite(f"{name}/model.onnx", b"model", "application/octet-stream")
    assert models.versions() == [("mine", "2")]
    assert [(one.name, one.version) for one in models.listing(9).versions] == [("mine", "2")]
    assert models.has("mine", "2")
    assert not models.has("--by", "1")


def test_a_version_without_its_model_file_is_not_there_yet() -> None:
    models = Models(cast(Any, MemoryBlobs("models")))
    version = models.claim("mine")
    models.keep("mine", version, {"metrics.json": b"{}"})
    assert not models.has("mine", version)
    assert models.listing().versions == []


def test_the_listing_tells_which_version_is_live() -> None:
    models = Models(cast(Any, MemoryBlobs("models")))
    for version in ("1", "2"):
        models.keep("mine", version, {"model.onnx": b"model"})
    assert not models.is_live("mine", "2"), "none was promoted yet"
    models.begin(Active(PromotionEntry("mine", "2", "f" * 64, "2026-11-21T09:00:00.000Z", "me")))
    assert models.is_live("mine", "2")
    assert not models.is_live("mine", "1")
    assert {one.version: one.is_live for one in models.listing().versions} == {"1": False, "2": True}
    assert len(models.listing(1).versions) == 1


def test_of_two_promotions_at_once_one_is_refused_and_the_history_is_whole() -> None:
    models = Models(cast(Any, MemoryBlobs("models")))
    at = "2026-11-21T09:00:00.000Z"
    entries = [PromotionEntry("mine", str(number), str(number) * 64, at, "me") for number in range(4)]
    models.begin(Active(entries[0]))
    with pytest.raises(Conflict):
        models.begin(Active(entries[1]))
    both_saw = models.active()
    assert both_saw is not None
    models.activate(entries[1], both_saw)
    for late in (models.activate, models.step_back):
        with pytest.raises(Conflict):
            late(entries[2], both_saw)
    found = models.active()
    assert found is not None
    assert found[0] == Active(entries[1], (entries[0],))
