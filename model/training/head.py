"""Fits a head to a backbone's features: logistic regression on their square roots, a temperature and thresholds.

Centring without scaling keeps weak features weak. Regularisation, the weight of rare labels, temperature, thresholds
and the limit of the distance are chosen by cross-validation, from predictions on pictures that the head was not fitted
to.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from classify.model import softmax
from model.training import distance, imbalance, in_blocks, thresholds
from model.training.distance import References
from model.training.examples import NONE
from model.training.form import Form, form_of
from model.training.imbalance import Balance, Balancing
from model.training.threads import one_thread, side_by_side
from model.training.thresholds import RIGHT, TARGETS, Answers, Price, Thresholds

STRENGTHS = (0.0003, 0.003, 0.03, 0.3)
_FOLDS, _FEWER_FOLDS, _MANY = 5, 3, 2000
_MOST_ITERATIONS, _TOLERANCE = 300, 1e-3
_FEW = 4
"""Pictures are given by their coordinates in the space that they span if it has so many times fewer dimensions."""
TEMPERATURES = np.geomspace(0.25, 4, 49)


@dataclass(frozen=True, kw_only=True)
class LinearHead(ABC):
    """logits = (taken(features) · weights.T + bias) / temperature; weights float [labels, width].

    What lies farther than `distance_limit` from the `references` is not answered. `out_of_fold` are the probabilities
    float [n, labels] of what it was fitted to, by heads that were fitted to others, and `accuracy` is theirs. `prices`
    say what other thresholds would cost, and `rare` names labels with too few pictures.
    """

    labels: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    temperature: float
    thresholds: Thresholds
    references: References
    distance_limit: float
    strength: float
    accuracy: float
    form: Form
    prices: tuple[Price, ...]
    rare: tuple[str, ...]
    out_of_fold: np.ndarray

    def taken(self, features: np.ndarray) -> np.ndarray:
        """What the head is fitted to, of features float [..., width]."""
        return self.form.taken(features)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """How far pictures with features float [n, width] lie from those that were learned from, float [n]."""
        return self.references.distances(self.form.without_middle(self.taken(features)))

    @abstractmethod
    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float64 [n, labels] of features float [n, width]."""


@dataclass(frozen=True, kw_only=True)
class Head(LinearHead):
    """probabilities = softmax(logits): one label holds for a picture.

    `shift` float [classes] is what rare labels' weight takes from the logits, and is in `bias` already. With `has_rest`
    the weights and what is out of fold have one more class, the last one, of pictures that show none of the labels.
    """

    shift: np.ndarray
    balancing: Balancing
    has_rest: bool

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float64 [n, labels] of features float [n, width]."""
        every = softmax((self.taken(features) @ self.weights.T + self.bias) / self.temperature)
        return every[:, : len(self.labels)]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions on pictures that the head was not fitted to: the loss of each, float [n], and whether it is right."""

    losses: np.ndarray
    is_right: np.ndarray


def fit(
    features: np.ndarray,
    labels: list[str],
    groups: np.ndarray,
    seed: int,
    progress: Callable[[], None],
    right: float = RIGHT,
    balance: Balance | None = None,
    middle: int = 0,
) -> Head:
    """Fit a head to features float [n, 1 + views, width], of which the last `middle` columns come from middle layers.

    It answers so that the share `right` of its answers is right. `progress` is called after each of `steps(n)` fits.
    The weight of rare labels is chosen if `balance` is None. Pictures with the label NONE are a class that is learned
    and never answered; any answer to them is wrong.
    """
    names, truth = numbered(labels)
    has_rest = names[-1] == NONE
    names = names[: len(names) - has_rest]
    known = truth < len(names)
    form = form_of(features, middle)
    taken = form.taken(features)
    divided = folds(truth, groups, seed)
    strength, logits = _best_out_of_fold(taken, truth, divided, progress)
    balancing = imbalance.choose(logits[known, : len(names)], truth[known], groups[known], balance)
    shift = np.append(imbalance.shift(np.bincount(truth[known]), balancing.chosen), [0.0] * has_rest)
    logits -= shift
    temperature = float(TEMPERATURES[np.argmin([mean_loss(logits / t, truth) for t in TEMPERATURES])])
    every = softmax(logits / temperature)
    probabilities = every[:, : len(names)]
    from_known = [(train[known[train]], held) for train, held in divided]
    plain = form.without_middle(taken[:, 0])
    far = distance.out_of_fold(plain, truth, groups, from_known)
    limit = distance.limit_of(far[known])
    predicted = probabilities.argmax(axis=1)
    answers = Answers(probabilities.max(axis=1), predicted, np.where(known, truth, -1), groups, far <= limit)
    with one_thread():
        weights, bias = fitted(taken, truth, strength, len(names) + has_rest)
    progress()
    return Head(
        labels=tuple(names),
        weights=weights,
        bias=bias - shift,
        temperature=temperature,
        thresholds=thresholds.choose(answers, right),
        references=distance.references(plain, truth, groups, np.flatnonzero(known)),
        distance_limit=limit,
        shift=shift,
        strength=strength,
        accuracy=float(answers.is_right[known].mean()),
        form=form,
        balancing=balancing,
        prices=tuple(thresholds.price(answers, target, names) for target in sorted({*TARGETS, right})),
        rare=tuple(imbalance.warnings(names, truth[known], groups[known], answers.is_right[known])),
        has_rest=has_rest,
        out_of_fold=every,
    )


