"""The head that is fitted to a backbone's features."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from model.training import head as module
from model.training.examples import NONE
from model.training.head import Head, fit, numbered, steps


def test_a_head_tells_what_can_be_told_and_counts_its_fits() -> None:
    chance, fits = np.random.default_rng(0), []
    centres = chance.uniform(0, 2, (2, 1280))
    labels = ["a", "b"] * 30
    features = np.stack([centres[i % 2] + chance.normal(0, 0.4, (2, 1280)) for i in range(60)]).clip(0)
    head: Head = fit(features.astype(np.float32), labels, np.arange(60), 1, lambda: fits.append(1))
    assert head.accuracy == 1.0
    assert len(fits) == steps(60)
    assert head.probabilities(features[:, 0]).argmax(axis=1).tolist() == [0, 1] * 30


def test_a_head_is_the_same_however_many_threads_the_machine_has() -> None:
    chance = np.random.default_rng(0)
    labels = ["a", "b", "c"] * 40
    features = chance.uniform(0, 1, (120, 1, 1280)).astype(np.float32)
    heads = []
    for allowed in (1, 2):
        with threadpool_limits(allowed):
            heads.append(fit(features, labels, np.arange(120), 1, lambda: None))
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    assert heads[0].bias.tobytes() == heads[1].bias.tobytes()


def test_labels_with_four_pictures_each_are_enough() -> None:
    features = np.random.default_rng(0).uniform(0, 1, (8, 1, 1280)).astype(np.float32)
    head = fit(features, ["a", "b"] * 4, np.arange(8), 1, lambda: None)
    assert head.probabilities(features[:, 0]).argmax(axis=1).tolist() == [0, 1] * 4


def test_pictures_of_none_of_the_labels_are_learned_and_never_answered() -> None:
    chance = np.random.default_rng(0)
    centres = chance.uniform(0, 2, (3, 1280))
    labels = ["a", "b", NONE] * 30
    features = np.stack([centres[i % 3] + chance.normal(0, 0.4, (1, 1280)) for i in range(90)]).clip(0)
    head = fit(features.astype(np.float32), labels, np.arange(90), 1, lambda: None)
    assert (head.labels, head.has_rest, head.accuracy) == (("a", "b"), True, 1.0)
    found = head.probabilities(features[:, 0])
    assert found.shape == (90, 2)
    assert found[2::3].sum(axis=1).max() < 0.5 < found[:2].max(axis=1).min()
    assert len(head.references.codes) == 60, "what is none of the labels is not what it knows"
    assert head.prices[0].answered > 0.9, "of the pictures that have a label"


def test_none_comes_last() -> None:
    names, numbers = numbered(["b", NONE, "a"])
    assert (names, numbers.tolist()) == (["a", "b", NONE], [1, 2, 0])


def test_few_pictures_are_given_by_their_coordinates_and_the_head_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    centres = chance.uniform(0, 2, (3, 1280))
    features = np.stack([centres[i % 3] + chance.normal(0, 1.5, (2, 1280)) for i in range(90)]).clip(0)
    heads = []
    for few in (2, 1000):
        monkeypatch.setattr(module, "_FEW", few)
        heads.append(fit(features.astype(np.float32), ["a", "b", "c"] * 30, np.arange(90), 1, lambda: None))
    assert heads[0].strength == heads[1].strength
    one, other = (head.probabilities(features[:, 0]) for head in heads)
    np.testing.assert_allclose(one, other, atol=0.01)
