"""What a version gives held-out pictures, also where an earlier version of the program kept it."""

import msgspec
import numpy as np
import pytest

from imagestore.performance.answers import Thresholds, answers_of
from imagestore.store import Stores
from imagestore.store.held_out import AnsweredPicture, HeldOut, LabelAnswers
from unit.performance.kept import answers
from unit.web.memory import memory_stores

PICTURES = [AnsweredPicture("a" * 64, ("cat",), {"cat": 0.7, "dog": 0.3})]


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


def keep(stores: Stores, held_out: HeldOut, figures: object = None) -> None:
    files = {"model.onnx": b"model", "held-out.json": msgspec.json.encode(held_out)}
    if figures is not None:
        files["metrics.json"] = msgspec.json.encode(figures)
    stores.models.keep("mine", "1", files)


def test_one_label_is_the_likeliest_and_several_are_all_that_reach_their_thresholds() -> None:
    probabilities = np.array([[0.6, 0.4], [0.45, 0.55], [0.9, 0.1]])
    truth = [("cat",), ("dog",), ("cat",)]
    one = answers(probabilities, truth, ("cat", "dog"), own={"dog": 0.6}, far=frozenset({2}))
    assert [one.given(picture, one.thresholds) for picture in one.pictures] == [("cat",), (), ()]
    several = answers(probabilities, truth, ("cat", "dog"), has_several=True, threshold=0.42)
    assert [several.given(picture, several.thresholds) for picture in several.pictures] == [
        ("cat",), ("dog", "cat"), ("cat",),
    ]  # fmt: skip


def test_thresholds_are_changed_for_all_labels_or_for_one() -> None:
    thresholds = Thresholds(0.5, {"dog": 0.6})
    assert thresholds.with_all(0.7) == Thresholds(0.7)
    assert thresholds.with_one("cat", 0.7) == Thresholds(0.5, {"dog": 0.6, "cat": 0.7})


def test_what_was_kept_is_read(stores: Stores) -> None:
    keep(stores, HeldOut([LabelAnswers("cat", 1.0, [], [])], PICTURES, True, 0.5, {"cat": 0.4}, 3))
    found = answers_of(stores.models, "mine", "1")
    assert found is not None
    assert (found.has_several, found.thresholds, found.count) == (True, Thresholds(0.5, {"cat": 0.4}), 3)
    assert not found.has_groups


def test_where_thresholds_were_not_kept_they_are_those_of_the_figures(stores: Stores) -> None:
    metrics = {"accuracy": {}, "threshold": 0.65}
    prices = [{"target": 0.9, "thresholds": {}}, {"target": 0.95, "thresholds": {"cat": 0.8}}]
    training = {"right": 0.95, "prices": prices}
    keep(stores, HeldOut([], PICTURES), {"metrics": metrics, "sentence": "Good.", "training": training})
    found = answers_of(stores.models, "mine", "1")
    assert found is not None
    assert (found.has_several, found.thresholds) == (False, Thresholds(0.65, {"cat": 0.8}))
    classes = [{"label": "cat", "threshold": 0.3}]
    metrics = {"labels_per_picture": "several", "classes": classes}
    keep(stores, HeldOut([], PICTURES), {"metrics": metrics, "sentence": "Good."})
    found = answers_of(stores.models, "mine", "1")
    assert found is not None
    assert (found.has_several, found.thresholds.of("cat")) == (True, 0.3)


def test_nothing_is_told_where_nothing_was_kept(stores: Stores) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"model"})
    assert answers_of(stores.models, "mine", "1") is None
    keep(stores, HeldOut([], PICTURES))
    assert answers_of(stores.models, "mine", "1") is None, "neither thresholds nor figures"
    keep(stores, HeldOut([], PICTURES), {"metrics": {}, "sentence": "Strange."})
    assert answers_of(stores.models, "mine", "1") is None
