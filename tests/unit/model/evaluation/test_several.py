"""Figures of models that give each label a probability of its own."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from model.evaluation.several import SeveralMetrics, average_precision, average_precision_of_draws, draws, metrics

CHANCE = np.random.default_rng(2)
HOLDS = CHANCE.random((120, 3)) < np.array([0.5, 0.3, 0.2])
PROBABILITIES = np.clip(np.where(HOLDS, 0.65, 0.35) + CHANCE.normal(0, 0.2, HOLDS.shape), 0, 1)
GIVEN = PROBABILITIES >= 0.5


def figures(
    probabilities: np.ndarray = PROBABILITIES, holds: np.ndarray = HOLDS, groups: np.ndarray | None = None
) -> SeveralMetrics:
    covered = np.ones(len(holds), bool)
    groups = np.arange(len(holds)) if groups is None else groups
    return metrics(probabilities, probabilities >= 0.5, holds, ["a", "b", "c"], [0.5] * 3, groups, covered)


def test_the_figures_are_those_of_scikit_learn() -> None:
    found = figures()
    assert found.macro_f1 == pytest.approx(f1_score(HOLDS, GIVEN, average="macro"))
    assert found.micro_f1.value == pytest.approx(f1_score(HOLDS, GIVEN, average="micro"))
    assert found.accuracy.right == int((HOLDS == GIVEN).all(axis=1).sum())
    expected = average_precision_score(HOLDS, PROBABILITIES, average="macro")
    assert found.mean_average_precision.value == pytest.approx(expected)
    assert [one.average_precision.value for one in found.classes] == pytest.approx(
        [average_precision_score(HOLDS[:, i], PROBABILITIES[:, i]) for i in range(3)]
    )
    for one in (found.macro_f1_between, found.micro_f1, found.mean_average_precision, found.classes[0].f1_between):
        assert one.low is not None
        assert one.high is not None
        assert 0 < one.low < one.value < one.high < 1
    assert found.without == int((~HOLDS.any(axis=1)).sum())


def test_average_precision_of_equal_probabilities_is_one_step() -> None:
    holds = np.array([True, False, True, False])
    probabilities = np.array([0.5, 0.5, 0.5, 0.1])
    assert average_precision(probabilities, holds) == pytest.approx(average_precision_score(holds, probabilities))


def test_drawing_a_group_twice_counts_its_pictures_twice() -> None:
    drawn = draws(120, 5, 1)
    found = average_precision_of_draws(PROBABILITIES[:, 0], HOLDS[:, 0], np.arange(120), drawn)
    for times, one in zip(drawn, found, strict=True):
        expected = average_precision_score(HOLDS[:, 0], PROBABILITIES[:, 0], sample_weight=times)
        assert one == pytest.approx(expected)


def test_look_alikes_count_once_in_the_intervals() -> None:
    alone, alike = figures(), figures(groups=np.arange(120) // 4)
    assert (alone.groups, alike.groups) == (120, 30)
    assert alike.accuracy.low is not None
    assert alone.accuracy.low is not None
    assert alike.accuracy.low < alone.accuracy.low
    assert alike.macro_f1 == alone.macro_f1


def test_a_perfect_result_is_not_said_to_be_certain() -> None:
    found = figures(HOLDS.astype(float))
    assert found.macro_f1_between.value == 1
    assert found.macro_f1_between.low is not None
    assert 0.9 < found.macro_f1_between.low < 1
    assert found.left_empty.share == 1


def test_a_label_that_is_not_tested_counts_for_nothing() -> None:
    holds = HOLDS & np.array([True, True, False])
    found = figures(holds=holds)
    assert found.classes[2].count == 0
    assert found.classes[2].curve == []
    assert found.macro_f1 == pytest.approx(f1_score(holds[:, :2], GIVEN[:, :2], average="macro"))
