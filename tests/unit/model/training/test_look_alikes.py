"""Which pictures look alike: the threshold follows from the data."""

import numpy as np
import pytest

from model.training import look_alikes
from model.training.look_alikes import SAMPLE, alike, choose, looks, packed, unpacked


def made(count: int, seed: int = 0) -> np.ndarray:
    """Features of pictures that have little in common."""
    return np.random.default_rng(seed).gamma(0.5, 1.0, (count, 1280))


def copies_of(features: np.ndarray, change: float, seed: int = 1) -> np.ndarray:
    """Each three times, changed a little."""
    chance = np.random.default_rng(seed)
    return features[:, None] * np.exp(chance.normal(0, change, (len(features), 3, 1280)))


def chosen(features: np.ndarray, change: float, labels: list[str] | None = None) -> tuple[float, float, int]:
    """The threshold, the share that is recognised, and how many pairs there are."""
    sample = list(range(SAMPLE))
    copies = looks(copies_of(features[sample], change))
    found = looks(features)
    similarity = choose(found, sample, copies, labels or ["a"] * len(features))
    return similarity.threshold, similarity.recognised, sum(len(i) for i, _ in alike(found, found, similarity))


def test_all_altered_copies_are_recognised_and_no_other_picture() -> None:
    slight, strong = chosen(made(100), 0.3), chosen(made(100), 1.0)
    assert slight[0] > strong[0] > 0.4
    assert (slight[1], slight[2]) == (strong[1], strong[2]) == (1.0, 0)


def test_what_is_less_similar_than_all_copies_counts_if_it_agrees() -> None:
    """A copy that differs more than those by which the threshold was chosen, and two pictures of one kind."""
    features = made(60)
    features[40] = copies_of(features[:1], 1.4)[0, 0]
    features[50] = copies_of(features[1:2], 1.4)[0, 0]
    found, sample = looks(features), list(range(2, 2 + SAMPLE))
    copies = looks(copies_of(features[sample], 0.5))

    def agree(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return np.asarray((i == 0) & (j == 40))

    similarity = choose(found, sample, copies, ["a"] * 60, agree=agree)
    assert similarity.lowest is not None
    assert similarity.lowest < similarity.threshold
    pairs = [(i.tolist(), j.tolist()) for i, j in alike(found, found, similarity, agree=agree) if len(i)]
    assert pairs == [([0], [40])]
    assert not sum(len(i) for i, _ in alike(found, found, similarity))
    assert similarity.sentence().startswith(
        f"Pictures count as look-alikes from a similarity of {similarity.threshold:.2f} on, and from "
        f"{similarity.lowest:.2f} on if they agree when laid over each other; of copies"
    )


def test_where_all_agree_chains_keep_the_lower_threshold_up() -> None:
    steps = made(120)
    chain = steps + 0.8 * np.roll(steps, 1, axis=0)
    found, sample = looks(chain), list(range(SAMPLE))
    copies = looks(copies_of(chain[sample], 0.2))
    similarity = choose(found, sample, copies, ["a"] * 120, agree=lambda i, j: np.ones(len(i), bool))
    assert similarity.lowest is not None
    assert similarity.lowest > look_alikes._LOWEST_AGREEING
    links = sum(len(i) for i, _ in alike(found, found, similarity, agree=lambda i, j: np.ones(len(i), bool)))
    assert links < 60, "less than half of the chain's 120"


def test_few_pairs_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are most similar."""
    features = made(1) * np.exp(np.random.default_rng(2).normal(0, 0.8, (200, 1280)))
    found, sample, asked = looks(np.concatenate([features, made(200, seed=3)])), list(range(SAMPLE)), list[int]()
    monkeypatch.setattr(look_alikes, "_MOST_CHECKED", 20)

    def agree(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        asked.append(len(i))
        return np.zeros(len(i), bool)

    similarity = choose(found, sample, looks(copies_of(features[sample], 0.1)), ["a"] * 400, agree=agree)
    assert asked == [20]
    assert similarity.lowest is not None
    assert similarity.lowest > look_alikes._LOWEST_AGREEING


def test_bursts_are_found() -> None:
    features = made(60)
    burst = copies_of(features[:10], 0.3, seed=5).reshape(30, 1280)
    _, recognised, pairs = chosen(np.concatenate([features, burst]), 0.6)
    assert (recognised, pairs) == (1.0, 10 * 6)


def test_chains_raise_the_threshold() -> None:
    """Each picture resembles the next, and none the one after that: one group of all would be no group."""
    steps = made(120)
    chain = steps + np.roll(steps, 1, axis=0)
    threshold, recognised, _ = chosen(chain, 1.4)
    assert threshold > 0.45
    assert recognised < 1.0, "and it is said"


def test_labels_that_tell_apart_what_is_more_alike_than_copies_raise_the_threshold() -> None:
    """A camera that never moves: the gate is open or closed, and all else is the same in each picture."""
    base, chance = made(1), np.random.default_rng(2)
    features = base * np.exp(chance.normal(0, 0.1, (80, 1280)))
    features[40:, :100] *= 3
    features = np.concatenate([features, made(20, seed=9)])
    labels = ["open"] * 40 + ["closed"] * 40 + ["other"] * 20
    with_labels, without = chosen(features, 1.0, labels), chosen(features, 1.0)
    assert with_labels[0] >= without[0]


def test_pairs_are_the_same_however_many_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    features = made(60)
    found = looks(np.concatenate([features, copies_of(features[:10], 0.3, seed=5).reshape(30, 1280)]))
    similarity = choose(found, list(range(SAMPLE)), looks(copies_of(made(SAMPLE), 0.6)), ["a"] * 90)

    def pairs(these: np.ndarray, those: np.ndarray) -> set[tuple[int, int]]:
        parts = alike(these, those, similarity)
        return {pair for i, j in parts for pair in zip(i.tolist(), j.tolist(), strict=True)}

    whole, crossed = pairs(found, found), pairs(found[:40], found[40:])
    monkeypatch.setattr(look_alikes, "_ROWS", 7)
    monkeypatch.setattr(look_alikes, "_COLUMNS", 11)
    assert pairs(found, found) == whole
    assert pairs(found[:40], found[40:]) == crossed
    again = choose(found, list(range(SAMPLE)), looks(copies_of(made(SAMPLE), 0.6)), ["a"] * 90)
    assert again.threshold == similarity.threshold
    assert len(whole) == 60


def test_where_nearly_all_are_alike_few_pairs_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one wall: each resembles each."""
    features = made(1) * np.exp(np.random.default_rng(2).normal(0, 0.1, (300, 1280)))
    monkeypatch.setattr(look_alikes, "_ROWS", 10)
    monkeypatch.setattr(look_alikes, "_MOST_PER_PICTURE", 3)
    i, _, similar, lowest = look_alikes._above(looks(features), 0.5)
    assert 0 < len(i) <= 300 * 3
    assert similar.min() >= lowest > 0.5


def test_a_look_is_kept_in_few_bytes() -> None:
    found = looks(made(20))
    assert [len(packed(look)) for look in found] == [1280] * 20
    for look in found:
        assert float(unpacked(packed(look)) @ look) == pytest.approx(1, abs=2e-3)
