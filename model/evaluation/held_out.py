"""Keeps what an evaluation found, so that figures at any threshold can be told later."""

import msgspec
import numpy as np

from imagestore.store.held_out import MOST_LABELS, MOST_PICTURES, STEPS, AnsweredPicture, HeldOut, LabelAnswers
from model.evaluation.evaluate import Evaluation
from model.evaluation.several import average_precision

_WITHIN = 1e-9
"""A probability of 0.29 is no less than 29 hundredths."""


def to_keep(evaluation: Evaluation) -> bytes:
    """The content of `held-out.json`."""
    probabilities, holds = evaluation.probabilities, evaluation.holds
    steps = np.clip(np.floor(probabilities * STEPS + _WITHIN).astype(int), 0, STEPS)
    labels = [
        LabelAnswers(
            label,
            round(average_precision(probabilities[:, number], holds[:, number]), 6) if holds[:, number].any() else 0.0,
            np.bincount(steps[holds[:, number], number], minlength=STEPS + 1).tolist(),
            np.bincount(steps[~holds[:, number], number], minlength=STEPS + 1).tolist(),
        )
        for number, label in enumerate(evaluation.model.labels)
    ]
    return msgspec.json.encode(HeldOut(labels, [_answered(evaluation, i) for i in _some(len(holds))]))


def _some(count: int) -> list[int]:
    """All numbers below `count`, or MOST_PICTURES of them from beginning to end."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(int)).tolist() if count else []


def _answered(evaluation: Evaluation, i: int) -> AnsweredPicture:
    example, found = evaluation.examples[i], evaluation.probabilities[i]
    best = np.argsort(-found, kind="stable")[:MOST_LABELS]
    told = {evaluation.model.labels[number]: round(float(found[number]), 6) for number in best.tolist()}
    return AnsweredPicture(example.sha256, example.labels, told)
