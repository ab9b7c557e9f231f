"""Keeps what an evaluation found, so that figures at any threshold can be told later."""

import msgspec
import numpy as np

from imagestore.store.held_out import (
    LIKELY,
    MOST_GIVEN,
    MOST_LABELS,
    MOST_PICTURES,
    STEPS,
    AnsweredPicture,
    HeldOut,
    LabelAnswers,
)
from model.evaluation.evaluate import Evaluation
from model.evaluation.several import ROUNDS, Between, average_precision, average_precision_of_draws, between, draws

_WITHIN = 1e-9
"""A probability of 0.29 is no less than 29 hundredths."""
_NONE = Between(0.0, None, None)


def to_keep(evaluation: Evaluation) -> bytes:
    """The content of `held-out.json`."""
    probabilities, holds, model = evaluation.probabilities, evaluation.holds, evaluation.model
    steps = np.clip(np.floor(probabilities * STEPS + _WITHIN).astype(int), 0, STEPS)
    labels = [
        LabelAnswers(
            label,
            round(precision.value, 6),
            np.bincount(steps[holds[:, number], number], minlength=STEPS + 1).tolist(),
            np.bincount(steps[~holds[:, number], number], minlength=STEPS + 1).tolist(),
            None if precision.low is None else round(precision.low, 6),
            None if precision.high is None else round(precision.high, 6),
        )
        for number, (label, precision) in enumerate(zip(model.labels, _precisions(evaluation), strict=True))
    ]
    pictures = [_answered(evaluation, i) for i in _some(len(holds))]
    kept = HeldOut(labels, pictures, model.has_several, model.threshold, dict(model.thresholds), len(holds))
    return msgspec.json.encode(kept)


def _precisions(evaluation: Evaluation) -> list[Between]:
    """The average precision of each label, with the interval that draws of groups of look-alikes have."""
    probabilities, holds = evaluation.probabilities, evaluation.holds
    blocks = np.unique(_groups(evaluation), return_inverse=True)[1]
    drawn = draws(len(np.unique(blocks)), ROUNDS, seed=1) if len(blocks) else np.zeros((0, 0), int)
    found = []
    for number in range(holds.shape[1]):
        own, given = holds[:, number], probabilities[:, number]
        if not own.any():
            found.append(_NONE)
            continue
        rounds = average_precision_of_draws(given, own, blocks, drawn)
        found.append(between(average_precision(given, own), rounds, len(np.unique(blocks[own]))))
    return found


def _groups(evaluation: Evaluation) -> np.ndarray:
    """The group numbers int [n]; without any, each picture is one of its own."""
    return np.arange(len(evaluation.examples)) if evaluation.groups is None else evaluation.groups


def _some(count: int) -> list[int]:
    """All numbers below `count`, or MOST_PICTURES of them from beginning to end."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(int)).tolist() if count else []


def _answered(evaluation: Evaluation, i: int) -> AnsweredPicture:
    example, found = evaluation.examples[i], evaluation.probabilities[i]
    most = MOST_LABELS
    if evaluation.model.has_several:
        most = min(MOST_GIVEN, max(MOST_LABELS, int((found >= LIKELY).sum())))
    best = np.argsort(-found, kind="stable")[:most]
    told = {evaluation.model.labels[number]: round(float(found[number]), 6) for number in best.tolist()}
    return AnsweredPicture(
        example.sha256,
        example.labels,
        told,
        int(_groups(evaluation)[i]),
        bool(evaluation.is_near[i]),
    )
