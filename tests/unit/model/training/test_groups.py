"""Pictures that are alike come together, through others too, and groups are numbered as their first pictures lie."""

import numpy as np

from model.training.groups import Groups


def joined(count: int, *pairs: tuple[int, int]) -> Groups:
    groups = Groups(count)
    for i, j in pairs:
        groups.join(np.array([i]), np.array([j]))
    return groups


def test_groups_do_not_depend_on_the_order_of_the_pairs() -> None:
    pairs = [(5, 1), (3, 4), (4, 5), (7, 7), (1, 5)]
    expected = [0, 1, 2, 1, 1, 1, 3, 4]
    assert joined(8, *pairs).of.tolist() == joined(8, *pairs[::-1]).of.tolist() == expected
    together = Groups(8)
    together.join(*np.array(pairs).T)
    assert together.of.tolist() == expected


def test_a_pair_that_comes_very_often_is_one() -> None:
    groups = Groups(2)
    groups.join(np.zeros(65536, int), np.ones(65536, int))
    assert groups.of.tolist() == [0, 0]


def test_those_that_are_joined_to_a_copy_stay_apart_in_the_first() -> None:
    groups = joined(3, (0, 1))
    more = groups.copy()
    more.join(np.array([1]), np.array([2]))
    assert (groups.of.tolist(), more.of.tolist()) == ([0, 0, 1], [0, 0, 0])
    assert groups.are_apart(np.array([0, 0]), np.array([1, 2])).tolist() == [False, True]