def out_of_fold(
    features: np.ndarray,
    labels: list[str],
    groups: np.ndarray,
    seed: int,
    progress: Callable[[], None],
    middle: int = 0,
) -> OutOfFold:
    """How good a head is in cross-validation. `progress` is called after each of `steps(n) - 1` fits."""
    _, truth = numbered(labels)
    taken = form_of(features, middle).taken(features)
    _, logits = _best_out_of_fold(taken, truth, folds(truth, groups, seed), progress)
    losses = min((_losses(logits / t, truth) for t in TEMPERATURES), key=lambda found: float(found.mean()))
    return OutOfFold(losses, np.asarray(logits.argmax(axis=1) == truth))


def steps(count: int) -> int:
    """How many fits `fit` makes for `count` pictures."""
    return len(STRENGTHS) * fold_count(count) + 1


def fold_count(count: int) -> int:
    """Into how many folds so many pictures are divided."""
    return _FOLDS if count < _MANY else _FEWER_FOLDS


def numbered(labels: list[str]) -> tuple[list[str], np.ndarray]:
    """The labels' names in order, and the class numbers int [n]. NONE comes last."""
    names = sorted(set(labels), key=lambda label: (label == NONE, label))
    numbers = {label: i for i, label in enumerate(names)}
    return names, np.array([numbers[label] for label in labels])


