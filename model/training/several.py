"""Fits a head that gives each label a probability of its own, so that several labels may hold for a picture, or none.

Each label has a logistic regression of its own on the same features as the head of one label a picture (head.py). How
strongly they are regularised, one temperature and the thresholds are chosen from predictions out of fold, by the mean
binary cross-entropy over the labels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import minimize

from classify.model import sigmoid
from model.training import distance, imbalance, in_blocks, stratify, thresholds
from model.training.form import form_of
from model.training.head import STRENGTHS, TEMPERATURES, LinearHead, OutOfFold, fold_count
from model.training.threads import one_thread, side_by_side
from model.training.thresholds import FEWEST_OF_LABEL, RIGHT, TARGETS, Answers, Price, Thresholds

LIKELY = 0.5
"""From this probability on a label is likelier than not."""
_MOST_ITERATIONS, _TOLERANCE = 300, 1e-4


@dataclass(frozen=True, kw_only=True)
class SeveralHead(LinearHead):
    """probabilities = sigmoid((taken(features) · weights.T + bias) / temperature), of each label for itself."""

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float64 [n, labels] of features float [n, width]."""
        return sigmoid((self.taken(features) @ self.weights.T + self.bias) / self.temperature)


def fit(
    features: np.ndarray,
    labels: list[tuple[str, ...]],
    groups: np.ndarray,
    seed: int,
    progress: Callable[[], None],
    right: float = RIGHT,
    middle: int = 0,
) -> SeveralHead:
    """Fit a head to features float [n, 1 + views, width] of pictures with these labels and group numbers int [n]; the
    last `middle` columns come from middle layers.

    It answers so that the share `right` of the labels that it gives is right. `progress` is called after each of
    `head.steps(n)` fits.
    """
    names = names_of(labels)
    holds = stratify.holding(labels, names)
    form = form_of(features, middle)
    taken = form.taken(features)
    plain = form.without_middle(taken[:, 0])
    divided = stratify.folds(holds, groups, fold_count(len(holds)), seed)
    strength, logits = _best_out_of_fold(taken, holds, divided, progress)
    temperature = float(min(TEMPERATURES, key=lambda t: mean_loss(logits / t, holds)))
    probabilities = sigmoid(logits / temperature)
    kinds = np.unique(holds, axis=0, return_inverse=True)[1].reshape(-1)
    far = distance.out_of_fold(plain, kinds, groups, divided)
    limit = distance.limit_of(far)
    answers = pairs(probabilities, holds, groups, far <= limit)
    chosen = choose_thresholds(answers, holds, groups, right)
    every = Thresholds(chosen.common, {i: chosen.own.get(i, chosen.common) for i in range(len(names))})
    weights, bias = fitted(taken, holds, strength)
    progress()
    given = answers.given(every)
    found = given[holds.ravel()].reshape(-1)
    return SeveralHead(
        labels=tuple(names),
        weights=weights,
        bias=bias,
        temperature=temperature,
        thresholds=every,
        references=distance.references(plain, kinds, groups),
        distance_limit=limit,
        strength=strength,
        accuracy=float((given.reshape(holds.shape) == holds).all(axis=1).mean()),
        form=form,
        prices=tuple(price(answers, holds, groups, target, names) for target in sorted({*TARGETS, right})),
        rare=tuple(_rare(names, holds, groups, found)),
        out_of_fold=probabilities,
    )


def out_of_fold(
    features: np.ndarray,
    labels: list[tuple[str, ...]],
    groups: np.ndarray,
    seed: int,
    progress: Callable[[], None],
    middle: int = 0,
) -> OutOfFold:
    """How good a head is in cross-validation: the loss of a picture is its mean over the labels, and it is right if it
    is on all of them. `progress` is called after each of `head.steps(n) - 1` fits."""
    holds = stratify.holding(labels, names_of(labels))
    divided = stratify.folds(holds, groups, fold_count(len(holds)), seed)
    _, logits = _best_out_of_fold(form_of(features, middle).taken(features), holds, divided, progress)
    losses = min((_losses(logits / t, holds) for t in TEMPERATURES), key=lambda found: float(found.mean()))
    return OutOfFold(losses, np.asarray(((logits > 0) == holds).all(axis=1)))


def names_of(labels: list[tuple[str, ...]]) -> list[str]:
    """The names of all labels, in order."""
    return sorted({label for own in labels for label in own})


