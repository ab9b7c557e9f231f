"""Fitted a block of pictures at a time, a head is the one that is fitted to all at once."""

import numpy as np
import pytest

from model.training import head, in_blocks, several
from model.training.scratch import BLOCK

COUNT, WIDTH, VIEWS = 300, 40, 2
ROWS = np.arange(0, COUNT, 2)


@pytest.fixture
def roots() -> np.ndarray:
    """Features float32 [COUNT, VIEWS, WIDTH] in which each class has more of its own."""
    chance = np.random.default_rng(0)
    own = np.eye(5, WIDTH)[np.arange(COUNT) % 5, None] * 0.8
    return (np.abs(chance.normal(0.5, 0.4, (COUNT, VIEWS, WIDTH))) + own).astype(np.float32)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Blocks of few pictures, as if there were many."""
    monkeypatch.setattr(in_blocks, "AT_ONCE", 0)
    monkeypatch.setattr(in_blocks, "_ROWS", 17)
    return monkeypatch


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("strength", [0.003, 0.3])
def test_of_one_label(roots: np.ndarray, many: pytest.MonkeyPatch, classes: int, strength: float) -> None:
    truth = np.arange(COUNT) % 5 % classes
    apart = head.fitted(roots, truth, strength, classes + 1, ROWS)
    many.setattr(in_blocks, "AT_ONCE", 10**9)
    together = head.fitted(roots, truth, strength, classes + 1, ROWS)
    assert apart[0] == pytest.approx(together[0], abs=0.002 * np.abs(together[0]).max())
    assert apart[1] == pytest.approx(together[1], abs=0.002)
    assert apart[1][classes] == -30, "a class of which none is there is never likely"


def test_of_several_labels(roots: np.ndarray, many: pytest.MonkeyPatch) -> None:
    holds = np.stack([np.arange(COUNT) % 5 == 0, np.arange(COUNT) % 5 < 3], axis=1)
    apart = several.fitted(roots, holds, 0.03, ROWS)
    many.setattr(in_blocks, "AT_ONCE", 10**9)
    together = several.fitted(roots, holds, 0.03, ROWS)
    assert apart[0] == pytest.approx(together[0], abs=0.002 * np.abs(together[0]).max())
    assert apart[1] == pytest.approx(together[1], abs=0.002)


def test_it_is_the_same_every_time(roots: np.ndarray, many: pytest.MonkeyPatch) -> None:
    truth = np.arange(COUNT) % 5
    first, second = (head.fitted(roots, truth, 0.03, 5, ROWS) for _ in range(2))
    assert (first[0].tobytes(), first[1].tobytes()) == (second[0].tobytes(), second[1].tobytes())


def test_a_small_training_does_not_go_through_blocks(roots: np.ndarray) -> None:
    assert not in_blocks.is_needed(10_000, np.zeros((1, 1, 1280), np.float32))
    assert in_blocks.is_needed(30_000, np.zeros((1, 1, 1280), np.float32))
    assert BLOCK > 10_000, "nor is anything that it sums"


def test_predictions_are_those_of_the_first_views(roots: np.ndarray, many: pytest.MonkeyPatch) -> None:
    weights, bias = np.random.default_rng(1).normal(0, 1, (3, WIDTH)), np.arange(3.0)
    assert in_blocks.predicted(roots, ROWS, weights, bias) == pytest.approx(roots[ROWS, 0] @ weights.T + bias)