def folds(truth: np.ndarray, groups: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(numbers to fit to, numbers to predict) of each fold of pictures with these class and group numbers int [n]; a
    group is never on both sides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a small class may be missing from a fold
        possible = max(2, min(fold_count(len(truth)), int(np.bincount(truth).max())))
        divided = StratifiedGroupKFold(possible, shuffle=True, random_state=seed)
        return list(divided.split(truth, truth, groups))


def _best_out_of_fold(
    taken: np.ndarray,
    truth: np.ndarray,
    divided: list[tuple[np.ndarray, np.ndarray]],
    progress: Callable[[], None],
) -> tuple[float, np.ndarray]:
    """The regularisation with the lowest loss in cross-validation, and its predictions: logits [n, classes]."""
    # What is predicted with one strength is held beside that of others only where pictures are few.
    at_once = [[one] for one in STRENGTHS] if in_blocks.is_needed(len(truth), taken) else [list(STRENGTHS)]
    best: tuple[float, float, np.ndarray] | None = None
    for strengths in at_once:
        for strength, logits in _out_of_fold(taken, truth, divided, strengths, progress).items():
            loss = min(mean_loss(logits / t, truth) for t in TEMPERATURES)
            if best is None or loss < best[0]:
                best = loss, strength, logits
    assert best is not None, "there are strengths to try"
    return best[1:]


def _out_of_fold(
    taken: np.ndarray,
    truth: np.ndarray,
    divided: list[tuple[np.ndarray, np.ndarray]],
    strengths: list[float],
    progress: Callable[[], None],
) -> dict[float, np.ndarray]:
    """Predictions in cross-validation, logits [n, classes], with each of these strengths."""
    classes = int(truth.max()) + 1
    logits = {strength: np.zeros((len(truth), classes)) for strength in strengths}
    for train, held in divided:
        fitting = _Fitting(taken, truth, classes, train)
        for strength, (weights, bias) in zip(strengths, side_by_side(fitting.fitted, strengths, progress), strict=True):
            logits[strength][held] = in_blocks.predicted(taken, held, weights, bias)
    return logits


def fitted(
    taken: np.ndarray, truth: np.ndarray, strength: float, classes: int, rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit to what a head takes, float [n, views, width], or to the pictures `rows` of it; the views of a picture share
    its weight.

    Returns (weights [classes, width], bias [classes]).
    """
    return _Fitting(taken, truth, classes, np.arange(len(taken)) if rows is None else rows).fitted(strength)


class _Fitting:
    """The pictures `rows` of what a head takes, made ready once to be fitted to with several strengths.

    Where there are far fewer of them than numbers of each, they are given by their coordinates in the space that they
    span: their products, and so the head with the lowest loss, are the same, and a fit takes half of the time or less.
    They are of 32 bits, which take half of the memory and of the time to go through.
    """

    def __init__(self, taken: np.ndarray, truth: np.ndarray, classes: int, rows: np.ndarray) -> None:
        self._taken, self._truth, self._classes, self._rows = taken, truth, classes, rows
        self._is_in_blocks = in_blocks.is_needed(len(rows), taken)
        if self._is_in_blocks:
            return
        flat = taken[rows].reshape(-1, taken.shape[2]).astype(np.float64)
        self._mean = flat.mean(axis=0)
        flat -= self._mean
        self._scale = 1 / max(float(np.sqrt((flat**2).mean())), 1e-9)
        flat *= self._scale
        self._basis: np.ndarray | None = None
        if len(flat) * _FEW < flat.shape[1]:
            with one_thread():
                self._basis, coordinates = np.linalg.qr(flat.T)
            flat = np.ascontiguousarray(coordinates.T)
        self._flat = flat.astype(np.float32)

    def fitted(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """(weights [classes, width], bias [classes])."""
        if self._is_in_blocks:
            return _fitted_in_blocks(self._taken, self._truth, strength, self._classes, self._rows)
        views = self._taken.shape[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the best so far is what cross-validation compares
            model = LogisticRegression(C=strength / views, max_iter=_MOST_ITERATIONS, tol=_TOLERANCE)
            found = model.fit(self._flat, np.repeat(self._truth[self._rows], views))
        weights, bias = found.coef_.astype(np.float64), found.intercept_.astype(np.float64)
        weights = (weights if self._basis is None else weights @ self._basis.T) * self._scale
        if len(found.classes_) == 2:
            weights, bias = _of_both(weights, bias)
        return _of_classes(weights, bias - weights @ self._mean, found.classes_, self._classes)


def _fitted_in_blocks(
    taken: np.ndarray, truth: np.ndarray, strength: float, classes: int, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same, of pictures that are too many to be held at once."""
    present = np.unique(truth[rows])
    is_softmax = len(present) != 2
    outputs = present if is_softmax else present[1:]
    weights, bias = in_blocks.fitted(
        taken,
        rows,
        lambda numbers: truth[numbers][:, None] == outputs,
        strength,
        np.zeros(len(outputs)),
        is_softmax=is_softmax,
        most_iterations=_MOST_ITERATIONS,
        tolerance=_TOLERANCE,
    )
    if not is_softmax:
        weights, bias = _of_both(weights, bias)
    return _of_classes(weights, bias, present, classes)


def _of_both(weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of each of two classes, of which the second alone was fitted."""
    return np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2


def _of_classes(
    weights: np.ndarray, bias: np.ndarray, present: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of all classes, of those that are `present`; the others are never likely."""
    every_weight, every_bias = np.zeros((classes, weights.shape[1])), np.full(classes, -30.0)
    every_weight[present], every_bias[present] = weights, bias
    return every_weight, every_bias


def mean_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """The mean cross-entropy of logits float [n, classes] with class numbers int [n]."""
    return float(_losses(logits, truth).mean())


def _losses(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.asarray(-np.log(np.maximum(softmax(logits)[np.arange(len(truth)), truth], 1e-12)))
