"""What the registry of models takes for a name and a version."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from imagestore.errors import Conflict, NotAModelName
from imagestore.store.models import Inspection, Models, PromotionEntry
from unit.web.memory import MemoryBlobs, make_default, registry


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
    assert models.newest(9) == [("mine", "2")]
    assert models.has("mine", "2")
    assert not models.has("--by", "1")


def test_a_version_without_its_model_file_is_not_there_yet() -> None:
    models = Models(cast(Any, MemoryBlobs("models")))
    version = models.claim("mine")
    models.keep("mine", version, {"metrics.json": b"{}"})
    assert not models.has("mine", version)
    assert models.newest() == []


def test_the_listing_tells_which_version_is_live() -> None:
    stores = SimpleNamespace(**registry())
    for version in ("1", "2"):
        stores.models.keep("mine", version, {"model.onnx": b"model"})
    assert not stores.routes.read().is_live("mine", "2"), "none was promoted yet"
    make_default(stores, PromotionEntry("mine", "2", "f" * 64, "2026-11-21T09:00:00.000Z", "me"))
    assert stores.routes.read().is_live("mine", "2")
    assert not stores.routes.read().is_live("mine", "1")
    assert {one.version: one.is_live for one in stores.routes.listing().versions} == {"1": False, "2": True}
    assert len(stores.routes.listing(1).versions) == 1


def test_a_version_whose_file_was_refused_says_why_until_it_is_found_to_be_good() -> None:
    stores = SimpleNamespace(**registry())
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    stores.models.demand_usable("mine", "1")
    found = Inspection("f" * 64, "2026-11-21T09:00:00.000Z", "me", is_admitted=False, why="mine 1 is no model.")
    stores.models.keep_inspection("mine", "1", found)
    assert [one.problem for one in stores.routes.listing().versions] == ["mine 1 is no model."]
    with pytest.raises(Conflict, match=r"mine 1 is no model\. To look .* inspect 1 --project mine"):
        stores.models.demand_usable("mine", "1")
    stores.models.keep_inspection("mine", "1", replace(found, is_admitted=True, why=""))
    stores.models.demand_usable("mine", "1")
    assert [one.problem for one in stores.routes.listing().versions] == [None]
