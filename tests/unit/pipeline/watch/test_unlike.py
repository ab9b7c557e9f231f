"""How likely a day so strange is if nothing has changed: as rare as it says, whatever the distribution."""

import math

import numpy as np
import pytest

from imagestore.pipeline.watch.drift import BASELINE, P_LIMIT
from imagestore.pipeline.watch.unlike import FAR_SHARE, unlike, unlikely


def test_the_p_value_is_as_rare_as_it_says_whatever_the_distribution() -> None:
    """Counted over quiet days, each with a baseline of its own."""
    chance, count = np.random.default_rng(3), 1000
    for of in (20, 200):
        found = np.array(
            [
                unlikely(chance.pareto(2, (of, 2)), chance.pareto(2, (BASELINE, 2)))  # with a tail beyond all others
                for _ in range(count)
            ]
        )
        for limit in (0.5, 0.1, 0.01):
            assert (found <= limit).mean() == pytest.approx(limit, abs=4 * math.sqrt(limit / count)), (of, limit)
        assert (found <= P_LIMIT).mean() <= 2 / count


def test_what_both_numbers_tell_together_is_told_sooner_than_by_either() -> None:
    chance = np.random.default_rng(4)
    before, day = chance.normal(0, 1, (BASELINE, 2)), chance.normal(0, 1, (200, 2))
    day[:40] += 1.5
    both = unlikely(day, before)
    assert both < P_LIMIT
    assert both < min(unlikely(day[:, :1], before[:, :1]), unlikely(day[:, 1:], before[:, 1:]))


def test_numbers_that_are_all_the_same_tell_nothing() -> None:
    assert unlikely(np.ones((30, 1)), np.ones((BASELINE, 1))) == 1.0
    ties = unlikely(np.repeat([0.0, 1.0], 100)[:, None], np.repeat([0.0, 1.0], 250)[:, None])
    assert ties == pytest.approx(0.5, abs=0.02)


def of_both(chance: np.random.Generator, day: int, baseline: int = BASELINE) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with a tail beyond all others, and vectors that go with them."""
    strangeness = chance.pareto(2, (baseline + day, 2))
    vectors = chance.normal(0, np.linspace(5, 40, 64), (baseline + day, 64)) + strangeness[:, :1]
    return strangeness, vectors.clip(-127, 127).astype(np.int8)


@pytest.mark.parametrize("day", [20, 200])
def test_with_vectors_it_is_as_rare_as_it_says(day: int) -> None:
    chance, count = np.random.default_rng(8), 300
    found = []
    for _ in range(count):
        strangeness, vectors = of_both(chance, day)
        found.append(unlike(strangeness, vectors, ["a", "b", "c", "d"] * ((BASELINE + day) // 4), BASELINE)[0])
    for limit in (0.5, 0.1, 0.01):
        rare = float((np.array(found) <= limit).mean())
        assert rare == pytest.approx(limit, abs=4 * math.sqrt(limit / count)), limit
    assert (np.array(found) <= P_LIMIT).mean() <= 3 / count


def test_on_a_quiet_day_as_many_are_far_as_in_the_baseline() -> None:
    chance = np.random.default_rng(9)
    shares = [unlike(*of_both(chance, 200), ["a"] * 700, BASELINE)[1] for _ in range(100)]
    assert np.mean(shares) == pytest.approx(FAR_SHARE, abs=0.02)


def test_a_day_of_which_all_is_stranger_is_told_however_it_looks() -> None:
    chance = np.random.default_rng(11)
    strangeness, vectors = of_both(chance, 100)
    strangeness[BASELINE:] += 2
    assert unlike(strangeness, vectors, ["a"] * 600, BASELINE)[0] < 1e-6


def test_pictures_that_are_all_the_same_are_not_unlike() -> None:
    p, _ = unlike(np.ones((130, 2)), np.ones((130, 8), dtype=np.int8), ["a"] * 130, 100)
    assert p == 1.0
