"""The head that gives each label a probability of its own."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from model.training.head import steps
from model.training.several import choose_thresholds, fit, fitted, out_of_fold, pairs

NAMES = ("a", "b", "c")


def pictures(count: int, noise: float = 0.4) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Features of pictures to which each of three labels adds a direction of its own, and their labels."""
    chance = np.random.default_rng(0)
    directions, holds = chance.uniform(0, 1, (3, 1280)), chance.random((count, 3)) < 0.4
    features = 0.5 + holds @ directions + chance.normal(0, noise, (count, 1280))
    labels = [tuple(name for name, own in zip(NAMES, row, strict=True) if own) for row in holds]
    return features.clip(0)[:, None].astype(np.float32), labels


def test_a_head_tells_several_labels_and_counts_its_fits() -> None:
    features, labels = pictures(90)
    fits: list[int] = []
    head = fit(features, labels, np.arange(90), 1, lambda: fits.append(1))
    assert (head.labels, len(fits)) == (NAMES, steps(90))
    said = [
        tuple(name for i, name in enumerate(NAMES) if row[i] >= head.thresholds.of(np.array([i]))[0])
        for row in head.probabilities(features[:, 0])
    ]
    assert said == labels
    assert () in labels, "some pictures have no label at all"
    assert max(map(len, labels)) == 3
    assert head.accuracy > 0.8
    assert [price.target for price in head.prices] == [0.8, 0.9, 0.95, 0.99]


def test_all_labels_in_one_go_are_fitted_as_one_after_the_other() -> None:
    features, labels = pictures(60, noise=1.5)
    holds = np.array([[name in own for name in NAMES] for own in labels])
    weights, bias = fitted(features, holds, 0.03)
    flat = features[:, 0].astype(np.float64)
    mean = flat.mean(axis=0)
    scale = 1 / np.sqrt(((flat - mean) ** 2).mean())
    for number in range(3):
        alone = LogisticRegression(C=0.03, tol=1e-8, max_iter=5000).fit((flat - mean) * scale, holds[:, number])
        expected = alone.decision_function((flat - mean) * scale)
        assert flat @ weights[number] + bias[number] == pytest.approx(expected, abs=0.02)


def test_a_head_is_the_same_however_many_threads_the_machine_has() -> None:
    features, labels = pictures(60)
    heads = []
    for allowed in (1, 2):
        with threadpool_limits(allowed):
            heads.append(fit(features, labels, np.arange(60), 1, lambda: None))
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()


def test_a_picture_counts_as_right_if_all_its_labels_are() -> None:
    features, labels = pictures(90)
    found = out_of_fold(features, labels, np.arange(90), 1, lambda: None)
    assert found.losses.shape == (90,)
    assert 0.8 < found.is_right.mean() <= 1


def test_a_common_label_has_a_threshold_of_its_own() -> None:
    chance = np.random.default_rng(1)
    holds = chance.random((400, 2)) < np.array([0.5, 0.05])
    probabilities = np.clip(np.where(holds, 0.7, 0.3) + chance.normal(0, 0.15, holds.shape), 0, 1)
    groups = np.arange(400)
    answers = pairs(probabilities, holds, groups, np.ones(400, bool))
    chosen = choose_thresholds(answers, holds, groups, 0.9)
    assert set(chosen.own) == {0}, "59 different pictures have it"
    given = answers.given(chosen)
    assert answers.is_right[given].mean() >= 0.9
    assert not choose_thresholds(answers, holds, groups // 20, 0.9).own, "look-alikes count once"
