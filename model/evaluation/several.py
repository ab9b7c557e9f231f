"""Computes how good a model is that gives each label a probability of its own: figures with 95 % intervals.

What it is judged by are the labels that it gives, as a record has them: those whose probability reaches the threshold,
unless the picture is unlike all that it learned from. Average precision alone knows no threshold: it asks whether the
pictures of a label have higher probabilities than the others.
"""

from dataclasses import dataclass

import numpy as np

from imagestore.proportion import Share, wilson
from model.evaluation.metrics import FEWEST_FOR_INTERVAL, Bin, by_group, reliability

ROUNDS = 1000
SEVERAL = "several"
_AT_ONCE = 100
_POINTS = 60
"""A curve is thinned to about so many points."""


@dataclass(frozen=True)
class Between:
    """A figure from 0 to 1 with its 95 % interval, by drawing groups of pictures; without one if there are too few."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LabelFigures:
    """How good a model is on one label, which `count` test pictures have.

    `curve` is for a plot: (threshold, recall, precision), the highest threshold first.
    """

    label: str
    count: int
    precision: Share
    recall: Share
    f1: float
    f1_between: Between
    average_precision: Between
    threshold: float
    curve: list[tuple[float, float, float]]


@dataclass(frozen=True)
class SeveralMetrics:
    """All figures of an evaluation of a model that knows several labels a picture.

    `accuracy` is the share of pictures on which all labels are right, neither one too many nor one too few. The macro
    figures are means over the labels that are tested, and the micro ones count all labels of all pictures together.
    `without` is how many pictures have no label, and `left_empty` the share of those to which none is given. `groups`
    is how many pictures there are if those that look alike count once, as they do in all intervals. `reliability` is
    that of each label of each picture.
    """

    labels: list[str]
    count: int
    groups: int
    accuracy: Share
    macro_f1: float
    macro_f1_between: Between
    micro_f1: Between
    mean_average_precision: Between
    classes: list[LabelFigures]
    reliability: list[Bin]
    without: int
    left_empty: Share
    labels_per_picture: str = SEVERAL


def metrics(
    probabilities: np.ndarray,
    given: np.ndarray,
    holds: np.ndarray,
    labels: list[str],
    thresholds: list[float],
    groups: np.ndarray,
    is_covered: np.ndarray,
    seed: int = 1,
) -> SeveralMetrics:
    """Compute the figures of probabilities float [n, labels], of the labels that are given and of those that hold, bool
    [n, labels]; groups int [n] are those of pictures that look alike. `is_covered` bool [n] says of which pictures the
    model knows all labels: of the others it cannot have all right."""
    blocks = np.unique(groups, return_inverse=True)[1]
    count = len(np.unique(blocks))
    drawn = draws(count, ROUNDS, seed)
    tested = holds.any(axis=0)
    hits, said, there = counts_by_group(given, holds, blocks, count)
    f1 = f1_of_draws(drawn @ hits, drawn @ said, drawn @ there)
    macro = macro_of_draws(f1, drawn @ there)
    totals = [drawn @ one[:, tested].sum(axis=1) for one in (hits, said, there)]
    precisions = np.full((ROUNDS, len(labels)), np.nan)
    for number in np.flatnonzero(tested).tolist():
        precisions[:, number] = average_precision_of_draws(probabilities[:, number], holds[:, number], blocks, drawn)
    classes = []
    for number, label in enumerate(labels):
        own, distinct = holds[:, number], len(np.unique(blocks[holds[:, number]]))
        found = average_precision(probabilities[:, number], own) if own.any() else 0.0
        classes.append(
            LabelFigures(
                label,
                int(own.sum()),
                by_group(own[given[:, number]], blocks[given[:, number]], FEWEST_FOR_INTERVAL),
                by_group(given[own, number], blocks[own], FEWEST_FOR_INTERVAL),
                _f1(given[:, number], own),
                between(_f1(given[:, number], own), f1[:, number], distinct),
                between(found, precisions[:, number], distinct),
                thresholds[number],
                curve(probabilities[:, number], own),
            )
        )
    tested_classes = [one for one in classes if one.count]
    macro_f1 = _mean([one.f1 for one in tested_classes])
    mean_precision = _mean([one.average_precision.value for one in tested_classes])
    empty = np.asarray(~holds.any(axis=1) & is_covered)
    return SeveralMetrics(
        labels=list(labels),
        count=len(holds),
        groups=count,
        accuracy=by_group(np.asarray((given == holds).all(axis=1) & is_covered), groups),
        macro_f1=macro_f1,
        macro_f1_between=between(macro_f1, macro, count),
        micro_f1=between(_f1(given[:, tested], holds[:, tested]), f1_of_draws(*totals), count),
        mean_average_precision=between(mean_precision, _nan_mean(precisions), count),
        classes=classes,
        reliability=reliability(probabilities.ravel(), holds.ravel()),
        without=int(empty.sum()),
        left_empty=by_group(np.asarray(~given[empty].any(axis=1)), groups[empty]),
    )


def draws(groups: int, rounds: int, seed: int) -> np.ndarray:
    """How often each group is drawn in each round: int [rounds, groups]."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), rounds)


