"""Fits a head to a backbone's features: logistic regression on their square roots, a temperature and a threshold.

The features are means of a rectified layer's output and have long tails, which square roots shorten; centring without
scaling keeps weak features weak. Regularisation, temperature and threshold are chosen by cross-validation, from
predictions on pictures that the head was not fitted to.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from classify.model import softmax
from model.training.threads import one_thread

STRENGTHS = (0.0003, 0.003, 0.03, 0.3)
RIGHT = 0.95
"""The threshold is the lowest confidence above which this share of the answers is right."""
EVEN = 0.5
_FOLDS, _FEWER_FOLDS, _MANY = 5, 3, 2000
_TEMPERATURES = np.geomspace(0.25, 4, 49)


@dataclass(frozen=True)
class Head:
    """probabilities = softmax((sqrt(features) · weights.T + bias) / temperature); weights float [classes, width].

    Without `takes_roots` the features are taken as they are, since a network of the user's own may have negative ones.
    """

    labels: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    temperature: float
    threshold: float
    strength: float
    accuracy: float
    """Of the predictions out of fold."""
    takes_roots: bool = True

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float64 [n, classes] of features float [n, width]."""
        taken = np.sqrt(np.maximum(features, 0)) if self.takes_roots else features
        return softmax((taken @ self.weights.T + self.bias) / self.temperature)


@dataclass(frozen=True)
class OutOfFold:
    """Predictions on pictures that the head was not fitted to: the loss of each, float [n], and whether it is right."""

    losses: np.ndarray
    is_right: np.ndarray


def fit(features: np.ndarray, labels: list[str], groups: np.ndarray, seed: int, progress: Callable[[], None]) -> Head:
    """Fit a head to features float [n, 1 + views, width]. `progress` is called after each of `steps(n)` fits."""
    names, truth = _numbered(labels)
    roots, takes_roots = _taken(features)
    strength, logits = _best_out_of_fold(roots, truth, groups, seed, progress)
    temperature = float(_TEMPERATURES[np.argmin([_loss(logits / t, truth) for t in _TEMPERATURES])])
    probabilities = softmax(logits / temperature)
    with one_thread():
        weights, bias = _fitted(roots, truth, strength, len(names))
    progress()
    return Head(
        labels=tuple(names),
        weights=weights,
        bias=bias,
        temperature=temperature,
        threshold=threshold(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth),
        strength=strength,
        accuracy=float((probabilities.argmax(axis=1) == truth).mean()),
        takes_roots=takes_roots,
    )


def out_of_fold(
    features: np.ndarray, labels: list[str], groups: np.ndarray, seed: int, progress: Callable[[], None]
) -> OutOfFold:
    """How good a head is in cross-validation. `progress` is called after each of `steps(n) - 1` fits."""
    _, truth = _numbered(labels)
    _, logits = _best_out_of_fold(_taken(features)[0], truth, groups, seed, progress)
    losses = min((_losses(logits / t, truth) for t in _TEMPERATURES), key=lambda found: float(found.mean()))
    return OutOfFold(losses, np.asarray(logits.argmax(axis=1) == truth))


def steps(count: int) -> int:
    """How many fits `fit` makes for `count` pictures."""
    return len(STRENGTHS) * int(_folds(count, 0).get_n_splits()) + 1


def threshold(confidence: np.ndarray, is_right: np.ndarray, wanted: float = RIGHT) -> float:
    """The lowest confidence above which the share `wanted` of the answers is right.

    If no confidence reaches that share, the highest there is. If all answers together reach it, at most EVEN, since
    later pictures may be less clear than these.
    """
    order = np.argsort(-confidence, kind="stable")
    share_right = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share_right >= wanted)
    found = float(confidence[order][enough[-1]] if len(enough) else confidence.max())
    if len(enough) and enough[-1] == len(order) - 1:
        found = min(found, EVEN)
    return round(min(max(found, 1 / 1000), 0.99), 4)


def _numbered(labels: list[str]) -> tuple[list[str], np.ndarray]:
    names = sorted(set(labels))
    numbers = {label: i for i, label in enumerate(names)}
    return names, np.array([numbers[label] for label in labels])


def _best_out_of_fold(
    roots: np.ndarray, truth: np.ndarray, groups: np.ndarray, seed: int, progress: Callable[[], None]
) -> tuple[float, np.ndarray]:
    """The regularisation with the lowest loss in cross-validation, and its predictions: logits [n, classes]."""
    classes = int(truth.max()) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a small class may be missing from a fold
        folds = list(_folds(len(truth), seed).split(truth, truth, groups))
    tried: list[tuple[float, float, np.ndarray]] = []
    for strength in STRENGTHS:
        logits = np.zeros((len(truth), classes))
        for train, held in folds:
            with one_thread():
                weights, bias = _fitted(roots[train], truth[train], strength, classes)
                logits[held] = roots[held, 0] @ weights.T + bias
            progress()
        tried.append((min(_loss(logits / t, truth) for t in _TEMPERATURES), strength, logits))
    _, strength, logits = min(tried, key=lambda one: one[0])
    return strength, logits


def _folds(count: int, seed: int) -> StratifiedGroupKFold:
    return StratifiedGroupKFold(_FOLDS if count < _MANY else _FEWER_FOLDS, shuffle=True, random_state=seed)


def _fitted(roots: np.ndarray, truth: np.ndarray, strength: float, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit to square roots [n, views, 1280]; the views of a picture share its weight.

    Returns (weights [classes, 1280], bias [classes]).
    """
    views = roots.shape[1]
    flat, labels = roots.reshape(-1, roots.shape[2]).astype(np.float64), np.repeat(truth, views)
    mean = flat.mean(axis=0)
    flat -= mean
    scale = 1 / max(float(np.sqrt((flat**2).mean())), 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the best so far is what cross-validation compares
        found = LogisticRegression(C=strength / views, max_iter=300, tol=1e-3).fit(flat * scale, labels)
    weights, bias = found.coef_ * scale, found.intercept_
    if len(found.classes_) == 2:
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    every_weight, every_bias = np.zeros((classes, roots.shape[2])), np.full(classes, -30.0)
    every_weight[found.classes_], every_bias[found.classes_] = weights, bias - weights @ mean
    return every_weight, every_bias


def _taken(features: np.ndarray) -> tuple[np.ndarray, bool]:
    """What is fitted to: the square roots of the features, or the features themselves if any is negative."""
    is_negative = bool((features < 0).any())
    return (features, False) if is_negative else (np.sqrt(features), True)


def _loss(logits: np.ndarray, truth: np.ndarray) -> float:
    return float(_losses(logits, truth).mean())


def _losses(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.asarray(-np.log(np.maximum(softmax(logits)[np.arange(len(truth)), truth], 1e-12)))
