"""Runs a model over labelled pictures, preprocessed as in production, and computes how good it is."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from classify import ModelDescription
from imagestore.proportion import Share
from imagestore.store.patience import patiently
from model.decoder_pool import DecoderPool
from model.evaluation import several
from model.evaluation.metrics import Metrics, by_group, metrics
from model.evaluation.several import SeveralMetrics
from model.model_process import ModelAnswer, ModelPool
from model.training import stratify
from model.training.examples import Example
from preprocess import Decoder, Limits

_PICTURES_PER_PROCESS = 50


@dataclass(frozen=True)
class Evaluation:
    """Probabilities float [n, classes] of `examples`, and the milliseconds of inference of each, float [n].

    `groups` int [n] are the examples' group numbers: pictures that look alike count once in the intervals. `distances`
    float [n] say how far they lie from what the model learned from, if it tells that.
    """

    model: ModelDescription
    examples: list[Example]
    probabilities: np.ndarray
    inference_ms: np.ndarray
    groups: np.ndarray | None = None
    distances: np.ndarray | None = None

    @property
    def is_answered(self) -> np.ndarray:
        """Which examples the model answers, bool [n]: it is sure enough, and they are like what it learned from."""
        thresholds = np.array([self.model.threshold_of(label) for label in self.model.labels])
        is_sure = self.probabilities.max(axis=1) >= thresholds[self.probabilities.argmax(axis=1)]
        return np.asarray(is_sure & self.is_near)

    @property
    def given(self) -> np.ndarray:
        """Which labels the model gives each example, bool [n, labels], if it knows several labels a picture."""
        thresholds = np.array([self.model.threshold_of(label) for label in self.model.labels])
        return np.asarray((self.probabilities >= thresholds) & self.is_near[:, None])

    @property
    def holds(self) -> np.ndarray:
        """Which of the model's labels each example has, bool [n, labels]."""
        return stratify.holding([example.labels for example in self.examples], self.model.labels)

    @property
    def is_near(self) -> np.ndarray:
        """Which examples are like what the model learned from, bool [n]."""
        if self.distances is None or self.model.distance_limit is None:
            return np.ones(len(self.examples), bool)
        return np.asarray(self.distances <= self.model.distance_limit)

    @property
    def truth(self) -> np.ndarray:
        """Class numbers int [n]; -1 if the model does not know the label."""
        numbers = {label: i for i, label in enumerate(self.model.labels)}
        return np.array([numbers.get(example.label, -1) for example in self.examples])

    def metrics(self) -> Metrics:
        """Figures over all examples but those that show none of the labels; a label that the model does not know counts
        as wrong."""
        labels, threshold = list(self.model.labels), self.model.threshold
        inside = ~self.is_negative
        groups = None if self.groups is None else self.groups[inside]
        answered = self.is_answered[inside]
        return metrics(self.probabilities[inside], self.truth[inside], labels, threshold, groups, answered)

    @property
    def is_negative(self) -> np.ndarray:
        """Which examples show none of the labels, bool [n]."""
        return np.array([not example.labels for example in self.examples], bool)

    def rejected(self) -> Share:
        """How many of the examples that show none of the labels are not answered; look-alikes count once in the
        interval."""
        inside = self.is_negative
        groups = np.arange(len(inside)) if self.groups is None else self.groups
        return by_group(~self.is_answered[inside], groups[inside])

    def several_metrics(self) -> SeveralMetrics:
        """Figures over all examples of a model that knows several labels a picture."""
        labels, groups = list(self.model.labels), self.groups
        groups = np.arange(len(self.examples)) if groups is None else groups
        thresholds = [self.model.threshold_of(label) for label in labels]
        is_covered = np.array([set(example.labels) <= set(labels) for example in self.examples], bool)
        return several.metrics(self.probabilities, self.given, self.holds, labels, thresholds, groups, is_covered)

    def mistakes(self, most: int) -> list[tuple[Example, str, float]]:
        """(example, predicted label, confidence) of the most confident wrong answers. What shows none of the labels
        and is not answered is no mistake."""
        predicted, confidence = self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)
        wrong = np.flatnonzero((predicted != self.truth) & (self.is_answered | ~self.is_negative))
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
        return [(self.examples[i], self.model.labels[predicted[i]], float(confidence[i])) for i in worst]

    def several_mistakes(self, most: int) -> list[tuple[Example, tuple[str, ...], float]]:
        """(example, labels given, how far the worst probability is off) of the examples that are most wrong."""
        given, off = self.given, np.abs(self.probabilities - self.holds)
        worst = np.where(given != self.holds, off, 0).max(axis=1, initial=0.0)
        order = np.argsort(-worst, kind="stable")[:most]
        labels = np.array(self.model.labels, object)
        return [(self.examples[i], tuple(labels[given[i]]), float(worst[i])) for i in order if worst[i] > 0]

    def out_of_distribution_auroc(self) -> float | None:
        """How well confidence separates pictures of a class that the model does not know: 1 is perfect, 0.5 is chance.

        It is an estimate: each class is made unknown in turn, by taking its column away, and the AUROC says how far the
        confidence on its pictures lies below that on the others. The mean over classes; None with fewer than three.
        """
        truth, scores = self.truth, []
        if len(self.model.labels) < 3:
            return None
        for label in np.unique(truth[truth >= 0]):
            rest = np.delete(self.probabilities, label, axis=1)
            total = 1 - self.probabilities[:, [label]] if self.model.has_rest else rest.sum(axis=1, keepdims=True)
            confidence = (rest / np.maximum(total, 1e-12)).max(axis=1)
            is_known = truth[truth >= 0] != label
            if is_known.any():
                scores.append(roc_auc_score(is_known, confidence[truth >= 0]))
        return float(np.mean(scores)) if scores else None


def evaluate(
    data: bytes,
    called: str,
    examples: list[Example],
    limits: Limits,
    progress: Callable[[], None],
    groups: np.ndarray | None = None,
) -> Evaluation:
    """Run the model file `data` over the examples, in child processes with limits on time and memory.

    Raises ModelError if the file cannot be used, or if an answer holds no probabilities.
    """
    processes = min(os.cpu_count() or 1, 1 + len(examples) // _PICTURES_PER_PROCESS)
    with ModelPool(data, called, processes) as pool, DecoderPool() as decoders:

        def one(decoder: Decoder, example: Example) -> ModelAnswer:
            _, pixels = decoder.preprocess(patiently(example.source.read), pool.model.spec, limits)
            return pool.run(pixels)

        probabilities = np.empty((len(examples), len(pool.model.labels)), np.float64)
        took, distances = np.empty(len(examples)), np.full(len(examples), np.nan)
        for i, found in enumerate(decoders.map(one, examples)):
            probabilities[i], took[i] = found.probabilities, found.inference_ms
            distances[i] = np.nan if found.distance is None else found.distance
            progress()
    told = None if pool.model.distance_limit is None else distances
    return Evaluation(pool.model, examples, probabilities, took, groups, told)
