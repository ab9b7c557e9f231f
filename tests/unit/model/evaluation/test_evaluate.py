"""What a model says of labelled pictures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.evaluation.evaluate import Evaluation, evaluate
from model.evaluation.report import Report
from preprocess import Limits
from unit.classify.test_model import tiny
from unit.model.evaluations import described
from unit.model.labelled_pictures import examples_of, labelled
from unit.pictures import encoded


def test_pictures_are_answered_in_order_by_several_processes(tmp_path: Path) -> None:
    levels = [(37 * n) % 256 for n in range(60)]
    sources = [labelled("dark", str(n), encoded(Image.new("L", (16, 16), level))) for n, level in enumerate(levels)]
    counted: list[int] = []
    data = tiny(tmp_path / "m.onnx").read_bytes()
    found = evaluate(data, "it", examples_of(sources), Limits(), lambda: counted.append(1))
    assert found.probabilities[:, 1] == pytest.approx([1 / (1 + np.exp(-level / 128)) for level in levels], abs=1e-5)
    assert (found.inference_ms > 0).all()
    assert len(counted) == 60
    assert (found.model.labels, found.truth.tolist()) == (("dark", "light"), [0] * 60)


def test_what_a_model_does_not_know_is_told_by_its_confidence() -> None:
    examples = examples_of([labelled("abc"[n % 3], str(n), encoded(Image.new("L", (16, 16), n))) for n in range(6)])
    sure = np.eye(3)[[0, 1, 2, 0, 1, 2]] * 0.94 + 0.02
    perfect = Evaluation(described(("a", "b", "c")), examples, sure, np.ones(6))
    assert perfect.out_of_distribution_auroc() == 1.0
    clueless = Evaluation(described(("a", "b", "c")), examples, np.full((6, 3), 1 / 3), np.ones(6))
    assert clueless.out_of_distribution_auroc() == 0.5
    two = Evaluation(described(("a", "b")), examples, np.full((6, 2), 0.5), np.ones(6))
    assert two.out_of_distribution_auroc() is None


def test_pictures_of_none_of_the_labels_are_counted_apart() -> None:
    labels = ["a", "b", "a", "", "", ""]
    sources = [labelled(one or (), str(n), encoded(Image.new("L", (16, 16), n))) for n, one in enumerate(labels)]
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.1, 0.2], [0.3, 0.1], [0.1, 0.8]])
    model = replace(described(("a", "b")), has_rest=True)
    found = Evaluation(model, examples_of(sources), probabilities, np.ones(6), groups=np.array([0, 1, 2, 3, 3, 4]))
    assert (found.metrics().count, found.metrics().accuracy.right, found.metrics().groups) == (3, 2, 3)
    assert (found.rejected().right, found.rejected().of) == (2, 3)
    assert [(example.label, said) for example, said, _ in found.mistakes(9)] == [("b", "a"), ("", "b")]
    assert Report.of(found, 1).sentence().endswith("Of 3 pictures that show none of the labels it answers 1.")
    assert json.loads(Report.of(found, 1).to_json())["metrics"]["negatives_rejected"]["right"] == 2
    without = Evaluation(model, found.examples[:3], probabilities[:3], np.ones(3))
    assert b"negatives_rejected" not in Report.of(without, 1).to_json()
