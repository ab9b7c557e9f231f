"""Whether the pictures of a day are drawn as those of a baseline are, from how strange each is and how it looks.

Both are ranked together by their strangeness, and the r-th smallest of N counts 1/N + 1/(N-1) + … + 1/(N-r+1), so that
the strangest count most (Savage 1956, "Contributions to the Theory of Rank Order Statistics"). If nothing has changed,
the day's are drawn from all without replacement, whatever the numbers' own distribution is: that gives the moments of
what is computed of them, and a gamma distribution of these the p-value. It holds the chance that lies in the baseline
too.

Strangers are told by more than their number: they look like each other. So where vectors are known, a picture is an
arrow as long as its score, and what counts is how far the sum of the day's arrows lies from what chance would draw. Its
direction is that of the picture's vector less the mean of those with the same label, since a day with more of one label
than usual is no other day.
"""

import math
from collections.abc import Sequence

import numpy as np

FAR_SHARE = 0.1
"""The share of the baseline that is called far."""
ONE_WAY = 0.1
"""All arrows share so much of a direction, so that a day of which all is stranger is told, however it looks; of 0.03,
0.1 and 0.2 it finds most strangers on the sets of bench/drift.py."""
_FEW_OF_A_LABEL = 5
"""The mean of the vectors with a label has so many of the mean of all in it, since that of very few says little."""
_HARDLY_SKEWED = 1e-3


def unlikely(day: np.ndarray, baseline: np.ndarray) -> float:
    """How likely observations float [k, numbers] so strange or more beside those of the baseline [m, numbers] are, if
    all are drawn alike. Of several numbers, what the odds of their ranks multiply to counts."""
    scores = _scores(np.concatenate([baseline, day]))
    of, every = len(day), len(scores)
    apart = scores - scores.mean()
    variance = of * (every - of) / (every - 1) * np.mean(apart**2)
    if variance < 1e-12:
        return 1.0
    third = of * (every - of) * (every - 2 * of) / ((every - 1) * (every - 2)) * np.mean(apart**3)
    return _upper_tail(float(apart[len(baseline) :].sum() / math.sqrt(variance)), float(third / variance**1.5))


def unlike(strangeness: np.ndarray, vectors: np.ndarray, labels: Sequence[str], baseline: int) -> tuple[float, float]:
    """How likely a day so unlike its baseline or more is if all are drawn alike, and the share of the day that lies
    farther out on the way from the baseline to the day than FAR_SHARE of the baseline does.

    `strangeness` float [n, numbers], `vectors` int8 [n, width] and `labels` are of the baseline's observations, of
    which there are so many, and after them of the day's. No observation counts for the way that it is measured along.
    """
    of_day = np.arange(len(strangeness)) >= baseline
    scores = _scores(strangeness).astype(np.float32)
    directions = _directions(vectors, labels)
    alike = (directions @ directions.T + np.float32(ONE_WAY)) * np.outer(scores, scores)
    return _p_of_sum(alike, of_day), _far_share(alike, of_day)


def _scores(numbers: np.ndarray) -> np.ndarray:
    """Savage's score of each of the observations float [n, numbers]: float [n]."""
    every = len(numbers)
    shares = np.stack([_by_rank(column, (np.arange(every) + 0.5) / every) for column in numbers.T])
    strange = np.log(shares / (1 - shares)).sum(axis=0)
    return _by_rank(strange, np.cumsum(1 / np.arange(every, 0, -1.0)))


def _directions(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Vectors int8 [n, width] less the mean of their label, each number by its spread, of length 1: float32."""
    found = _of_length_1(vectors.astype(np.float32))
    found -= found.mean(axis=0)
    _, numbers = np.unique(np.array(labels), return_inverse=True)
    for number in range(int(numbers.max()) + 1):
        inside = numbers == number
        found[inside] -= found[inside].sum(axis=0) / (inside.sum() + _FEW_OF_A_LABEL)
    found /= np.maximum(found.std(axis=0), 1e-6)
    return _of_length_1(found)


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _p_of_sum(alike: np.ndarray, of_day: np.ndarray) -> float:
    """How likely a sum of the day's arrows so long or longer is, from their products float [n, n].

    Mean and variance of its square are those of a draw without replacement. Its skewness is that of a draw of each on
    its own, which differs little and without which the p of a small day, where one arrow can be half of the sum, were
    five times too small.
    """
    means = alike.mean(axis=0)
    centred = alike - means - means[:, None] + means.mean()
    own = np.diag(centred).astype(np.float64)
    others = centred - np.diag(np.diag(centred))
    squared = others * others
    squares = squared.sum(axis=1).astype(np.float64)
    every, of = len(of_day), int(of_day.sum())
    one, two, three, four = np.cumprod([(of - r) / (every - r) for r in range(4)]).tolist()
    total, own_squares = float(own.sum()), float(np.square(own).sum())
    both_squares = float(squares.sum()) + own_squares
    mean = (one - two) * total
    variance = (
        one * own_squares
        + two * (total**2 + 2 * both_squares - 7 * own_squares)
        + three * (12 * own_squares - 2 * total**2 - 4 * both_squares)
        + four * (total**2 + 2 * both_squares - 6 * own_squares)
        - mean**2
    )
    if variance <= 1e-9 * float(np.trace(alike)) ** 2:
        return 1.0
    drawn = np.array([1 - one, -one])  # less their mean: an observation that is drawn, and one that is not
    second, third = (float(one * drawn[0] ** n + (1 - one) * drawn[1] ** n) for n in (2, 3))
    spread = drawn**2 - second
    spread_2, spread_3 = (float(one * spread[0] ** n + (1 - one) * spread[1] ** n) for n in (2, 3))
    cumulant = (
        spread_3 * float((own**3).sum())
        + 6 * third**2 * float(own @ others @ own)
        + 12 * second * spread_2 * float(squares @ own)
        + 8 * second**3 * float(np.vdot(others @ others, others))
        + 4 * third**2 * float(np.vdot(squared, others))
    )
    found = float(centred[np.ix_(of_day, of_day)].sum(dtype=np.float64))
    return _upper_tail((found - mean) / math.sqrt(variance), cumulant / variance**1.5)


def _far_share(alike: np.ndarray, of_day: np.ndarray) -> float:
    others = alike - np.diag(np.diag(alike))
    of, before = int(of_day.sum()), int((~of_day).sum())
    way = others[:, of_day].sum(axis=1) / (of - of_day) - others[:, ~of_day].sum(axis=1) / (before - ~of_day)
    return float((way[of_day] > np.sort(way[~of_day])[-far_of(before)]).mean())


def far_of(baseline: int) -> int:
    """How many of so many observations are called far."""
    return max(1, int(baseline * FAR_SHARE))


def _upper_tail(z: float, skewness: float) -> float:
    """How likely a gamma distribution of this skewness, mean 0 and variance 1 goes beyond `z` (Wilson and Hilferty
    1931)."""
    if abs(skewness) > _HARDLY_SKEWED:
        root = max(0.0, skewness * z / 2 + 1) ** (1 / 3)
        z = 6 / skewness * (root - 1) + skewness / 6
    return math.erfc(z / math.sqrt(2)) / 2


def _by_rank(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each number the value [n] of its rank, the smallest first; the same numbers have the mean of theirs."""
    _, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ordered = np.empty(len(numbers))
    ordered[np.argsort(numbers, kind="stable")] = values
    return np.asarray((np.bincount(which, ordered) / counts)[which])
