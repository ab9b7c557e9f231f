"""What a model says of labelled pictures, through the same code as production, and how good that is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classify import Model, read_model
from model.examples import Example
from model.metrics import Metrics, auroc, metrics
from model.reading import Readers
from preprocess import Decoder, Limits


@dataclass(frozen=True)
class Verdict:
    """Probabilities float [n, classes] of `examples`, and milliseconds of inference for each, float [n]."""

    model: Model
    examples: list[Example]
    probabilities: np.ndarray
    inference_ms: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """Class numbers int [n]; -1 where the model does not know the label."""
        numbers = {label: i for i, label in enumerate(self.model.labels)}
        return np.array([numbers.get(example.label, -1) for example in self.examples])

    def metrics(self) -> Metrics:
        """Over all examples; a label that the model does not know counts as wrong."""
        return metrics(self.probabilities, self.truth, list(self.model.labels), self.model.threshold)

    def mistakes(self, most: int) -> list[tuple[Example, str, float]]:
        """(example, what it was taken for, confidence) of the most confident wrong answers."""
        predicted, confidence = self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)
        wrong = np.flatnonzero(predicted != self.truth)
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
        return [(self.examples[i], self.model.labels[predicted[i]], float(confidence[i])) for i in worst]

    def strangers(self) -> float | None:
        """How well confidence tells strangers: the mean over classes of the AUROC with which the others' confidence
        lies above that of the class, whose own column is taken away. None where there is no class to leave out."""
        truth, scores = self.truth, []
        if len(self.model.labels) < 3:
            return None
        for label in np.unique(truth[truth >= 0]):
            rest = np.delete(self.probabilities, label, axis=1)
            confidence = (rest / np.maximum(rest.sum(axis=1, keepdims=True), 1e-12)).max(axis=1)
            score = auroc(confidence[truth >= 0], truth[truth >= 0] != label)
            scores += [score] if score is not None else []
        return float(np.mean(scores)) if scores else None


def judge(data: bytes, called: str, examples: list[Example], limits: Limits, progress: Callable[[], None]) -> Verdict:
    """Run the model file `data` over the examples. ModelError where it cannot be used."""
    model = read_model(data, called)

    def one(decoder: Decoder, example: Example) -> tuple[np.ndarray, float]:
        _, pixels = decoder.preprocess(example.source.read(), model.spec, limits)
        started = time.perf_counter()
        probabilities, _ = model.run(pixels)
        return probabilities, (time.perf_counter() - started) * 1e3

    found = np.empty((len(examples), len(model.labels)), np.float64)
    took = np.empty(len(examples))
    with Readers() as readers:
        for i, (probabilities, ms) in enumerate(readers.map(one, examples)):
            found[i], took[i] = probabilities, ms
            progress()
    return Verdict(model, examples, found, took)
