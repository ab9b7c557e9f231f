"""A rare label is not missed for being rare, and it is said what to collect."""

import numpy as np

from model.training.imbalance import Balance, choose, shift, warnings


def logits(common: int, rare: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a head that tells two classes apart, but takes the rare one for the common one since it is rare."""
    truth = np.repeat([0, 1], [common, rare])
    chance = np.random.default_rng(0)
    margin = np.where(truth == 0, 3.0, -1.0) + chance.normal(0, 0.4, len(truth)) + 1.5
    return np.stack([margin, np.zeros(len(truth))], axis=1), truth


def test_a_rare_label_gets_weight_where_that_helps() -> None:
    found, truth = logits(140, 8)
    chosen = choose(found, truth, np.arange(148), None)
    assert chosen.chosen is not Balance.NONE
    recall = {one.balance: one.mean_recall for one in chosen.tried}
    assert recall[chosen.chosen] > recall[Balance.NONE] + 0.2
    assert "points below the highest" in chosen.tried[0].sentence()


def test_the_simplest_wins_where_weight_changes_nothing_and_a_person_may_decide() -> None:
    truth = np.repeat([0, 1], [140, 8])
    clear = np.eye(2)[truth] * 20
    assert choose(clear, truth, np.arange(148), None).chosen is Balance.NONE
    assert choose(clear, truth, np.arange(148), Balance.BALANCED).chosen is Balance.BALANCED
    even = np.arange(60) % 2
    assert choose(np.zeros((60, 2)), even, np.arange(60), None).tried == (), "nothing is uneven"


def test_weight_counts_by_the_share_of_pictures() -> None:
    counts = np.array([90, 10])
    assert shift(counts, Balance.NONE).tolist() == [0, 0]
    assert np.ptp(shift(counts, Balance.BALANCED)) == np.log(90) - np.log(10)
    assert np.ptp(shift(counts, Balance.SQUARE_ROOT)) == (np.log(90) - np.log(10)) / 2


def test_a_warning_names_the_label_and_says_what_to_collect() -> None:
    truth = np.repeat([0, 1], [140, 4])
    (said,) = warnings(["cat", "lynx"], truth, np.arange(144), truth == 0)
    assert said.startswith("'lynx' has 4 different pictures to learn from, 'cat' has 140. Of those of 'lynx' 0 %")
    assert "Collect at least 31 more of it" in said
    even = np.arange(80) % 2
    assert warnings(["a", "b"], even, np.arange(80), even == 0) == []
    copies = np.concatenate([np.arange(40), np.full(40, 40)])
    assert warnings(["a", "b"], np.repeat([0, 1], 40), copies, np.ones(80, bool)), "copies of one picture are one"
