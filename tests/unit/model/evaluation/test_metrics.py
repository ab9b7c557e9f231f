"""Figures are right, by hand and by the literature."""

import numpy as np
import pytest

from model.evaluation.metrics import expected_calibration_error, macro_f1, metrics


def test_figures_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    found = metrics(probabilities, np.array([0, 0, 1, 1]), ["a", "b"], 0.65)
    assert (found.accuracy.right, found.accuracy.of) == (3, 4)
    assert found.confusion == [[2, 0], [1, 1]]
    assert found.classes[0].precision.share == pytest.approx(2 / 3)
    assert found.classes[0].precision.low is None, "three pictures are too few for an interval"
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert (found.answered.right, found.right_of_answered.right) == (3, 2)
    unknown = metrics(probabilities, np.array([0, 0, 1, -1]), ["a", "b"], 0.65)
    assert (unknown.accuracy.right, unknown.top5.right) == (3, 3)


def test_the_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    assert expected_calibration_error(np.full(10, 0.7), np.array([1] * 7 + [0] * 3)) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 0.99), np.zeros(10)) == pytest.approx(0.99)


def test_macro_f1_counts_each_class_alike() -> None:
    assert macro_f1(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1])) == pytest.approx((6 / 7 + 0) / 2)


def test_a_model_that_knows_no_label_is_never_right() -> None:
    found = metrics(np.array([[0.9, 0.1]]), np.array([-1]), ["a", "b"], 0.5)
    assert (found.accuracy.right, found.confusion, found.macro_f1) == (0, [[0, 0], [0, 0]], 0.0)
