"""Finds pictures that look mislabelled, by confident learning (Northcutt, Jiang and Chuang 2021).

A picture counts as one of the likeliest label whose probability out of fold is at least as high as it is on average of
the pictures that have that label. How many of those that have a label count as ones of another tells how many are
mislabelled, and these are looked for among those to which another label is given more clearly than their own. So no
label is doubted for the sole reason that the head is bad at it, or too sure of it.
"""

from dataclasses import dataclass

import numpy as np

_LIKELY = 0.5


@dataclass(frozen=True)
class Doubted:
    """Pictures whose labels are in doubt, the most doubtful first: their numbers int [k], which labels they should
    perhaps have instead bool [k, labels], and the probabilities float [k] of what they have and of that."""

    numbers: np.ndarray
    perhaps: np.ndarray
    probability: np.ndarray
    instead: np.ndarray


def of_one_label(probabilities: np.ndarray, truth: np.ndarray) -> Doubted:
    """The doubtful ones of pictures with class numbers int [n] and probabilities out of fold float [n, classes]."""
    count, classes = probabilities.shape
    everyone = np.arange(count)
    own = probabilities[everyone, truth]
    others = np.where(truth[:, None] == np.arange(classes), -1.0, probabilities)
    best = others.argmax(axis=1)
    margin = own - others.max(axis=1)
    wrong = np.argsort(margin, kind="stable")[: _count_wrong(probabilities, truth)]
    wrong = wrong[margin[wrong] < 0]
    perhaps = best[wrong][:, None] == np.arange(classes)
    return Doubted(wrong, perhaps, own[wrong], probabilities[wrong, best[wrong]])


def _count_wrong(probabilities: np.ndarray, truth: np.ndarray) -> int:
    """About how many are mislabelled: of each label the share that counts as ones of another, of those that count."""
    classes = probabilities.shape[1]
    counts = np.bincount(truth, minlength=classes)
    usual = np.array([probabilities[truth == one, one].mean() if counts[one] else np.inf for one in range(classes)])
    among = np.where(probabilities >= usual, probabilities, -1.0)
    does_count, taken_for = among.max(axis=1) >= 0, among.argmax(axis=1)
    counting = np.bincount(truth[does_count], minlength=classes)
    wrong = np.bincount(truth[does_count & (taken_for != truth)], minlength=classes)
    return round(float((counts * wrong / np.maximum(counting, 1)).sum()))


def of_several(probabilities: np.ndarray, holds: np.ndarray) -> Doubted:
    """The doubtful ones of pictures with labels bool [n, labels] and probabilities out of fold float [n, labels]. Each
    label is doubted for itself, whether it holds or not; the probabilities are those of the most doubtful one."""
    own = np.where(holds, probabilities, 1 - probabilities)
    has = np.where(holds.any(axis=0), (probabilities * holds).sum(axis=0) / np.maximum(holds.sum(axis=0), 1), np.inf)
    lacks = ((1 - probabilities) * ~holds).sum(axis=0) / np.maximum((~holds).sum(axis=0), 1)
    lacks = np.where((~holds).any(axis=0), lacks, np.inf)
    is_doubted = ((1 - own) >= np.where(holds, lacks, has)) & (own < _LIKELY)
    found = np.flatnonzero(is_doubted.any(axis=1))
    least = np.where(is_doubted[found], own[found], np.inf).min(axis=1)
    order = np.argsort(least, kind="stable")
    found, least = found[order], least[order]
    return Doubted(found, holds[found] ^ is_doubted[found], least, 1 - least)
