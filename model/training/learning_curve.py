"""Measures whether more pictures would help: heads are fitted to parts of the pictures, and judged on others.

Each fold's pictures are predicted by heads that were fitted to an eighth, a quarter and half of the others, drawn so
that each label keeps its share and pictures that look alike stay together; those of all others are known from fitting
the head itself. How strongly a head is regularised is chosen for each part anew, as a training on that part would:
fewer pictures want it otherwise. The features are there already, so that a point costs a few fits. The intervals count
look-alikes as one, and where a part was drawn several times, how much the draws differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np

from imagestore.store.labelling import CurvePoint, LabelRise, LearningCurve, Measured
from model.training import stratify
from model.training.threads import side_by_side

_DRAWS = {1 / 8: 1, 1 / 4: 1, 1 / 2: 2}
MANY = 2000
"""From so many pictures on each part is drawn once: it takes longer, and the draws differ less."""
_FEWEST_GROUPS = 4
"""A part has at least so many different pictures per label, or it is left out."""
Found = np.ndarray
"""Of pictures, which of their labels are recognised, bool [n, labels]; and in one more column, whether all is right."""
Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Fitting:
    """How heads are fitted. `logits` fits one to the pictures int [m], with a strength of regularisation, and predicts
    the pictures int [k], float [k, outputs]. Of those of all pictures, `found` says what is recognised and `loss` how
    far off they are. One of the `strengths` is chosen."""

    strengths: tuple[float, ...]
    logits: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
    found: Callable[[np.ndarray], Found]
    loss: Callable[[np.ndarray], float]


@dataclass(frozen=True)
class _Scores:
    """Of each picture how often it was right and its labels recognised, float [n, labels + 1], how far draws differ in
    the mean of each column (a variance), and how many pictures were learned from on average."""

    found: np.ndarray
    between: np.ndarray
    pictures: int


def shares(holds: np.ndarray, groups: np.ndarray, divided: Folds) -> dict[float, int]:
    """The parts that are measured of pictures with labels bool [n, labels] and group numbers int [n], and how often
    each is drawn."""
    learned = len(np.unique(groups)) * (1 - 1 / len(divided))
    draws = _DRAWS if len(groups) < MANY else dict.fromkeys(_DRAWS, 1)
    return {share: times for share, times in draws.items() if learned * share >= _FEWEST_GROUPS * holds.shape[1]}


def steps(holds: np.ndarray, groups: np.ndarray, divided: Folds, strengths: int) -> int:
    """How many fits `measure` makes, with so many strengths to choose from."""
    return len(divided) * sum(strengths + times - 1 for times in shares(holds, groups, divided).values())


def measure(
    holds: np.ndarray,
    groups: np.ndarray,
    divided: Folds,
    names: list[str],
    whole: Found,
    fitting: Fitting,
    seed: int,
    progress: Callable[[], None],
    *,
    has_several: bool = False,
) -> LearningCurve | None:
    """Measure it for pictures with labels bool [n, labels], of which `whole` is what is recognised out of fold; None if
    there are too few. Where one label holds, pictures of none are learned from and not judged. `progress` is called
    after each of `steps(…)` fits."""
    wanted = shares(holds, groups, divided)
    if not wanted:
        return None
    judged = np.asarray(holds.any(axis=1) | has_several)
    parts = [
        _scores(holds, judged, groups, divided, share, times, fitting, seed, progress)
        for share, times in wanted.items()
    ]
    learned = round(float(np.mean([len(rows) for rows, _ in divided])))
    parts.append(_Scores(whole.astype(float), np.zeros(whole.shape[1]), learned))
    last, before = parts[-1], parts[-2]
    points = [CurvePoint(one.pictures, _measured(one, None, -1, judged, groups)) for one in parts]
    labels = [
        LabelRise(
            name,
            float(last.found[holds[:, number], number].mean()),
            _measured(last, before, number, holds[:, number], groups, labels=len(names)),
        )
        for number, name in enumerate(names)
    ]
    return LearningCurve(points, _measured(last, before, -1, judged, groups), labels, has_several)


def _scores(
    holds: np.ndarray,
    judged: np.ndarray,
    groups: np.ndarray,
    divided: Folds,
    share: float,
    times: int,
    fitting: Fitting,
    seed: int,
    progress: Callable[[], None],
) -> _Scores:
    found, learned, best = [], list[int](), fitting.strengths
    for time in range(times):
        parts = []
        for fold, (rows, held) in enumerate(divided):
            chance = np.random.default_rng([seed, round(1 / share), time, fold])
            parts.append((rows[_is_in_part(holds[rows], groups[rows], share, chance)], held))
        tried = _predicted(parts, best, len(holds), fitting, progress)
        losses = [fitting.loss(logits) for logits in tried]
        least = int(np.argmin(losses))
        best = (best[least],)
        found.append(fitting.found(tried[least]))
        learned += [len(part) for part, _ in parts]
    means = np.stack([_means(one, holds, judged) for one in found])
    between = means.var(axis=0, ddof=1) / times if times > 1 else np.zeros(means.shape[1])
    return _Scores(np.mean(found, axis=0), between, round(float(np.mean(learned))))


def _predicted(
    parts: Folds, strengths: tuple[float, ...], count: int, fitting: Fitting, progress: Callable[[], None]
) -> list[np.ndarray]:
    """With each strength the logits of all pictures, float [count, outputs], each by a head that was fitted to its
    fold's part."""
    wanted = list(product(strengths, parts))
    said = iter(side_by_side(lambda one: fitting.logits(*one[1], one[0]), wanted, progress))
    found = []
    for _ in strengths:
        of_parts = [next(said) for _ in parts]
        logits = np.zeros((count, of_parts[0].shape[1]))
        for (_, held), one in zip(parts, of_parts, strict=True):
            logits[held] = one
        found.append(logits)
    return found


def _is_in_part(holds: np.ndarray, groups: np.ndarray, share: float, chance: np.random.Generator) -> np.ndarray:
    """Whether each picture is in a part of this share of the groups, in which each label has its share."""
    numbers, inside = np.unique(groups, return_inverse=True)
    of_groups = stratify.of_groups(holds, inside, len(numbers))
    part = stratify.deal(of_groups, [share, 1 - share], chance.permutation(len(numbers)))
    return np.asarray(part[inside] == 0)


def _means(found: np.ndarray, holds: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """The recall of each label, and in the last column the accuracy."""
    recalls = (found[:, :-1] * holds).sum(axis=0) / np.maximum(holds.sum(axis=0), 1)
    return np.append(recalls, found[judged, -1].mean())


def _measured(
    one: _Scores,
    other: _Scores | None,
    column: int,
    of: np.ndarray,
    groups: np.ndarray,
    labels: int = 1,
) -> Measured:
    """The mean of a column, or by how much it is above another's, of the pictures `of` (bool [n]), with the interval of
    95 % for so many labels together."""
    scores = (one.found[:, column] - (0 if other is None else other.found[:, column]))[of]
    mean = float(scores.mean())
    sums = np.bincount(np.unique(groups[of], return_inverse=True)[1], weights=scores - mean)
    between = one.between[column] + (0.0 if other is None else other.between[column])
    spread = NormalDist().inv_cdf(1 - 0.025 / labels) * float(np.sqrt((sums**2).sum() / len(scores) ** 2 + between))
    low, high = mean - spread, mean + spread
    return Measured(mean, low, high) if other is not None else Measured(mean, max(0.0, low), min(1.0, high))
