"""Brings pictures that are alike together into groups, pair by pair, without holding all pairs."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


class Groups:
    """Groups of `count` pictures, each alone at first. `of` int [count] are their numbers: 0 for the first picture's
    group, 1 for that of the first picture that is not in it, and so on."""

    def __init__(self, count: int) -> None:
        self.of = np.arange(count)

    def join(self, i: np.ndarray, j: np.ndarray) -> None:
        """Bring the groups of pictures i and j int [n] together, for each pair."""
        one, other = self.of[i], self.of[j]
        is_apart = one != other
        if is_apart.any():
            count = int(self.of.max()) + 1
            edges = np.ones(int(is_apart.sum()), np.int32), (one[is_apart], other[is_apart])
            self.of = connected_components(coo_array(edges, shape=(count, count)), directed=False)[1][self.of]

    def are_apart(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Which pairs of pictures are in two groups, bool [n]."""
        return np.asarray(self.of[i] != self.of[j])

    def copy(self) -> "Groups":
        """The same groups, to join others in."""
        found = Groups(0)
        found.of = self.of
        return found
