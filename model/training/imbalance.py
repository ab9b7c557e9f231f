"""Keeps rare labels from being missed: chooses whether they get more weight, and says what to collect.

The weight is given to the fitted head: for each label the logarithm of its share, or half of that, is taken from its
logit (Menon et al. 2021, "Long-tail learning via logit adjustment"). It does what weights in the loss are meant to do;
these do little to a head that can tell its few learned pictures apart anyway.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np

from imagestore.proportion import percent

_UNEVEN = 2.0
"""If no label has so many times the pictures of another, nothing is tried."""
_WIDTH = 2 * 1.96
"""Of a 95 % interval, in standard errors."""
_RARE_SHARE, _FEW, _ENOUGH = 0.25, 10, 20


class Balance(StrEnum):
    """How much more a picture of a rare label counts: not at all, by the square root of how rare it is, or fully."""

    NONE = "none"
    SQUARE_ROOT = "sqrt"
    BALANCED = "balanced"


_POWERS = {Balance.NONE: 0.0, Balance.SQUARE_ROOT: 0.5, Balance.BALANCED: 1.0}


@dataclass(frozen=True)
class TriedBalance:
    """Mean recall over the labels and accuracy, out of fold, and by how much the mean recall lies below the highest,
    with the 95 % interval of the difference."""

    balance: Balance
    mean_recall: float
    accuracy: float
    below: float
    low: float
    high: float

    def sentence(self) -> str:
        """The trial in one line."""
        found = f"mean recall {percent(self.mean_recall, 1)}, accuracy {percent(self.accuracy, 1)}"
        between = f"{100 * self.below:.1f} points below the highest ({100 * self.low:+.1f} to {100 * self.high:+.1f})"
        return f"Weight of rare labels '{self.balance}': {found}; mean recall {between}"


@dataclass(frozen=True)
class Balancing:
    """The weight that rare labels get, and all that was tried."""

    chosen: Balance = Balance.NONE
    tried: tuple[TriedBalance, ...] = ()


def shift(counts: np.ndarray, balance: Balance) -> np.ndarray:
    """What is taken from the logits, float [classes], of classes with so many pictures int [classes]."""
    return np.asarray(_POWERS[balance] * np.log(np.maximum(counts, 1) / counts.mean()))


def choose(logits: np.ndarray, truth: np.ndarray, groups: np.ndarray, held: Balance | None) -> Balancing:
    """Choose the weight by the mean recall of logits float [n, classes] that are out of fold.

    The simplest wins whose mean recall lies within one standard error of the highest (Breiman et al. 1984), in which a
    group counts as one: with the whole 95 % interval the few pictures of a rare label would hardly ever change it.
    """
    counts = np.bincount(truth, minlength=logits.shape[1])
    if held is not None:
        return Balancing(held)
    if counts.max() < _UNEVEN * counts.min():
        return Balancing()
    right = {one: (logits - shift(counts, one)).argmax(axis=1) == truth for one in Balance}
    recall = {one: _mean_recall(found, truth) for one, found in right.items()}
    highest = max(Balance, key=lambda one: recall[one])
    tried = []
    for one, found in right.items():
        below, low, high = _difference(right[highest], found, truth, groups)
        tried.append(TriedBalance(one, recall[one], float(found.mean()), below, low, high))
    return Balancing(
        next(one.balance for one in tried if one.balance is highest or one.below <= (one.high - one.low) / _WIDTH),
        tuple(tried),
    )


def warnings(names: list[str], truth: np.ndarray, groups: np.ndarray, is_right: np.ndarray) -> list[str]:
    """A sentence for each label with far fewer different pictures than the others have, and what to collect.

    `truth`, `groups` and `is_right` [n] are class and group numbers, and which answers out of fold are right.
    """
    pairs = np.unique(np.stack([truth, groups]), axis=1)[0]
    counts = np.bincount(pairs, minlength=len(names))
    return sentences(names, counts, [float(is_right[truth == number].mean()) for number in range(len(names))])


def sentences(names: list[str], counts: np.ndarray, shares: list[float]) -> list[str]:
    """The same, of the numbers int [labels] of different pictures, and of the shares that are recognised out of
    fold."""
    usual = float(np.median(counts)) if len(counts) > 2 else float(counts.max())
    most = int(counts.argmax())
    said = []
    for number, count in enumerate(counts.tolist()):
        if count >= max(_FEW, _RARE_SHARE * usual) or count > _RARE_SHARE * counts[most]:
            continue
        more = max(_ENOUGH, ceil(_RARE_SHARE * usual)) - count
        found = percent(shares[number])
        said.append(
            f"'{names[number]}' has {count} different pictures to learn from, '{names[most]}' has {counts[most]}. "
            f"Of those of '{names[number]}' {found} are recognised out of fold. Collect at least {more} more of it, of "
            "other things of this kind, in other light, from other sides; copies of those that are there do not help."
        )
    return said


def _mean_recall(is_right: np.ndarray, truth: np.ndarray) -> float:
    counts = np.bincount(truth)
    return float((np.bincount(truth, weights=is_right)[counts > 0] / counts[counts > 0]).mean())


def _difference(
    one: np.ndarray, other: np.ndarray, truth: np.ndarray, groups: np.ndarray
) -> tuple[float, float, float]:
    """By how much the mean recall of `one` lies above that of `other`, with its 95 % interval."""
    counts = np.bincount(truth)
    gain = one.astype(float) - other
    by_class = np.bincount(truth, weights=gain) / np.maximum(counts, 1)
    classes = int((counts > 0).sum())
    parts = (gain - by_class[truth]) / counts[truth] / classes
    around = 1.96 * float(np.sqrt((np.bincount(np.unique(groups, return_inverse=True)[1], weights=parts) ** 2).sum()))
    mean = float(by_class.sum()) / classes
    return mean, mean - around, mean + around
