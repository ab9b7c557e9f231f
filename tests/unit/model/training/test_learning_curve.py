"""Whether more pictures would help, as it is measured."""

import numpy as np

from imagestore.store.labelling import LearningCurve
from model.training import learning_curve, stratify
from model.training.learning_curve import Fitting

SEED = 3


def measured(recalls: dict[int, float], count: int = 600, labels: int = 3, copies: int = 1) -> LearningCurve | None:
    """The curve of heads that recognise a share of the pictures which depends on how many they learned from."""
    chance = np.random.default_rng(1)
    holds = np.eye(labels, dtype=bool)[np.arange(count) % labels]
    groups = np.arange(count) // (copies * labels)
    luck = chance.random(count)

    def logits(rows: np.ndarray, held: np.ndarray, strength: float) -> np.ndarray:
        assert not set(groups[rows]) & set(groups[held]), "no look-alike is on both sides"
        assert holds[rows].any(axis=0).all(), "each label keeps its share"
        return np.where(luck[held] < recalls[round(len(rows) / count * 10)] * strength, 1.0, -1.0)[:, None]

    def found(said: np.ndarray) -> np.ndarray:
        hits = holds & (said > 0)
        return np.concatenate([hits, hits.any(axis=1, keepdims=True)], axis=1)

    divided = stratify.folds(holds, groups, 5, SEED)
    steps: list[int] = []
    fitting = Fitting((0.5, 1.0), logits, found, lambda said: -float(said.mean()))
    whole = found(np.where(luck < recalls[8], 1.0, -1.0)[:, None])
    names = ["a", "b", "c"][:labels]
    curve = learning_curve.measure(holds, groups, divided, names, whole, fitting, SEED, lambda: steps.append(1))
    assert len(steps) == learning_curve.steps(holds, groups, divided, 2)
    return curve


def test_it_says_by_how_much_accuracy_rose_with_the_last_doubling() -> None:
    curve = measured({1: 0.5, 2: 0.6, 4: 0.7, 8: 0.8})
    assert curve is not None
    assert [point.pictures for point in curve.points] == [60, 120, 240, 480]
    assert abs(curve.points[-1].accuracy.value - 0.8) < 0.05
    assert curve.rise.low < 0.1 < curve.rise.high
    assert curve.sentence.startswith("From 240 to 480 pictures accuracy rose by ")
    assert "would help" in curve.sentence


def test_where_nothing_rises_more_of_the_same_would_add_little() -> None:
    curve = measured(dict.fromkeys((1, 2, 4, 8), 0.9))
    assert curve is not None
    assert curve.sentence == (
        "From 240 to 480 pictures accuracy rose by 0.0 points (+0.0 to +0.0): more of the same kind would add little."
    )


def test_look_alikes_count_as_one_in_its_intervals() -> None:
    alone, alike = measured({1: 0.5, 2: 0.6, 4: 0.7, 8: 0.8}), measured({1: 0.5, 2: 0.6, 4: 0.7, 8: 0.8}, copies=4)
    assert alone is not None
    assert alike is not None
    assert alike.rise.high - alike.rise.low != alone.rise.high - alone.rise.low


def test_too_few_pictures_have_no_curve() -> None:
    assert measured({1: 0.5, 2: 0.5, 4: 0.5, 8: 0.5}, count=12) is None
