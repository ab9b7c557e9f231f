"""How good a version is, over the API."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from classify import ModelRef
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.models import INSPECTION_FILE
from unit.web.conftest import Api, Drop, problem
from unit.web.records import picture
from unit.web.tested_versions import LABELS, keep_tested


def test_figures_at_the_versions_thresholds_and_at_another(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    own = api.get("/models/mine/1/performance").json()
    assert (own["pictures"], own["several"], own["look_alikes"]) == (60, False, True)
    assert own["thresholds"] == own["own"] == {"threshold": 0.5, "labels": {"dog": 0.6}}
    assert [one["label"] for one in own["labels"]] == list(LABELS)
    assert own["labels"][0]["average_precision"] == {"value": 0.9, "low": 0.8, "high": 0.95}
    stricter = api.get("/models/mine/1/performance?threshold=0.9").json()
    assert stricter["thresholds"] == {"threshold": 0.9, "labels": {}}
    assert stricter["together"]["unknown"] > own["together"]["unknown"]
    of_dog = api.get("/models/mine/1/performance?threshold=0.9&label=dog").json()
    assert of_dog["thresholds"]["labels"] == {"dog": 0.9}
    assert of_dog["labels"][0] == own["labels"][0], "the others keep theirs"
    assert "knows no label 'fish'" in problem(api.get("/models/mine/1/performance?label=fish"), 404)["detail"]
    problem(api.get("/models/mine/1/performance?threshold=1.2"), 422)


def test_every_threshold_with_what_it_does_to_test_pictures(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    found = api.get("/models/mine/1/thresholds").json()
    assert len(found["points"]) == 101
    assert found["now"] == api.get("/models/mine/1/performance").json()["together"]
    assert found["points"][90] == api.get("/models/mine/1/performance?threshold=0.9").json()["together"]
    of_dog = api.get("/models/mine/1/thresholds?label=dog").json()
    assert (of_dog["label"], of_dog["now"]["threshold"]) == ("dog", 0.6)


def test_every_threshold_with_what_it_would_do_to_the_latest_pictures(api: Api, stores: Stores, drop: Drop) -> None:
    keep_tested(stores)
    model = ModelRef("mine", "1", hashlib.sha256(b"model mine 1").hexdigest())
    now = utc(datetime.now(UTC))
    for n, (confidence, at, by) in enumerate(
        [(0.95, now, model), (0.55, now, model), (0.9, "2026-01-01T09:00:00.000Z", model), (0.9, now, None)]
    ):
        made = picture(f"{n}.jpg", "cat", confidence, at=at)
        assert made.prediction is not None
        drop(made.name, made=replace(made, prediction=replace(made.prediction, model=by or made.prediction.model)))
    recent = api.get("/models/mine/1/thresholds").json()["recent"]
    assert (recent["looked_at"], recent["pictures"], recent["now"]) == (3, 2, 0)
    assert [recent["unknown"][step] for step in (0, 55, 56, 95, 96)] == [0, 0, 1, 1, 2]
    keep_tested(stores, "2")
    recent = api.get("/models/mine/2/thresholds").json()["recent"]
    assert (recent["looked_at"], recent["pictures"], recent["unknown"]) == (3, 0, [0] * 101)
    stores.models._blobs.delete(f"mine/2/{INSPECTION_FILE}")
    assert api.get("/models/mine/2/thresholds").json()["recent"] is None


def test_each_cell_of_the_table_leads_to_its_pictures(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    cells = api.get("/models/mine/1/confusion").json()["cells"]
    assert sum(one["count"] for one in cells) == 60
    for cell in cells:
        query = {"said": cell["said"] or "unknown", "limit": "2"}
        query |= {"negative": "true"} if cell["truth"] is None else {"truth": cell["truth"]}
        found = api.get("/models/mine/1/test-pictures", params=query).json()
        assert found["total"] == cell["count"]
        assert len(found["items"]) == min(2, cell["count"])
        for one in found["items"]:
            assert one["labels"] == ([] if cell["truth"] is None else [cell["truth"]])
            shown = api.get(f"/projects/mine/training/{one['sha256']}/thumbnail")
            assert shown.status_code == 200
    all_unknown = api.get("/models/mine/1/confusion?threshold=1").json()["cells"]
    assert {one["said"] for one in all_unknown} == {None}
    assert api.get("/models/mine/1/test-pictures?said=unknown&threshold=1").json()["total"] == 60


def test_where_several_labels_may_hold_errors_are_told_by_label(api: Api, stores: Stores) -> None:
    keep_tested(stores, has_several=True)
    found = api.get("/models/mine/1/confusion").json()
    assert found["cells"] == []
    for one in found["labels"]:
        missed = {"truth": one["label"], "not_said": one["label"]}
        assert api.get("/models/mine/1/test-pictures", params=missed).json()["total"] == one["missed"]


def test_two_versions_are_compared_on_pictures_that_are_new_to_both(api: Api, stores: Stores) -> None:
    first = keep_tested(stores)
    keep_tested(stores, "2", seed=2, learned={first.pictures[0].sha256: "cat"})
    found = api.get("/models/mine/1/comparison?with=2").json()
    assert (found["pictures"], found["tested"], found["both_tested"], found["learned"]) == (59, [60, 60], 60, 1)
    assert [one["measure"] for one in found["figures"]] == ["right", "precision", "recall", "macro_f1", "answered"]
    assert all(set(one["first"]["given"]) != set(one["second"]["given"]) for one in found["differing"])


def test_what_cannot_be_compared_is_said(api: Api, stores: Stores) -> None:
    keep_tested(stores)
    assert "is one version" in problem(api.get("/models/mine/1/comparison?with=1"), 409)["detail"]
    keep_tested(stores, "2", learned={})
    assert "learned from is not kept" in problem(api.get("/models/mine/1/comparison?with=2"), 409)["detail"]
    problem(api.get("/models/mine/1/comparison?with=7"), 404)
    api.post("/projects", json={"title": "Screws"})
    keep_tested(stores, "1", name="Screws")
    other = problem(api.get("/models/mine/1/comparison?with=1&project=Screws"), 409)["detail"]
    assert "labelled pictures of their own" in other


@pytest.mark.parametrize("what", ["performance", "thresholds", "confusion", "test-pictures", "comparison?with=1"])
def test_what_was_not_kept_is_said(api: Api, stores: Stores, what: str) -> None:
    keep_tested(stores)
    stores.models.keep("mine", "2", {"model.onnx": b"model"})
    assert "is not kept" in problem(api.get(f"/models/mine/2/{what}"), 404)["detail"]
    problem(api.get(f"/models/bolts/1/{what}"), 404)
