"""What a model says of labelled pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.evaluation.evaluate import Evaluation, evaluate
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