def counts_by_group(
    given: np.ndarray, holds: np.ndarray, blocks: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each label is given rightly, is given, and holds, in each group: int [groups, labels] each, of bool
    [n, labels]; `blocks` int [n] are group numbers from 0 on."""
    found = []
    for one in (given & holds, given, holds):
        summed = np.zeros((groups, holds.shape[1]), int)
        np.add.at(summed, blocks, one.astype(int))
        found.append(summed)
    return found[0], found[1], found[2]


def f1_of_draws(hits: np.ndarray, said: np.ndarray, there: np.ndarray) -> np.ndarray:
    """F1 of the same shape as these counts; 0 where a label neither is given nor holds."""
    return np.asarray(np.where(said + there > 0, 2 * hits / np.maximum(said + there, 1), 0.0))


def macro_of_draws(f1: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The mean F1 float [rounds] over the labels that hold for any picture of a draw, of float [rounds, labels]."""
    return np.asarray((f1 * (there > 0)).sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1))


def average_precision(probabilities: np.ndarray, holds: np.ndarray) -> float:
    """The mean precision at each picture that has the label, the likeliest first, of float and bool [n]. Pictures of
    one probability count as one step."""
    once = np.ones((1, len(holds)), int)
    return float(average_precision_of_draws(probabilities, holds, np.arange(len(holds)), once)[0])


def average_precision_of_draws(
    probabilities: np.ndarray, holds: np.ndarray, blocks: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """The average precision float [rounds] when each group is drawn this often: drawn int [rounds, groups]; NaN where
    the label holds for none that was drawn."""
    if not holds.any():
        return np.full(len(drawn), np.nan)
    order = np.argsort(-probabilities, kind="stable")
    order = order[
        : int((probabilities >= probabilities[holds].min()).sum())
    ]  # what comes after the last counts nothing
    last = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
    truth, inside = holds[order], blocks[order]
    found = np.full(len(drawn), np.nan)
    for start in range(0, len(drawn), _AT_ONCE):
        weights = drawn[start : start + _AT_ONCE][:, inside]
        seen = np.cumsum(weights, axis=1)[:, last]
        hits = np.cumsum(weights * truth, axis=1)[:, last]
        new = np.diff(hits, axis=1, prepend=0)
        total = (new * hits / np.maximum(seen, 1)).sum(axis=1)
        there = hits[:, -1]
        found[start : start + _AT_ONCE] = np.where(there > 0, total / np.maximum(there, 1), np.nan)
    return found


def curve(probabilities: np.ndarray, holds: np.ndarray) -> list[tuple[float, float, float]]:
    """(threshold, recall, precision) at some of the thresholds at which another picture of the label is found."""
    if not holds.any():
        return []
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(holds[order])
    at = np.flatnonzero(holds[order])
    at = at[np.unique(np.linspace(0, len(at) - 1, min(len(at), _POINTS)).astype(int))]
    return [(float(probabilities[order[i]]), float(hits[i] / hits[-1]), float(hits[i] / (i + 1))) for i in at.tolist()]


def between(value: float, drawn: np.ndarray, groups: int) -> Between:
    """A figure with the interval of its draws float [rounds], if it is of FEWEST_FOR_INTERVAL groups or more.

    Where it is 1 every draw is 1 too; then its lower edge is Wilson's, for as many groups that are all right.
    """
    drawn = drawn[~np.isnan(drawn)]
    if groups < FEWEST_FOR_INTERVAL or not len(drawn):
        return Between(value, None, None)
    low, high = (float(edge) for edge in np.percentile(drawn, [2.5, 97.5]))
    if value == 1:
        return Between(value, wilson(groups, groups).low, 1.0)
    return Between(value, min(low, value), max(high, value))


def _f1(given: np.ndarray, holds: np.ndarray) -> float:
    both = int(given.sum()) + int(holds.sum())
    return 2 * int((given & holds).sum()) / both if both else 0.0


def _nan_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each row without its NaN; NaN if there is nothing else."""
    inside = ~np.isnan(values)
    found = np.where(inside, values, 0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return np.asarray(np.where(inside.any(axis=1), found, np.nan))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0
