"""Tells how far a picture lies from those that a model learned from, so that it can refuse what is unlike all of them.

A model is sure of many pictures of something that it never saw, since its probabilities compare its labels with each
other and with nothing else. The distance to the nearest learned pictures says more (Sun et al. 2022, "Out-of-
distribution detection with deep nearest neighbors").
"""

from dataclasses import dataclass

import numpy as np

from model.training.scratch import blocks
from model.training.threads import one_thread

NEIGHBOURS = 3
MOST = 1000
"""A model file holds the features of so many learned pictures at most, 1.3 kilobytes each."""
KNOWN_WITHIN = 0.95
"""The limit is the distance within which this share of the learned pictures lies, each measured out of fold."""


@dataclass(frozen=True)
class References:
    """Learned pictures with which others are compared: `codes` int8 [n, width] × `scale` are their features less
    `centre` float32 [width], brought to length 1."""

    centre: np.ndarray
    codes: np.ndarray
    scale: float

    def distances(self, taken: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """1 minus the mean cosine to the nearest NEIGHBOURS references, float [n], of features float [n, width], or of
        the pictures `rows` of them."""
        rows = np.arange(len(taken)) if rows is None else rows
        found = np.empty(len(rows))
        with one_thread():
            for block in blocks(len(rows)):
                unit = _of_length_1(taken[rows[block]] - self.centre)
                cosines = unit @ (self.codes.astype(np.float32) * self.scale).T
                found[block] = 1 - np.sort(cosines, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
        return found


def references(taken: np.ndarray, truth: np.ndarray, groups: np.ndarray, rows: np.ndarray | None = None) -> References:
    """References of features float [n, width], or of the pictures `rows` of them: one of each group, and of at most
    MOST as many of each class as can be.

    `truth` and `groups` are class and group numbers int [n].
    """
    rows = np.arange(len(taken)) if rows is None else rows
    first = rows[np.unique(groups[rows], return_index=True)[1]]
    ranks = np.zeros(len(first), int)
    for number in np.unique(truth[first]):
        inside = np.flatnonzero(truth[first] == number)
        ranks[inside] = np.random.default_rng(0).permutation(len(inside))
    chosen = np.sort(first[np.argsort(ranks, kind="stable")[:MOST]])
    centre = np.zeros(taken.shape[1])
    for block in blocks(len(rows)):
        centre += taken[rows[block]].sum(axis=0, dtype=np.float64)
    centre = (centre / len(rows)).astype(np.float32)
    unit = _of_length_1(taken[chosen] - centre)
    scale = max(float(np.abs(unit).max()), 1e-9) / 127
    return References(centre, np.round(unit / scale).astype(np.int8), scale)


def out_of_fold(
    taken: np.ndarray, truth: np.ndarray, groups: np.ndarray, divided: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """How far each picture lies from those of the other folds, float [n]; `divided` holds the numbers of the others and
    of its own for each fold."""
    found = np.zeros(len(truth))
    for train, held in divided:
        found[held] = references(taken, truth, groups, train).distances(taken, held)
    return found


def limit_of(distances: np.ndarray) -> float:
    """The distance beyond which a picture is unlike what was learned, from those of learned pictures float [n]."""
    return round(float(np.quantile(distances, KNOWN_WITHIN)), 6)


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
