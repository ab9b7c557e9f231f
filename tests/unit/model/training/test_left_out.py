"""How well a model tells what it never saw, measured by leaving out labels."""

import numpy as np

from model.training import left_out
from model.training.head import fit
from model.training.left_out import measure


def features(classes: int, count: int = 120, apart: float = 2.0) -> tuple[np.ndarray, list[str]]:
    """Features of pictures whose classes differ in features of their own."""
    chance, truth = np.random.default_rng(0), np.arange(count) % classes
    found = np.abs(np.eye(classes, 64)[truth] * apart + np.abs(chance.normal(0, 0.3, (count, 64))))
    return found[:, None].astype(np.float32), [f"l{number}" for number in truth]


def test_each_label_is_left_out_in_truth() -> None:
    taken, labels = features(4)
    groups, fits = np.arange(len(labels)), []
    head = fit(taken, labels, groups, 1, lambda: None)
    found = measure(taken, labels, groups, head, 1, lambda: fits.append(1))
    assert found is not None
    assert (found.labels, len(fits)) == (4, left_out.steps(labels))
    assert found.by_distance > 0.95, "each class has a direction of its own"
    assert found.answered <= found.answered_by_confidence
    assert found.known_answered > 0.8
    assert "by leaving out 4 labels in turn; the estimate by taking columns away is" in found.sentence()


def test_two_labels_are_too_few() -> None:
    taken, labels = features(2)
    head = fit(taken, labels, np.arange(len(labels)), 1, lambda: None)
    assert measure(taken, labels, np.arange(len(labels)), head, 1, lambda: None) is None
    assert left_out.steps(labels) == 0
