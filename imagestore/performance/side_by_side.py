"""Two versions beside each other, on the same pictures: only such as both were tested on and neither learned from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from imagestore.performance.answers import Answers
from imagestore.performance.confusion import SaidOfPicture, said_of
from imagestore.performance.learned import LearnedFrom
from imagestore.store.held_out import AnsweredPicture

ROUNDS = 1000
MEASURES = ("right", "precision", "recall", "macro_f1", "answered")


@dataclass(frozen=True)
class Difference:
    """A figure of both versions, from 0 to 1, and first minus second with its 95 % interval.

    `measure` is `right` (the share of pictures that are given what they have, and nothing else), `precision`, `recall`,
    `macro_f1` (over the labels that both know and a picture has) or `answered` (the share of pictures with a label that
    are given one).
    """

    measure: str
    first: float
    second: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class SaidByBoth:
    """What both versions say of a picture."""

    first: SaidOfPicture
    second: SaidOfPicture


@dataclass(frozen=True)
class SideBySide:
    """Two versions on the same `pictures`, of which `groups` differ clearly.

    Of the test pictures of each version, `tested`, both were tested on `both_tested`. Left out of these are those that
    one of the two `learned`, and those that were `relabelled` between the two tests. `only` are the labels that one of
    the two alone knows. `differing` are the pictures on which they differ: where one is right first.
    """

    pictures: int
    groups: int
    tested: tuple[int, int]
    both_tested: int
    learned: int
    relabelled: int
    only: tuple[list[str], list[str]]
    unknown: tuple[int, int]
    figures: list[Difference]
    differing: list[SaidByBoth]


@dataclass(frozen=True)
class _Columns:
    """Both versions' answers to the same pictures, in columns: which pictures are given what they have, are given
    anything, bool [n]; each label that is given, and each that holds, with the picture, int [m]; which of the given
    ones are right, bool [m]."""

    right: np.ndarray
    answered: np.ndarray
    has_label: np.ndarray
    given: np.ndarray
    given_labels: np.ndarray
    is_hit: np.ndarray
    holding: np.ndarray
    holding_labels: np.ndarray

    def measured(self, weights: np.ndarray, common: int) -> np.ndarray:
        """MEASURES where each picture counts so often, float [n]; the first `common` label numbers are of those that
        both know."""
        said, hit, there = weights[self.given], weights[self.given] * self.is_hit, weights[self.holding]
        by_label = [
            np.bincount(labels, counted, minlength=common)[:common]
            for labels, counted in (
                (self.given_labels, said),
                (self.given_labels, hit),
                (self.holding_labels, there),
            )
        ]
        is_tested, both = by_label[2] > 0, by_label[0] + by_label[2]
        f1 = 2 * by_label[1][is_tested] / both[is_tested]
        with_label = weights * self.has_label
        return np.array(
            [
                _share(weights @ self.right, weights.sum()),
                _share(hit.sum(), said.sum()),
                _share(hit.sum(), there.sum()),
                float(f1.mean()) if len(f1) else 0.0,
                _share(with_label @ self.answered, with_label.sum()),
            ]
        )


def side_by_side(
    answers: tuple[Answers, Answers], learned: tuple[LearnedFrom, LearnedFrom], seed: int = 1
) -> SideBySide:
    """Compare two versions, each at its thresholds.

    The interval is that of a paired bootstrap over groups of look-alikes: both versions on the same draws.
    """
    first, second = ({one.sha256: one for one in each.pictures} for each in answers)
    both = [sha256 for sha256 in first if sha256 in second]
    unseen = [sha256 for sha256 in both if all(sha256 not in one.learned for one in learned)]
    same = [sha256 for sha256 in unseen if set(first[sha256].labels) == set(second[sha256].labels)]
    pairs = [(first[sha256], second[sha256]) for sha256 in same]
    groups = _joined(pairs)
    known = tuple({one.label for one in each.labels} for each in answers)
    said = [[said_of(each, pair[i], each.thresholds) for pair in pairs] for i, each in enumerate(answers)]
    return SideBySide(
        pictures=len(pairs),
        groups=len(np.unique(groups)),
        tested=(answers[0].count, answers[1].count),
        both_tested=len(both),
        learned=len(both) - len(unseen),
        relabelled=len(unseen) - len(same),
        only=(sorted(known[0] - known[1]), sorted(known[1] - known[0])),
        unknown=(sum(not one.given for one in said[0]), sum(not one.given for one in said[1])),
        figures=_differences(said, groups, sorted(known[0] & known[1]), seed) if pairs else [],
        differing=_differing(said),
    )


def _differences(said: list[list[SaidOfPicture]], groups: np.ndarray, common: list[str], seed: int) -> list[Difference]:
    numbers = {label: number for number, label in enumerate(common)}
    columns = [_columns(each, numbers) for each in said]
    once = np.ones(len(groups))
    found = [each.measured(once, len(common)) for each in columns]
    rng, count = np.random.default_rng(seed), int(groups.max()) + 1
    drawn = np.empty((ROUNDS, len(MEASURES)))
    for row in drawn:
        weights = np.bincount(rng.integers(0, count, count), minlength=count)[groups].astype(float)
        row[:] = columns[0].measured(weights, len(common)) - columns[1].measured(weights, len(common))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return [
        Difference(
            measure,
            float(found[0][i]),
            float(found[1][i]),
            float(found[0][i] - found[1][i]),
            float(low[i]),
            float(high[i]),
        )
        for i, measure in enumerate(MEASURES)
    ]


def _columns(said: list[SaidOfPicture], common: Mapping[str, int]) -> _Columns:
    numbers = dict(common)
    given = [(n, label) for n, one in enumerate(said) for label in one.given]
    holding = [(n, label) for n, one in enumerate(said) for label in one.labels]
    return _Columns(
        right=np.array([one.is_right for one in said], float),
        answered=np.array([bool(one.given) for one in said], float),
        has_label=np.array([bool(one.labels) for one in said], float),
        given=np.array([n for n, _ in given], int),
        given_labels=np.array([numbers.setdefault(label, len(numbers)) for _, label in given], int),
        is_hit=np.array([label in said[n].labels for n, label in given], float),
        holding=np.array([n for n, _ in holding], int),
        holding_labels=np.array([numbers.setdefault(label, len(numbers)) for _, label in holding], int),
    )


def _joined(pairs: list[tuple[AnsweredPicture, AnsweredPicture]]) -> np.ndarray:
    """A group number for each picture, int [n]: pictures that are of one group in either version's test are one."""
    parent = list(range(len(pairs)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for which in (0, 1):
        seen: dict[int, int] = {}
        for n, pair in enumerate(pairs):
            group = pair[which].group
            if group is not None:
                parent[root(n)] = root(seen.setdefault(group, n))
    roots = np.array([root(n) for n in range(len(pairs))], int)
    return np.unique(roots, return_inverse=True)[1] if len(pairs) else roots


def _differing(said: list[list[SaidOfPicture]]) -> list[SaidByBoth]:
    found = [SaidByBoth(one, other) for one, other in zip(*said, strict=True) if set(one.given) != set(other.given)]
    return sorted(found, key=lambda both: (both.first.is_right == both.second.is_right, both.first.sha256))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
