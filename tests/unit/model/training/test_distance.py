"""How far a picture lies from what was learned."""

import numpy as np
import pytest

from model.training import distance
from model.training.distance import limit_of, references


def clouds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of pictures of three classes, and their class numbers."""
    chance, truth = np.random.default_rng(seed), np.arange(90) % 3
    return np.eye(3, 64, dtype=np.float32)[truth] * 3 + chance.normal(0, 0.2, (90, 64)).astype(np.float32), truth


def test_another_kind_of_picture_lies_farther_than_those_that_were_learned() -> None:
    taken, truth = clouds(0)
    found = references(taken, truth, np.arange(90))
    limit = limit_of(found.distances(clouds(1)[0]))
    others = np.eye(64, dtype=np.float32)[10:20] * 3
    assert (found.distances(clouds(2)[0]) <= limit).mean() > 0.8
    assert (found.distances(others) > limit).all()


def test_one_picture_stands_for_those_that_look_like_it_and_each_class_has_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken, truth = clouds(0)
    assert len(references(taken, truth, np.arange(90) // 3).codes) == 30
    monkeypatch.setattr(distance, "MOST", 9)
    rare_last = np.where(np.arange(90) < 86, 0, 1)
    codes = references(taken, rare_last, np.arange(90)).codes
    assert len(codes) == 9
    last = references(taken[86:], rare_last[86:], np.arange(4))
    assert len(last.codes) == 4, "all of a rare class"
