"""Measures how well a model tells what it never saw, by leaving out each label in truth: one more fit for each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from classify.model import softmax
from imagestore.proportion import percent
from model.training import distance
from model.training.examples import NONE
from model.training.head import Head, fitted, folds, numbered
from model.training.threads import one_thread, side_by_side

MOST_LABELS, MOST_PICTURES = 20, 2000
"""So many labels are left out at most, and so many pictures are used: more take long and add little."""


@dataclass(frozen=True)
class LeftOut:
    """How well pictures of a label that was left out are told from others, as the mean over `labels` labels.

    The AUROCs (1 is perfect, 0.5 is chance) are those of confidence, of distance and of both. `estimate` is what taking
    the label's column away from a head that had learned it says instead. `answered_by_confidence` is the share of
    left-out pictures that the thresholds let through, `answered` that which the limit of the distance lets through too.
    `known_answered` is the share of pictures of the other labels that are answered by both.
    """

    labels: int
    estimate: float
    by_confidence: float
    by_distance: float
    by_both: float
    answered_by_confidence: float
    answered: float
    known_answered: float

    def sentence(self) -> str:
        """The finding for a person."""
        return (
            f"Of pictures of a label that it never saw it would answer {percent(self.answered)} (by confidence alone "
            f"{percent(self.answered_by_confidence)}), of others {percent(self.known_answered)}; AUROC "
            f"{self.by_confidence:.3f} by confidence, {self.by_distance:.3f} by distance, {self.by_both:.3f} by both. "
            f"Measured by leaving out {self.labels} labels in turn; the estimate by taking columns away is "
            f"{self.estimate:.3f}."
        )


@dataclass(frozen=True)
class _Seen:
    """What a head says of some pictures: confidence and distance, float [n], and which it answers, bool [n]."""

    confidence: np.ndarray
    distance: np.ndarray
    is_sure: np.ndarray
    is_near: np.ndarray


def measure(
    features: np.ndarray, labels: list[str], groups: np.ndarray, head: Head, seed: int, progress: Callable[[], None]
) -> LeftOut | None:
    """Leave out each label of features float [n, 1 + views, width] in turn; None with fewer than three labels. Pictures
    that show none of the labels are learned from as `head` did, and not measured.

    A head is fitted to a part of the other pictures, as strongly regularised as `head` and with its thresholds, and
    sees all pictures of the label and the rest of the others. `progress` is called after each of `steps(labels)` fits.
    """
    _, truth = numbered(labels)
    if len(head.labels) < 3:
        return None
    chosen = _sample(truth)
    taken, truth, groups = head.taken(features[chosen]), truth[chosen], groups[chosen]
    plain = head.form.without_middle(taken[:, 0])
    learned, rest = folds(truth, groups, seed)[0]
    numbers = _most_frequent(truth[truth < len(head.labels)])
    fit_to = [learned, *(learned[truth[learned] != number] for number in numbers)]
    without_nothing, *without_each = side_by_side(lambda rows: _logits(taken, truth, rows, head), fit_to, progress)
    found, estimates = [], []
    for number, rows, logits in zip(numbers, fit_to[1:], without_each, strict=True):
        known = rest[(truth[rest] != number) & (truth[rest] < len(head.labels))]
        estimates.append(_estimate(without_nothing, known, rest[truth[rest] == number], number, head))
        labelled = rows[truth[rows] < len(head.labels)]
        references = distance.references(plain[labelled], truth[labelled], groups[labelled])
        parts = (known, np.flatnonzero(truth == number))
        found.append(_figures(*(_seen(logits[part], plain[part], references, head) for part in parts)))
    means = np.mean(found, axis=0).tolist()
    return LeftOut(len(found), float(np.mean([one for one in estimates if one is not None] or [0.5])), *means)


def steps(labels: list[str]) -> int:
    """How many fits `measure` makes."""
    count = len(set(labels) - {NONE})
    return 1 + min(count, MOST_LABELS) if count > 2 else 0


def _logits(taken: np.ndarray, truth: np.ndarray, fit_to: np.ndarray, head: Head) -> np.ndarray:
    """Logits float [n, classes] of all pictures by a head that is fitted to the pictures `fit_to`."""
    with one_thread():
        weights, bias = fitted(taken[fit_to], truth[fit_to], head.strength, len(head.weights))
        return np.asarray((taken[:, 0] @ weights.T + bias - head.shift) / head.temperature)


def _seen(logits: np.ndarray, plain: np.ndarray, references: distance.References, head: Head) -> _Seen:
    probabilities, far = softmax(logits)[:, : len(head.labels)], references.distances(plain)
    confidence, thresholds = probabilities.max(axis=1), head.thresholds.of(probabilities.argmax(axis=1))
    return _Seen(confidence, far, confidence >= thresholds, far <= head.distance_limit)


def _figures(known: _Seen, new: _Seen) -> tuple[float, ...]:
    """The figures of a label that was left out, in the order of LeftOut's fields."""
    near = -known.distance, -new.distance
    sure = tuple(
        np.log(np.maximum(part.confidence, 1e-9) / np.maximum(1 - part.confidence, 1e-9)) for part in (known, new)
    )
    both = tuple(_scaled(one, sure[0]) + _scaled(other, near[0]) for one, other in zip(sure, near, strict=True))
    return (
        *(_auroc(*scores) for scores in (sure, near, both)),
        float(new.is_sure.mean()),
        float((new.is_sure & new.is_near).mean()),
        float((known.is_sure & known.is_near).mean()),
    )


def _estimate(logits: np.ndarray, known: np.ndarray, new: np.ndarray, number: int, head: Head) -> float | None:
    if not len(new) or not len(known):
        return None
    confidence = softmax(np.delete(logits, number, axis=1))[:, : len(head.labels) - 1].max(axis=1)
    return _auroc(confidence[known], confidence[new])


def _auroc(known: np.ndarray, new: np.ndarray) -> float:
    return float(roc_auc_score(np.repeat([1, 0], [len(known), len(new)]), np.concatenate([known, new])))


def _scaled(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.asarray((scores - known.mean()) / max(float(known.std()), 1e-9))


def _most_frequent(truth: np.ndarray) -> list[int]:
    counts = np.bincount(truth)
    return sorted(np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist())


def _sample(truth: np.ndarray) -> np.ndarray:
    """The numbers of at most MOST_PICTURES pictures, as many of each class as possible."""
    ranks = np.zeros(len(truth), int)
    for number in np.unique(truth):
        inside = np.flatnonzero(truth == number)
        ranks[inside] = np.random.default_rng(0).permutation(len(inside))
    return np.sort(np.argsort(ranks, kind="stable")[:MOST_PICTURES])
