"""Computes how good predictions are, from probabilities and truth: figures with 95 % intervals."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from imagestore.proportion import Share, wilson

FEWEST_FOR_INTERVAL = 10
BINS = 10


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
    share that is answered and the share of those that is right.
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


def metrics(probabilities: np.ndarray, truth: np.ndarray, labels: list[str], threshold: float) -> Metrics:
    """Compute the figures of probabilities float [n, classes] and class numbers int [n].

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
    answered = confidence >= threshold
    return Metrics(
        labels=list(labels),
        count=len(truth),
        accuracy=wilson(int(is_right.sum()), len(truth)),
        top5=wilson(int(((ranks < 5) & (truth >= 0)).sum()), len(truth)),
        macro_precision=_mean([figure.precision.share for figure in present]),
        macro_recall=_mean([figure.recall.share for figure in present]),
        macro_f1=_mean([figure.f1 for figure in present]),
        classes=figures,
        confusion=confusion.tolist(),
        ece=expected_calibration_error(confidence, is_right),
        reliability=reliability(confidence, is_right),
        threshold=threshold,
        answered=wilson(int(answered.sum()), len(truth)),
        right_of_answered=wilson(int(is_right[answered].sum()), int(answered.sum())),
        coverage=coverage(confidence, is_right),
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


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0
