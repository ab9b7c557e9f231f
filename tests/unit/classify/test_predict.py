"""A prediction holds the likeliest classes, and how far the first is ahead."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from classify import Answer, ModelError, ModelRef, load_model, predict
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


def test_it_keeps_the_likeliest_classes_and_the_lead_of_the_first() -> None:
    answer = np.array([0.1, 0.6, 0.05, 0.25], np.float32)
    model: Any = SimpleNamespace(
        spec=ImageSpec(8, 8, 1, 1.0),
        labels=("a", "b", "c", "d"),
        threshold_of=lambda label: {"b": 0.7}.get(label, 0.5),
        distance_limit=0.4,
        ref=ModelRef("m", "1", "f" * 64),
        answer=lambda pixels: Answer(answer, None, 0.41),
    )
    prediction = predict(model, np.zeros((8, 8, 1), np.uint8), 3)
    assert [(score.label, score.probability) for score in prediction.top] == [("b", 0.6), ("d", 0.25), ("a", 0.1)]
    assert (prediction.label, prediction.confidence, prediction.margin) == ("b", 0.6, 0.35)
    assert (prediction.threshold, prediction.distance, prediction.distance_limit) == (0.7, 0.41, 0.4)
    only_first = predict(model, np.zeros((8, 8, 1), np.uint8), 1)
    assert [score.label for score in only_first.top] == ["b"]
    assert only_first.margin == 0.35, "the lead is over the second class, kept or not"
