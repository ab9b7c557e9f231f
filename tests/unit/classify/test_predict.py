"""A prediction holds the likeliest classes, and how far the first is ahead."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from classify import Answer, Family, ModelError, ModelRef, Score, load_model, predict
from preprocess import ImageSpec
from unit.classify.test_model import tiny


def test_an_answer_that_is_no_distribution_is_no_prediction(tmp_path: Path) -> None:
    """As a model could give for one picture though it answered others well."""
    model = load_model(tiny(tmp_path / "m.onnx"))
    with pytest.raises(ModelError, match=r"whose sum is 1\.99; probabilities"):
        predict(replace(model, gives_logits=False), np.full((8, 8, 1), 255, np.uint8), 2)


def test_pixels_of_another_shape_are_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model takes"):
        predict(load_model(tiny(tmp_path / "m.onnx")), np.zeros((8, 8, 3), np.uint8), 2)


def answering(
    *probabilities: float, families: tuple[Family, ...] = (), has_several: bool = False, has_rest: bool = False
) -> Any:
    """A model with the labels a, b, c … and the threshold 0.5, but 0.55 for b, that always gives this answer."""
    return SimpleNamespace(
        spec=ImageSpec(8, 8, 1, 1.0),
        labels=tuple("abcdefgh"[: len(probabilities)]),
        threshold_of=lambda label: {"b": 0.55}.get(label, 0.5),
        distance_limit=0.4,
        families=families,
        has_several=has_several,
        has_rest=has_rest,
        ref=ModelRef("m", "1", "f" * 64),
        answer=lambda pixels: Answer(np.array(probabilities, np.float32), None, 0.41),
    )


def test_it_keeps_the_likeliest_classes_and_the_lead_of_the_first() -> None:
    model = answering(0.1, 0.6, 0.05, 0.25)
    prediction = predict(model, np.zeros((8, 8, 1), np.uint8), 3)
    assert [(score.label, score.probability) for score in prediction.top] == [("b", 0.6), ("d", 0.25), ("a", 0.1)]
    assert (prediction.label, prediction.confidence, prediction.margin) == ("b", 0.6, 0.35)
    assert (prediction.threshold, prediction.distance, prediction.distance_limit) == (0.55, 0.41, 0.4)
    only_first = predict(model, np.zeros((8, 8, 1), np.uint8), 1)
    assert [score.label for score in only_first.top] == ["b"]
    assert only_first.margin == 0.35, "the lead is over the second class, kept or not"


def test_a_family_is_the_answer_where_no_class_is_sure() -> None:
    cat = Family("cat", (0, 1, 2), 0.6)
    said = predict(answering(0.33, 0.23, 0.14, 0.2, 0.1, families=(cat,)), np.zeros((8, 8, 1), np.uint8), 2)
    assert (said.label, said.confidence, said.margin, said.threshold) == ("cat", 0.7, 0.5, 0.6)
    assert said.is_family
    assert (said.distance, said.distance_limit, said.is_known) == (0.41, 0.4, False), "too far, whatever its label"
    assert [score.label for score in said.top] == ["a", "b"], "classes, not families"


def test_a_sure_class_is_more_than_its_family_and_an_unsure_family_is_no_answer() -> None:
    cat, pixels = Family("cat", (0, 1), 0.6), np.zeros((8, 8, 1), np.uint8)
    sure = predict(answering(0.6, 0.2, 0.2, families=(cat,)), pixels, 2)
    assert (sure.label, sure.confidence, sure.is_family) == ("a", 0.6, False)
    unknown = predict(answering(0.3, 0.25, 0.45, families=(cat,)), pixels, 2)
    assert (unknown.label, unknown.confidence, unknown.threshold, unknown.is_known) == ("c", 0.45, 0.5, False)


def test_of_several_labels_all_are_kept_that_reach_their_own_thresholds() -> None:
    pixels = np.zeros((8, 8, 1), np.uint8)
    prediction = predict(answering(0.52, 0.54, 0.9, 0.1, has_several=True), pixels, 2)
    assert prediction.labels == (Score("c", 0.9), Score("a", 0.52)), "b needs 0.55"
    assert (prediction.label, prediction.confidence, prediction.threshold) == ("c", 0.9, 0.5)
    assert prediction.top == (Score("c", 0.9), Score("b", 0.54))
    assert prediction.margin == 0.01, "b is nearest to its threshold"
    only_low = predict(answering(0.51, 0.53, has_several=True), pixels, 2)
    assert (only_low.label, only_low.labels) == ("a", (Score("a", 0.51),)), "the likeliest does not hold"
    none = predict(answering(0.2, 0.54, has_several=True), pixels, 2)
    assert (none.label, none.labels, none.is_known) == ("b", (), False)


@pytest.mark.parametrize(
    ("probabilities", "margin"),
    [((0.9, 0.05), 0.85), ((0.45, 0.05), 0.05), ((0.04, 0.01), 0.91)],
    ids=["a label is sure", "a label or none", "none is sure"],
)
def test_the_lead_is_also_over_none_of_the_labels(probabilities: tuple[float, ...], margin: float) -> None:
    said = predict(answering(*probabilities, has_rest=True), np.zeros((8, 8, 1), np.uint8), 2)
    assert (said.label, said.margin) == ("a", pytest.approx(margin))
