"""Chooses, of the pictures that a version learned from, those whose vectors are kept beside it."""

import numpy as np

from classify import Vector
from imagestore.store.learned import MOST, Learned, LearnedPicture
from model.training.examples import Example


def learned_pictures(
    examples: list[Example], features: np.ndarray, groups: np.ndarray, backbone: str, most: int = MOST
) -> Learned:
    """The vectors of `examples`, of features float [n, width]: of all, or, where there are more than `most`, of one of
    each group, as many of each label as can be. `groups` are group numbers int [n]; the same input gives the same
    choice.
    """
    chosen = np.arange(len(examples))
    if len(examples) > most:
        first = np.unique(groups, return_index=True)[1]
        ranks, seen = np.zeros(len(first), int), dict[tuple[str, ...], int]()
        for i in np.random.default_rng(0).permutation(len(first)):
            labels = examples[first[i]].labels
            ranks[i] = seen.get(labels, 0)
            seen[labels] = ranks[i] + 1
        chosen = np.sort(first[np.argsort(ranks, kind="stable")[:most]])
    pictures = []
    for row in chosen:
        vector = Vector.of(features[row], backbone)
        if vector is not None:
            pictures.append(LearnedPicture(examples[row].sha256, tuple(examples[row].labels), vector.codes))
    return Learned(backbone, tuple(pictures))
