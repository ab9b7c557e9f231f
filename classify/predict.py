"""From staged pixels to a prediction."""

from dataclasses import replace

import numpy as np

from classify.families import surest_family
from classify.model import Model
from classify.prediction import Prediction, Score

_DIGITS = 6


def predict(model: Model, pixels: np.ndarray, top: int) -> Prediction:
    """Classify pixels uint8 [height, width, channels]. Keeps the `top` likeliest classes, likeliest first.

    Where the likeliest class stays under the threshold, the answer is the most specific family that reaches its own.

    Raises ValueError if the model does not take such pixels, ModelError if its answer cannot be used.
    """
    expected = (model.spec.height, model.spec.width, model.spec.channels)
    if pixels.shape != expected:
        raise ValueError(f"pixels of shape {pixels.shape}; the model takes {expected}")
    answer = model.answer(pixels)
    probabilities = answer.probabilities
    order = np.argsort(-probabilities, kind="stable")[: max(top, 2)]
    scores = tuple(Score(model.labels[i], round(float(probabilities[i]), _DIGITS)) for i in order)
    best, threshold = scores[0].probability, model.threshold_of(scores[0].label)
    likeliest = Prediction(
        label=scores[0].label,
        confidence=best,
        margin=round(best - (scores[1].probability if len(scores) > 1 else 0.0), _DIGITS),
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
