"""Groups with several labels are dealt out so that each part has its share of each label."""

import numpy as np

from model.training.stratify import deal, folds, holding

CHANCE = np.random.default_rng(4)
HOLDS = CHANCE.random((200, 6)) < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.03])


def test_each_part_gets_its_share_of_each_label() -> None:
    parts = deal(HOLDS, (0.8, 0.2), CHANCE.permutation(200))
    assert 36 <= (parts == 1).sum() <= 44
    for label in HOLDS.T:
        assert abs(int(label[parts == 1].sum()) - 0.2 * label.sum()) <= 1.5


def test_five_groups_of_a_rare_label_leave_one_to_test_with() -> None:
    holds = np.zeros((100, 2), bool)
    holds[:, 0] = True
    holds[40:45, 1] = True
    parts = deal(holds, (0.8, 0.2), np.arange(100))
    assert int((parts[40:45] == 1).sum()) == 1
    assert int((parts == 1).sum()) == 20


def test_what_was_dealt_before_stays_and_counts() -> None:
    before = np.full(200, -1)
    before[:60] = 1
    parts = deal(HOLDS, (0.8, 0.2), np.arange(200), before)
    assert (parts[:60] == 1).all()
    common = HOLDS[:, 0]
    more = int((parts[60:][common[60:]] == 1).sum())
    assert more <= 2, "of the commonest label more than a fifth tests already; a rarer one may need a picture still"


def test_no_group_is_on_both_sides_of_a_fold() -> None:
    groups = np.arange(200) // 4
    found = folds(HOLDS, groups, 5, 1)
    assert len(found) == 5
    assert np.array_equal(np.sort(np.concatenate([held for _, held in found])), np.arange(200))
    for train, held in found:
        assert not set(groups[train]) & set(groups[held])
        assert abs(HOLDS[held, 0].sum() - HOLDS[:, 0].sum() / 5) <= 6
    again = folds(HOLDS, groups, 5, 1)
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(found, again, strict=True))


def test_labels_that_nobody_asks_for_are_left_out() -> None:
    assert holding([("a", "z"), ()], ("a", "b")).tolist() == [[True, False], [False, False]]