def fitted(
    taken: np.ndarray, holds: np.ndarray, strength: float, rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit to what a head takes, float [n, views, width], of pictures with labels bool [n, labels], or to the pictures
    `rows` of it; the views of a picture share its weight.

    Returns (weights [labels, width], bias [labels]). The labels are fitted in one go, which is faster than one after
    the other and finds the same.
    """
    rows, (views, width) = np.arange(len(taken)) if rows is None else rows, taken.shape[1:]
    if in_blocks.is_needed(len(rows), taken):
        share = (holds[rows].sum(axis=0) * views + 0.5) / (len(rows) * views + 1)
        return in_blocks.fitted(
            taken,
            rows,
            lambda numbers: holds[numbers],
            strength,
            np.log(share / (1 - share)),
            is_softmax=False,
            most_iterations=_MOST_ITERATIONS,
            tolerance=_TOLERANCE,
        )
    flat = taken[rows].reshape(-1, width).astype(np.float64)
    truth = np.repeat(holds[rows], views, axis=0).astype(np.float64)
    mean = flat.mean(axis=0)
    flat -= mean
    scale = 1 / max(float(np.sqrt((flat**2).mean())), 1e-9)
    flat *= scale
    flat = flat.astype(np.float32)  # half of the memory, and of the time to go through it
    count, labels = truth.shape
    penalty = views / (strength * count)
    share = (truth.sum(axis=0) + 0.5) / (count + 1)

    def loss(packed: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = packed[:-labels].reshape(labels, width), packed[-labels:]
        logits = (flat @ weights.T.astype(np.float32)).astype(np.float64) + bias
        value = (np.logaddexp(0, logits) - truth * logits).sum() / count + penalty / 2 * (weights**2).sum()
        slope = (sigmoid(logits) - truth) / count
        return float(value), np.concatenate(
            [(slope.T.astype(np.float32) @ flat + penalty * weights).ravel(), slope.sum(axis=0)]
        )

    start = np.concatenate([np.zeros(labels * width), np.log(share / (1 - share))])
    with one_thread():
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS, "gtol": _TOLERANCE}
        ).x
    weights, bias = found[:-labels].reshape(labels, width) * scale, found[-labels:]
    return weights, bias - weights @ mean


def pairs(probabilities: np.ndarray, holds: np.ndarray, groups: np.ndarray, is_near: np.ndarray) -> Answers:
    """Each label of each picture as an answer that is right if it holds, of probabilities float and truth bool
    [n, labels]; as groups, those of one label."""
    count, labels = holds.shape
    numbers = np.tile(np.arange(labels), count)
    return Answers(
        confidence=probabilities.ravel(),
        predicted=numbers,
        truth=np.where(holds.ravel(), numbers, -1),
        groups=np.repeat(np.unique(groups, return_inverse=True)[1], labels) * labels + numbers,
        is_near=np.repeat(is_near, labels),
    )


def choose_thresholds(answers: Answers, holds: np.ndarray, groups: np.ndarray, wanted: float) -> Thresholds:
    """The thresholds at which the share `wanted` of the labels that are given is right.

    A label has its own, by its answers alone, if FEWEST_OF_LABEL different pictures have it, or more if a claim of that
    share needs more. The others share the one at which all labels together are right that often.
    """
    enough = max(FEWEST_OF_LABEL, thresholds.needed(wanted))
    own: dict[int, float] = {}
    for number in range(holds.shape[1]):
        inside = answers.is_near & (answers.predicted == number)
        if len(np.unique(groups[holds[:, number]])) >= enough and inside.any():
            own[number] = thresholds.lowest(answers.confidence[inside], answers.is_right[inside], wanted)
    is_own = np.isin(answers.predicted, list(own))
    given = is_own & answers.given(Thresholds(1.0, own))
    beside = int(answers.is_right[given].sum()), int(given.sum())
    rest = answers.is_near & ~is_own
    if not rest.any():
        return Thresholds(LIKELY, own)
    return Thresholds(thresholds.lowest(answers.confidence[rest], answers.is_right[rest], wanted, beside), own)


def price(answers: Answers, holds: np.ndarray, groups: np.ndarray, wanted: float, names: list[str]) -> Price:
    """What the thresholds for this share cost; `answered` is the share of the labels that are found."""
    return thresholds.price(answers, wanted, names, choose_thresholds(answers, holds, groups, wanted))


def _rare(names: list[str], holds: np.ndarray, groups: np.ndarray, found: np.ndarray) -> list[str]:
    """A sentence for each label with far fewer different pictures than the others; `found` bool says of each label of
    each picture in turn whether it is given out of fold."""
    counts = np.array([len(np.unique(groups[own])) for own in holds.T])
    numbers = np.nonzero(holds)[1]
    shares = [float(found[numbers == number].mean()) for number in range(len(names))]
    return imbalance.sentences(names, counts, shares)


def _best_out_of_fold(
    taken: np.ndarray,
    holds: np.ndarray,
    divided: list[tuple[np.ndarray, np.ndarray]],
    progress: Callable[[], None],
) -> tuple[float, np.ndarray]:
    """The regularisation with the lowest loss in cross-validation, and its predictions: logits [n, labels]."""
    best: tuple[float, float, np.ndarray] | None = None
    trained = [train for train, _ in divided]
    for strength in STRENGTHS:
        logits = np.zeros(holds.shape)
        heads = side_by_side(partial(fitted, taken, holds, strength), trained, progress)
        for (_, held), (weights, bias) in zip(divided, heads, strict=True):
            logits[held] = in_blocks.predicted(taken, held, weights, bias)
        loss = min(mean_loss(logits / t, holds) for t in TEMPERATURES)
        if best is None or loss < best[0]:
            best = loss, strength, logits
    assert best is not None, "there are strengths to try"
    return best[1:]


def mean_loss(logits: np.ndarray, holds: np.ndarray) -> float:
    """The mean binary cross-entropy of logits float [n, labels] with labels bool [n, labels]."""
    return float(_losses(logits, holds).mean())


def _losses(logits: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """The binary cross-entropy of each picture, its mean over the labels: float [n]."""
    return np.asarray((np.logaddexp(0, logits) - holds * logits).mean(axis=1))
