"""Evaluations for tests, of models that need no file."""

import numpy as np

from classify import ModelDescription, ModelRef
from model.evaluation.evaluate import Evaluation
from model.training.examples import Example
from preprocess import ImageSpec
from unit.model.labelled_pictures import labelled


def described(labels: tuple[str, ...], version: str = "1") -> ModelDescription:
    """What a model of these labels says of itself."""
    return ModelDescription(ModelRef("m", version, version * 64), ImageSpec(8, 8, 1, 1.0), labels, 0.5)


def answering(examples: list[Example], labels: tuple[str, ...], answers: list[str]) -> Evaluation:
    """The evaluation of a model that gives these answers."""
    probabilities = np.full((len(answers), len(labels)), 0.01)
    for row, answer in enumerate(answers):
        probabilities[row, labels.index(answer)] = 0.9
    return Evaluation(described(labels), examples, probabilities, np.ones(len(answers)))


def eighty() -> list[Example]:
    """Examples of the labels a and b in turn, whose files nobody reads."""
    thumb = np.zeros((32, 32), np.uint8)
    return [Example(labelled("ab"[n % 2], str(n), b""), str(n), str(n), thumb) for n in range(80)]
