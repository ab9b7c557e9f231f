"""From staged pixels to a prediction."""

from dataclasses import replace

import numpy as np

from classify.families import surest_family
from classify.model import Answer, Model
from classify.prediction import Prediction, Score
from classify.vector import Vector

_DIGITS = 6


def predict(model: Model, pixels: np.ndarray, top: int) -> Prediction:
    """Classify pixels uint8 [height, width, channels]. Keeps the `top` likeliest classes, likeliest first.

    Where the likeliest class stays under the threshold, the answer is the most specific family that reaches its own.
    Of a model with several labels a picture, all are kept that reach their thresholds.

    Raises ValueError if the model does not take such pixels, ModelError if its answer cannot be used.
    """
    return predict_with_vector(model, pixels, top)[0]


def predict_with_vector(model: Model, pixels: np.ndarray, top: int) -> tuple[Prediction, Vector | None]:
    """The same as `predict`, with the picture's vector; None of a model that gives no features."""
    expected = (model.spec.height, model.spec.width, model.spec.channels)
    if pixels.shape != expected:
        raise ValueError(f"pixels of shape {pixels.shape}; the model takes {expected}")
    answer = model.answer(pixels)
    vector = None if answer.features is None else Vector.of(answer.features, model.backbone)
    return _prediction(model, answer, top), vector


def _prediction(model: Model, answer: Answer, top: int) -> Prediction:
    probabilities = answer.probabilities
    order = np.argsort(-probabilities, kind="stable")[: max(top, 2)]
    scores = tuple(Score(model.labels[i], round(float(probabilities[i]), _DIGITS)) for i in order)
    if model.has_several:
        return _several(model, answer, scores[:top])
    best, threshold = scores[0].probability, model.threshold_of(scores[0].label)
    second = scores[1].probability if len(scores) > 1 else 0.0
    if model.has_rest:
        best_two = sorted((best, second, max(0.0, 1 - float(probabilities.sum()))))[1:]
        margin = best_two[1] - best_two[0]
    else:
        margin = best - second
    likeliest = Prediction(
        label=scores[0].label,
        confidence=best,
        margin=round(margin, _DIGITS),
        threshold=threshold,
        top=scores[:top],
        model=model.ref,
        distance=None if answer.distance is None else round(answer.distance, _DIGITS),
        distance_limit=model.distance_limit,
    )
    if best >= threshold or (family := surest_family(model.families, probabilities)) is None:
        return likeliest
    confidence = round(min(float(probabilities[list(family.classes)].sum()), 1.0), _DIGITS)
    outside = np.delete(probabilities, family.classes)
    return replace(
        likeliest,
        label=family.label,
        confidence=confidence,
        margin=round(confidence - float(outside.max(initial=0.0)), _DIGITS),
        threshold=family.threshold,
    )


def _several(model: Model, answer: Answer, top: tuple[Score, ...]) -> Prediction:
    """The prediction of a model that gives each label a probability of its own; `top` are its likeliest labels."""
    given = [
        (Score(label, round(float(probability), _DIGITS)), model.threshold_of(label))
        for label, probability in zip(model.labels, answer.probabilities, strict=True)
    ]
    holding = sorted(
        ((score, threshold) for score, threshold in given if score.probability >= threshold),
        key=lambda one: -one[0].probability,
    )
    first, threshold = holding[0] if holding else max(given, key=lambda one: one[0].probability)
    return Prediction(
        label=first.label,
        confidence=first.probability,
        margin=round(min(abs(score.probability - threshold) for score, threshold in given), _DIGITS),
        threshold=threshold,
        top=top,
        model=model.ref,
        distance=None if answer.distance is None else round(answer.distance, _DIGITS),
        distance_limit=model.distance_limit,
        labels=tuple(score for score, _ in holding),
    )
