"""Computes how good predictions are, from probabilities and truth: figures with 95 % intervals."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from imagestore.proportion import Share, wilson

FEWEST_FOR_INTERVAL = 10
BINS = 10
_DRAWS = 200


@dataclass(frozen=True)
class ClassFigures:
    """How good the predictions of one class are: the number of its pictures, precision, recall and F1."""

    label: str
    count: int
    precision: Share
    recall: Share
    f1: float


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence: how many, their mean confidence, and the share that is right."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Metrics:
    """All figures of an evaluation.

    `confusion[i][j]` is how many pictures of class i were taken for class j. `coverage` holds, for each threshold, the
    share that is answered and the share of those that is right. `groups` is how many pictures there are if those that
    look alike count once, as they do in the intervals of accuracy, top5, answered and right_of_answered.
    `ece_if_calibrated` is the calibration error that a perfectly calibrated model would have on as many pictures, since
    that is not zero, and `ece_at_most` what it would exceed in one of twenty times.
    """

    labels: list[str]
    count: int
    accuracy: Share
    top5: Share
    macro_precision: float
    macro_recall: float
    macro_f1: float
    classes: list[ClassFigures]
    confusion: list[list[int]]
    ece: float
    reliability: list[Bin]
    threshold: float
    answered: Share
    right_of_answered: Share
    coverage: list[tuple[float, float, float]]
    groups: int
    ece_if_calibrated: float
    ece_at_most: float


def metrics(
    probabilities: np.ndarray,
    truth: np.ndarray,
    labels: list[str],
    threshold: float,
    groups: np.ndarray | None = None,
    is_answered: np.ndarray | None = None,
) -> Metrics:
    """Compute the figures of probabilities float [n, classes] and class numbers int [n]; groups int [n] are those of
    pictures that look alike. `is_answered` bool [n] says which are answered; without it, those from `threshold` on.

    The number -1 is a class that the model does not know.
    """
    classes, predicted = len(labels), probabilities.argmax(axis=1)
    confidence, is_right = probabilities.max(axis=1), predicted == truth
    known = truth >= 0
    confusion = np.zeros((classes, classes), int)
    if known.any():
        confusion = confusion_matrix(truth[known], predicted[known], labels=np.arange(classes))
    figures = [_of_class(confusion, i, label) for i, label in enumerate(labels)]
    present = [figure for figure in figures if figure.count]
    ranks = (probabilities > probabilities[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    answered = confidence >= threshold if is_answered is None else is_answered
    groups = np.arange(len(truth)) if groups is None else groups
    calibrated = _ece_if_calibrated(confidence)
    return Metrics(
        labels=list(labels),
        count=len(truth),
        accuracy=by_group(is_right, groups),
        top5=by_group((ranks < 5) & (truth >= 0), groups),
        macro_precision=_mean([figure.precision.share for figure in present]),
        macro_recall=_mean([figure.recall.share for figure in present]),
        macro_f1=_mean([figure.f1 for figure in present]),
        classes=figures,
        confusion=confusion.tolist(),
        ece=expected_calibration_error(confidence, is_right),
        reliability=reliability(confidence, is_right),
        threshold=threshold,
        answered=by_group(answered, groups),
        right_of_answered=by_group(is_right[answered], groups[answered]),
        coverage=coverage(confidence, is_right),
        groups=len(np.unique(groups)),
        ece_if_calibrated=calibrated[0],
        ece_at_most=calibrated[1],
    )


def macro_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The mean F1 over the classes in `truth`, from class numbers int [n]."""
    return float(f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


def expected_calibration_error(confidence: np.ndarray, is_right: np.ndarray, bins: int = 15) -> float:
    """The mean gap between confidence and accuracy, over bins of equal width (Guo et al. 2017)."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for number in range(bins):
        inside = which == number
        if inside.any():
            gap += inside.mean() * abs(is_right[inside].mean() - confidence[inside].mean())
    return float(gap)


def reliability(confidence: np.ndarray, is_right: np.ndarray) -> list[Bin]:
    """Confidence and accuracy in ten bins of confidence from 0 to 1."""
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        inside = which == number
        count = int(inside.sum())
        found.append(
            Bin(count, float(confidence[inside].mean()), float(is_right[inside].mean())) if count else Bin(0, 0, 0)
        )
    return found


def coverage(confidence: np.ndarray, is_right: np.ndarray) -> list[tuple[float, float, float]]:
    """For thresholds from 0 to 0.99: (threshold, share answered, share of those that is right)."""
    found = []
    for threshold in [*(step / 20 for step in range(20)), 0.99]:
        answered = confidence >= threshold
        if answered.any():
            found.append((threshold, float(answered.mean()), float(is_right[answered].mean())))
    return found


def _of_class(confusion: np.ndarray, i: int, label: str) -> ClassFigures:
    hit, count, said = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    return ClassFigures(
        label,
        count,
        wilson(hit, said, FEWEST_FOR_INTERVAL),
        wilson(hit, count, FEWEST_FOR_INTERVAL),
        2 * hit / (count + said) if count + said else 0.0,
    )


def by_group(is_right: np.ndarray, groups: np.ndarray, fewest: int = 1) -> Share:
    """The share of pictures bool [n], with the interval of as many pictures as there are groups; without one if these
    are fewer than `fewest`."""
    right, distinct = int(is_right.sum()), len(np.unique(groups))
    found = wilson(round(right / max(1, len(is_right)) * distinct), distinct, fewest)
    return Share(right, len(is_right), found.low, found.high)


def _ece_if_calibrated(confidence: np.ndarray) -> tuple[float, float]:
    """The mean and the 95th percentile of the calibration error if answers are right as often as the model is sure."""
    if not len(confidence):
        return 0.0, 0.0
    drawn = np.random.default_rng(0).random((_DRAWS, len(confidence))) < confidence
    errors = [expected_calibration_error(confidence, is_right) for is_right in drawn]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0
