"""Deals out groups of pictures with several labels so that each part gets its share of each label.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data"): the label
that the fewest open groups have is dealt out first, each of its groups to the part that lacks most of that label.
"""

from collections.abc import Sequence

import numpy as np

_OPEN = -1


def deal(
    holds: np.ndarray, shares: Sequence[float], order: np.ndarray, already: np.ndarray | None = None
) -> np.ndarray:
    """The part int [n] of each of n groups, of which bool [n, labels] says which labels they have.

    `shares` are those of the parts and sum to 1. Groups are dealt out in the `order` int [n], which has each number
    once. `already` int [n] are the parts of those that were dealt out before, and −1 for the others. A group that could
    go to two parts alike goes to the one that lacks more groups of any kind, then to the first.
    """
    parts = np.full(len(holds), _OPEN) if already is None else already.copy()
    lacking = np.outer(shares, holds.sum(axis=0)).astype(float)
    room = np.asarray(shares, float) * len(holds)
    for part in range(len(shares)):
        lacking[part] -= holds[parts == part].sum(axis=0)
        room[part] -= (parts == part).sum()

    def give(number: int, wanted: np.ndarray) -> None:
        # Rounded, since 0.8 × 5 − 3 is not 0.2 × 5 to the last bit.
        part = int(np.lexsort((-room.round(6), -wanted.round(6)))[0])
        parts[number] = part
        lacking[part] -= holds[number]
        room[part] -= 1

    while True:
        is_open = parts == _OPEN
        left = holds[is_open].sum(axis=0)
        if not left.any():
            break
        label = int(np.where(left > 0, left, len(holds) + 1).argmin())
        for number in order[is_open[order] & holds[order, label]].tolist():
            give(number, lacking[:, label])
    for number in order[parts[order] == _OPEN].tolist():
        give(number, room)
    return parts


def folds(holds: np.ndarray, groups: np.ndarray, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(numbers to fit to, numbers to predict) of each of `count` folds of pictures with labels bool [n, labels] and
    group numbers int [n]; a group is never on both sides. There are fewer folds if there are fewer groups."""
    numbers, inside = np.unique(groups, return_inverse=True)
    count = max(2, min(count, len(numbers)))
    order = np.random.default_rng(seed).permutation(len(numbers))
    part = deal(of_groups(holds, inside, len(numbers)), [1 / count] * count, order)[inside]
    return [(np.flatnonzero(part != one), np.flatnonzero(part == one)) for one in range(count)]


def of_groups(holds: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """The labels bool [count, labels] that any picture of each group has, of those of pictures bool [n, labels], whose
    group numbers int [n] go from 0 to `count` − 1."""
    found = np.zeros((count, holds.shape[1]), bool)
    np.logical_or.at(found, groups, holds)
    return found


def holding(labels: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Which of the labels `names` each picture has: bool [n, names]."""
    numbers = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(labels), len(names)), bool)
    for i, own in enumerate(labels):
        found[i, [numbers[label] for label in own if label in numbers]] = True
    return found
