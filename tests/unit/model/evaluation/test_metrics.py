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


def test_the_calibration_error_stands_beside_that_of_a_perfectly_calibrated_model() -> None:
    """On 50 pictures that one is far from zero, so a model's error of 0.1 there says nothing against it."""
    chance = np.random.default_rng(3)
    confidence = chance.uniform(0.5, 1, 2000)
    truth = (chance.random(2000) > confidence).astype(int)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    few, many = (metrics(probabilities[:n], truth[:n], ["a", "b"], 0.5) for n in (50, 2000))
    assert few.ece_if_calibrated > 0.05 > 0.03 > many.ece_if_calibrated > 0
    assert few.ece <= few.ece_at_most
    assert many.ece <= many.ece_at_most


def test_pictures_that_look_alike_prove_no_more_than_one() -> None:
    probabilities, truth = np.tile([[0.9, 0.1]], (80, 1)), np.zeros(80, int)
    apart, alike = (metrics(probabilities, truth, ["a", "b"], 0.5, groups) for groups in (None, np.arange(80) // 8))
    assert (apart.groups, alike.groups) == (80, 10)
    assert (alike.accuracy.right, alike.accuracy.of) == (80, 80)
    assert alike.accuracy.low is not None
    assert alike.accuracy.low == pytest.approx(0.722, abs=0.01)
    assert apart.accuracy.low is not None
    assert apart.accuracy.low > 0.95
