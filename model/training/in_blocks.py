"""Fits linear heads to many pictures a block of them at a time, so that what is held does not grow with their number.

The loss is that of head.py and several.py, which hold all pictures in memory where they are few, and so are its minimum
and the arithmetic but for the last digits: products are of 32 bits here, sums over blocks of 64.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from classify.model import sigmoid
from model.training.scratch import blocks
from model.training.threads import one_thread

AT_ONCE = 2**25
"""More numbers than this, of all pictures to fit to, are gone through in blocks."""
_ROWS = 2**13


def is_needed(count: int, taken: np.ndarray) -> bool:
    """Whether so many pictures of those of `taken` float [n, views, width] are too many to be fitted to at once."""
    return bool(count * taken.shape[1] * taken.shape[2] > AT_ONCE)


def fitted(
    taken: np.ndarray,
    rows: np.ndarray,
    holds: Callable[[np.ndarray], np.ndarray],
    strength: float,
    start: np.ndarray,
    *,
    is_softmax: bool,
    most_iterations: int,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit to the pictures `rows` int [n] of what a head takes, float [m, views, width]; the views of a picture share
    its weight.

    `holds` says of pictures int [k] which outputs hold, bool [k, outputs]: one each with `is_softmax`, else any.
    `start` float [outputs] is the bias to begin with. Returns (weights [outputs, width], bias [outputs]).
    """
    views, width = taken.shape[1:]
    outputs, count = len(start), len(rows) * views
    mean, scale = _moments(taken, rows)
    penalty = 1 / (strength * len(rows))

    def loss(packed: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = packed[:-outputs].reshape(outputs, width), packed[-outputs:]
        scaled = (weights * scale).astype(np.float32)
        offset = (bias - scaled.astype(np.float64) @ mean).astype(np.float32)
        value, slope, sums = 0.0, np.zeros((outputs, width)), np.zeros(outputs)
        for part in blocks(len(rows), max(1, _ROWS // views)):
            flat = taken[rows[part]].reshape(-1, width)
            truth = np.repeat(holds(rows[part]), views, axis=0)
            logits = (flat @ scaled.T + offset).astype(np.float64)
            own, errors = (_softmax if is_softmax else _sigmoid)(logits, truth)
            value += own
            slope += errors.astype(np.float32).T @ flat
            sums += errors.sum(axis=0)
        slope = (slope - np.outer(sums, mean)) * scale / count + penalty * weights
        return value / count + penalty / 2 * float((weights**2).sum()), np.append(slope.ravel(), sums / count)

    options = {"maxiter": most_iterations, "maxls": 50, "gtol": tolerance}
    with one_thread():
        begun = np.append(np.zeros(outputs * width), start)
        found = minimize(loss, begun, jac=True, method="L-BFGS-B", options=options).x
    weights, bias = found[:-outputs].reshape(outputs, width) * scale, found[-outputs:]
    return weights, bias - weights @ mean


def predicted(taken: np.ndarray, rows: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Logits float [n, outputs] of the first views of the pictures `rows` int [n] of taken float [m, views, width]."""
    found = np.empty((len(rows), len(bias)))
    with one_thread():
        for part in blocks(len(rows), 2 * _ROWS):
            found[part] = taken[rows[part], 0] @ weights.T + bias
    return found


def _moments(taken: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean float [width] of the pictures, and 1 / the root mean square of what they differ from it by."""
    views, width = taken.shape[1:]
    sums, squares = np.zeros(width), np.zeros(width)
    for part in blocks(len(rows), max(1, _ROWS // views)):
        flat = taken[rows[part]].reshape(-1, width).astype(np.float64)
        sums += flat.sum(axis=0)
        squares += np.einsum("nw,nw->w", flat, flat)
    mean = sums / (len(rows) * views)
    return mean, 1 / max(float(np.sqrt((squares / (len(rows) * views) - mean**2).clip(0).mean())), 1e-9)


def _softmax(logits: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    logs = log_softmax(logits, axis=1)
    return -float(logs[truth].sum()), np.exp(logs) - truth


def _sigmoid(logits: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    return float((np.logaddexp(0, logits) - truth * logits).sum()), sigmoid(logits) - truth
